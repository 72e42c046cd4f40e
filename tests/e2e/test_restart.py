"""`tanebi restart` under load: no request fails, whoever serves."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import User, build_images, eventually, service
from tests.e2e.loading import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.parametrize("activators", ["0", "2"])
def test_no_client_sees_a_restart(tmp_path: Path, activators: str) -> None:
    with Platform(tmp_path / "data", "--activators", activators) as platform:
        build_images(platform)
        user = User(platform)
        user.apply(service("kept", annotations={"autoscaling.knative.dev/min-scale": "1"}))
        user.wait_ready("ksvc", "kept")
        pid, children = platform.pid, platform.endpoints["activators"]
        with load(platform.gateway_port, "kept.default.localhost", path="/sleep?ms=20") as seen:
            eventually(lambda: seen.done > 20)
            assert "restarted" in platform.cli("restart").stdout
            before = seen.done
            eventually(lambda: seen.done > before + 20)
        assert seen.failures == 0, (seen.statuses, seen.errors)
        assert platform.endpoints["pid"] == pid
        assert platform.endpoints["activators"] == children
        assert httpx.get(platform.gateway, headers={"Host": "nobody"}).status_code == 404
        user.http.close()

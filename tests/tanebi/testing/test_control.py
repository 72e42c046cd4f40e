from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.api.core.kinds import NAMESPACE
from tanebi.kube.client import Kube
from tanebi.kube.network import connect
from tanebi.testing.control import NS, control_plane, https_door

pytestmark = pytest.mark.anyio


async def test_it_serves_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as control:
        uid = (await control.kube.get(NAMESPACE, "", NS))["metadata"]["uid"]
    async with control_plane(tmp_path, namespaces=["more", NS]) as control:
        assert (await control.kube.get(NAMESPACE, "", NS))["metadata"]["uid"] == uid
        async with https_door(control, tmp_path) as kubeconfig, connect(kubeconfig) as network:
            found = await Kube(network, field_manager="m").list(NAMESPACE, None)
            assert {"more", NS} <= {o["metadata"]["name"] for o in found.items}

"""On a real API server: made once, corrected when the port moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINTS, SERVICE
from tanebi.testing.control import control_plane
from tanebi.up.system import publish

pytestmark = pytest.mark.anyio


async def test_published_and_corrected(tmp_path: Path) -> None:
    async with control_plane(tmp_path, namespaces=("knative-serving",)) as control:
        for port, tls_port in ((8080, None), (8080, 8443), (9090, 9443)):
            await publish(control.kube, "127.0.0.1", port, tls_port, inside=("10.0.0.1", 80))
        kourier = await control.kube.get(SERVICE, "kourier-system", "kourier")
        assert [p["nodePort"] for p in kourier["spec"]["ports"]] == [9090, 9443]
        assert kourier["status"]["loadBalancer"] == {"ingress": [{"ip": "127.0.0.1"}]}
        activators = await control.kube.get(ENDPOINTS, "knative-serving", "activator-service")
        assert [a["ip"] for s in activators["subsets"] for a in s["addresses"]] == ["10.0.0.1"]
        parts = await control.kube.list(DEPLOYMENT, "knative-serving")
        assert len(parts.items) == 4

"""How webhooks are reached."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.webhooks.caller import Caller, CallFailed, place_of
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.webhooks.answering import allow, answering

pytestmark = pytest.mark.anyio

SERVICE: Obj = {"service": {"namespace": "default", "name": "hook", "path": "check", "port": 443}}


async def service(api: Api, port: int) -> None:
    base = "/api/v1/namespaces/default/services"
    spec = {"ports": [{"name": "https", "port": 443, "targetPort": port}]}
    await api.ok("POST", base, {"metadata": {"name": "hook"}, "spec": spec})
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    body = {
        "metadata": {"name": "hook-1", "labels": {"kubernetes.io/service-name": "hook"}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": port}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
    }
    await api.ok("POST", slices, body)


async def test_a_service_is_its_endpoints_under_its_own_name(api: Api, tmp_path: Path) -> None:
    caller = Caller(api.store)
    with pytest.raises(CallFailed, match='service "hook" not found'):
        place_of(SERVICE, api.store)
    async with answering(tmp_path) as peer:
        await service(api, peer.port)
        place = place_of(SERVICE, api.store)
        assert place.url == "https://hook.default.svc:443/check"
        assert (place.host, place.port) == ("127.0.0.1", peer.port)
        peer.judges["/check"] = allow
        asked = b'{"request":{"uid":"1"}}'
        answer = await caller.ask({**SERVICE, "caBundle": peer.bundle}, asked, 5)
        assert b'"allowed":true' in answer
    await caller.aclose()


async def test_ports_that_are_not_there(api: Api) -> None:
    await service(api, 1)
    other = {"service": {**SERVICE["service"], "port": 444}}
    with pytest.raises(CallFailed, match="no service port 444 found"):
        place_of(other, api.store)
    await api.ok("DELETE", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/hook-1")
    with pytest.raises(CallFailed, match="no endpoints available"):
        place_of(SERVICE, api.store)


async def test_a_stranger_s_certificate_and_silence(api: Api, tmp_path: Path) -> None:
    caller = Caller(api.store)
    async with answering(tmp_path) as peer:
        with pytest.raises(CallFailed, match="certificate verify failed"):
            await caller.ask({"url": peer.client("/x")["url"]}, b"{}", 5)

        async def silent(request: Obj) -> Obj:
            await anyio.sleep_forever()
            return {}

        peer.judges["/x"] = silent
        with pytest.raises(CallFailed, match="context deadline exceeded"):
            await caller.ask(peer.client("/x"), b'{"request":{"uid":"1"}}', 1)
    await caller.aclose()

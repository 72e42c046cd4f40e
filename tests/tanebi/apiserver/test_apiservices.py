"""One APIService for each group and version there is."""

from __future__ import annotations

import pytest

from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.definitions.crontabs import CRDS, crontabs

pytestmark = pytest.mark.anyio
PATH = "/apis/apiregistration.k8s.io/v1/apiservices"


async def there(api: Api, name: str) -> bool:
    return (await api("GET", f"{PATH}/{name}")).status == 200


async def test_they_come_and_go_with_the_kinds(running: Api) -> None:
    for name in ("v1.", "v1.apps", "v1.tanebi.dev"):
        await wait_until(lambda name=name: there(running, name))
    found = await running.ok("GET", f"{PATH}/v1.apps")
    assert found["status"]["conditions"][0]["reason"] == "Local"
    await running.ok("POST", CRDS, crontabs())
    await wait_until(lambda: there(running, "v1.stable.example.com"))
    await running.ok("DELETE", f"{CRDS}/crontabs.stable.example.com")

    async def gone() -> bool:
        return not await there(running, "v1.stable.example.com")

    await wait_until(gone)


async def test_there_is_no_other_server(api: Api) -> None:
    spec = {"group": "a.b", "version": "v1", "service": {"name": "a", "namespace": "b"}}
    status = await api.refused(422, "POST", PATH, {"metadata": {"name": "v1.a.b"}, "spec": spec})
    assert "this server asks no other API servers" in status["message"]
    await api.refused(422, "POST", PATH, {"metadata": {"name": "x"}, "spec": {"version": "v1"}})

"""The end of a namespace."""

from __future__ import annotations

import pytest

from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api, config_map

pytestmark = pytest.mark.anyio

SPACE = "/api/v1/namespaces/space"


async def fill(api: Api) -> None:
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "space"}})
    for name in ("a", "b"):
        body = config_map(name) | {"metadata": {"name": name}}
        await api.ok("POST", f"{SPACE}/configmaps", body)


async def gone(api: Api) -> bool:
    return (await api("GET", SPACE)).status == 404


async def test_its_contents_go_first(running: Api) -> None:
    await fill(running)
    await running.ok("DELETE", SPACE)

    async def done() -> bool:
        return await gone(running)

    await wait_until(done)
    assert running.store.list("configmaps", "space") == []
    await fill(running)  # the name is free again


async def test_what_holds_an_object_holds_the_namespace(running: Api) -> None:
    await fill(running)
    pod = {
        "metadata": {"name": "p"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
    }
    await running.ok("POST", f"{SPACE}/pods", pod)
    await running.ok("DELETE", SPACE)
    await wait_until(lambda: not running.store.list("configmaps", "space"))
    found = await running.ok("GET", SPACE)
    assert found["status"]["phase"] == "Terminating"
    assert (await running.ok("GET", f"{SPACE}/pods/p"))["metadata"]["deletionTimestamp"]
    await running.ok("DELETE", f"{SPACE}/pods/p", {"gracePeriodSeconds": 0})

    async def done() -> bool:
        return await gone(running)

    await wait_until(done)


async def test_a_namespace_is_active_and_named(api: Api) -> None:
    found = await api.ok("GET", "/api/v1/namespaces/default")
    assert found["status"] == {"phase": "Active"}
    assert found["spec"] == {"finalizers": ["kubernetes"]}
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": "default"}


async def test_finalize_is_a_door_of_its_own(api: Api) -> None:
    await fill(api)
    await api.ok("DELETE", SPACE)
    found = await api.ok("GET", SPACE)
    await api.ok("PUT", f"{SPACE}/finalize", found | {"spec": {}})
    assert await gone(api)

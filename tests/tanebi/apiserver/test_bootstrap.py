"""What is there from the start."""

from __future__ import annotations

import pytest

from tanebi.apiserver.bootstrap import NAMESPACES, bootstrap, publish
from tests.tanebi.apiserver.calling import SHOP, Api

pytestmark = pytest.mark.anyio


async def test_namespaces_and_settings_are_there_once(api: Api) -> None:
    listed = await api.ok("GET", "/api/v1/namespaces")
    assert sorted(i["metadata"]["name"] for i in listed["items"]) == sorted(NAMESPACES)
    path = "/api/v1/namespaces/knative-serving/configmaps/config-shop"
    shop = await api.ok("GET", path)
    assert "knative.dev/example-checksum" in shop["metadata"]["annotations"]
    changed = await api.ok("PUT", path, shop | {"data": {"colour": "blue"}})
    revision = api.store.revision
    await bootstrap(api.server, (SHOP,))
    assert api.store.revision == revision
    assert await api.ok("GET", path) == changed


async def test_where_the_api_is_reached_is_said_anew(api: Api) -> None:
    path = "/api/v1/namespaces/default/endpoints/kubernetes"
    for port in (6443, 7000):
        await publish(api.server, "127.0.0.1", port)
        found = await api.ok("GET", path)
        assert found["subsets"][0]["ports"][0]["port"] == port
    service = await api.ok("GET", "/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"

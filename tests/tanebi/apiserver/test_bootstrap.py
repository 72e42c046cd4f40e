"""What is there from the start."""

from __future__ import annotations

import pytest

from tanebi.apiserver.bootstrap import NAMESPACES, bootstrap
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

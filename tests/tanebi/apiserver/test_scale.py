"""The /scale door."""

from __future__ import annotations

import pytest

from tests.tanebi.apiserver.calling import WIDGETS, Api, widget

pytestmark = pytest.mark.anyio

SCALE = f"{WIDGETS}/a/scale"
JSON_PATCH = {"content-type": "application/json-patch+json"}


async def test_read_replace_and_patch(api: Api) -> None:
    made = await api.ok("POST", WIDGETS, widget("a", spec={"replicas": 2}))
    scale = await api.ok("GET", SCALE)
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 0})
    assert scale["metadata"]["uid"] == made["metadata"]["uid"]
    scale["spec"]["replicas"] = 3
    assert (await api.ok("PUT", SCALE, scale))["spec"]["replicas"] == 3
    await api.refused(409, "PUT", SCALE, scale)
    body = [{"op": "replace", "path": "/spec/replicas", "value": 5}]
    assert (await api.ok("PATCH", SCALE, body, headers=JSON_PATCH))["spec"]["replicas"] == 5
    whole = await api.ok("GET", f"{WIDGETS}/a")
    assert (whole["spec"]["replicas"], whole["metadata"]["generation"]) == (5, 3)
    entry = next(m for m in whole["metadata"]["managedFields"] if m.get("subresource") == "scale")
    assert entry["fieldsV1"] == {"f:spec": {"f:replicas": {}}}


async def test_selectors_are_text(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    await api.ok(
        "POST",
        path,
        {
            "metadata": {"name": "d"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            },
        },
    )
    assert (await api.ok("GET", f"{path}/d/scale"))["status"]["selector"] == "a=b"


@pytest.mark.parametrize("replicas", [-1, "many"])
async def test_nonsense_is_refused(api: Api, replicas: object) -> None:
    await api.widget("a")
    body = [{"op": "replace", "path": "/spec/replicas", "value": replicas}]
    await api.refused(422, "PATCH", SCALE, body, headers=JSON_PATCH)


async def test_what_is_not_there(api: Api) -> None:
    await api.refused(404, "GET", SCALE)
    await api.widget("a")
    await api.refused(405, "DELETE", SCALE)

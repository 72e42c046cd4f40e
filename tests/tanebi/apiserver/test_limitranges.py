"""What containers get when they do not say, and what they may not say."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.meta import Obj
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
SPACE = "/api/v1/namespaces/default"


def pod(*resources: Obj) -> Obj:
    containers = [{"name": f"c{i}", "image": "i", "resources": r} for i, r in enumerate(resources)]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers}}


async def limit(api: Api, type_: str = "Container", **item: Any) -> None:
    spec = {"limits": [{"type": type_, **item}]}
    await api.ok("POST", f"{SPACE}/limitranges", {"metadata": {"name": "l"}, "spec": spec})


async def test_defaults(api: Api) -> None:
    await limit(api, default={"cpu": "1"}, defaultRequest={"cpu": "100m", "memory": "1Mi"})
    made = await api.ok("POST", f"{SPACE}/pods", pod({}, {"limits": {"cpu": "2"}}))
    first, second = (c["resources"] for c in made["spec"]["containers"])
    assert first == {"limits": {"cpu": "1"}, "requests": {"cpu": "100m", "memory": "1Mi"}}
    assert second["requests"]["cpu"] == "2", "a limit that is stated is the request, too"


async def test_bounds(api: Api) -> None:
    await limit(api, max={"cpu": "1"}, min={"cpu": "200m"})
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod({"limits": {"cpu": "2"}}))
    text = 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2'
    assert refused["message"] == text
    small = pod({"requests": {"cpu": "100m"}})
    refused = await api.refused(403, "POST", f"{SPACE}/pods", small)
    assert "minimum cpu usage per Container is 200m, but request is 100m" in refused["message"]
    await api.ok("POST", f"{SPACE}/pods", pod({}))


async def test_bounds_of_whole_pods(api: Api) -> None:
    await limit(api, "Pod", max={"cpu": "1"}, min={"memory": "1Mi"})
    half = {"limits": {"cpu": "600m"}, "requests": {"memory": "1Mi"}}
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod(half, half))
    assert "maximum cpu usage per Pod is 1, but limit is 1.2" in refused["message"]
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod({}))
    assert refused["message"] == (
        'pods "p" is forbidden: [minimum memory usage per Pod is 1Mi.  No request is specified, '
        "maximum cpu usage per Pod is 1.  No limit is specified]"
    )
    await api.ok("POST", f"{SPACE}/pods", pod(half))

"""Evictions ask the budgets."""

from __future__ import annotations

import pytest

from tanebi.api.meta import Obj
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
SPACE = "/api/v1/namespaces/default"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
BODY: Obj = {
    "kind": "Eviction",
    "apiVersion": "policy/v1",
    "deleteOptions": {"gracePeriodSeconds": 0},
}


async def put_pod(api: Api, name: str, phase: str = "Running") -> None:
    spec = {"containers": [{"name": "c", "image": "i"}]}
    pod = {"metadata": {"name": name, "labels": {"app": "web"}}, "spec": spec}
    made = await api.ok("POST", f"{SPACE}/pods", pod)
    await api.ok("PUT", f"{SPACE}/pods/{name}/status", made | {"status": {"phase": phase}})


async def put_budget(api: Api, allowed: int, name: str = "b") -> None:
    spec = {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": 1}
    made = await api.ok("POST", BUDGETS, {"metadata": {"name": name}, "spec": spec})
    status = {"disruptionsAllowed": allowed, "desiredHealthy": 1, "currentHealthy": 1}
    await api.ok("PUT", f"{BUDGETS}/{name}/status", made | {"status": status})


async def test_without_a_budget_a_pod_goes(api: Api) -> None:
    await put_pod(api, "p")
    await api.ok("POST", f"{SPACE}/pods/p/eviction", BODY)
    await api.refused(404, "GET", f"{SPACE}/pods/p")
    await api.refused(404, "POST", f"{SPACE}/pods/p/eviction", BODY)


async def test_a_budget_allows_as_many_as_it_says(api: Api) -> None:
    await put_pod(api, "p")
    await put_pod(api, "q")
    await put_pod(api, "done", "Succeeded")
    await put_budget(api, 1)
    dry = {**BODY, "deleteOptions": {"dryRun": ["All"]}}
    await api.ok("POST", f"{SPACE}/pods/p/eviction", dry)
    await api.ok("POST", f"{SPACE}/pods/p/eviction", BODY)
    refused = await api.refused(429, "POST", f"{SPACE}/pods/q/eviction", BODY)
    assert refused["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert refused["details"]["causes"][0]["message"] == (
        "The disruption budget b needs 1 healthy pods and has 1 currently"
    )
    await api.ok("POST", f"{SPACE}/pods/done/eviction", BODY)


async def test_what_is_no_eviction(api: Api) -> None:
    await put_pod(api, "p")
    await api.refused(405, "GET", f"{SPACE}/pods/p/eviction")
    await api.refused(400, "POST", f"{SPACE}/pods/p/eviction", {**BODY, "kind": "Pod"})
    other = {**BODY, "metadata": {"name": "q"}}
    await api.refused(400, "POST", f"{SPACE}/pods/p/eviction", other)
    await put_budget(api, 1)
    await put_budget(api, 1, "c")
    await api.refused(500, "POST", f"{SPACE}/pods/p/eviction", BODY)

"""What pods get of their classes, and what they may not say themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.meta import Obj
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
PODS = "/api/v1/namespaces/default/pods"
PRIORITIES = "/apis/scheduling.k8s.io/v1/priorityclasses"
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"


def pod(**spec: Any) -> Obj:
    containers = [{"name": "c", "image": "i"}]
    return {"metadata": {"name": "p"}, "spec": {"containers": containers, **spec}}


async def made(api: Api, **spec: Any) -> Obj:
    found: Obj = (await api.ok("POST", PODS, pod(**spec)))["spec"]
    return found


async def refused(api: Api, path: str = PODS, body: Obj | None = None, **spec: Any) -> str:
    return str((await api.refused(403, "POST", path, body or pod(**spec)))["message"])


async def test_priority(api: Api) -> None:
    high = {"metadata": {"name": "high"}, "value": 7, "preemptionPolicy": "Never"}
    await api.ok("POST", PRIORITIES, high)
    said = await refused(api, priorityClassName="none")
    assert said == 'pods "p" is forbidden: no PriorityClass with name none was found'
    said = await refused(api, priorityClassName="high", priority=8)
    assert "the integer value of priority (8) must not be provided in pod spec" in said
    said = await refused(api, priorityClassName="high", preemptionPolicy="PreemptLowerPriority")
    assert "the string value of PreemptionPolicy (PreemptLowerPriority)" in said
    found = await made(api, priorityClassName="high")
    assert (found["priority"], found["preemptionPolicy"]) == (7, "Never")


async def test_without_a_class(api: Api) -> None:
    found = await made(api)
    assert (found["priority"], found["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    await api.ok("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0})
    default = {"metadata": {"name": "usual"}, "value": 3, "globalDefault": True}
    await api.ok("POST", PRIORITIES, default)
    other = {"metadata": {"name": "other"}, "value": 4, "globalDefault": True}
    assert "PriorityClass usual is already marked as default" in await refused(
        api, PRIORITIES, other
    )
    found = await made(api)
    assert (found["priority"], found["priorityClassName"]) == (3, "usual")


async def test_runtime_class(api: Api) -> None:
    said = await refused(api, runtimeClassName="none")
    assert said == 'pods "p" is forbidden: pod rejected: RuntimeClass "none" not found'
    body = {
        "metadata": {"name": "small"},
        "handler": "runc",
        "overhead": {"podFixed": {"cpu": "10m"}},
        "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]},
    }
    await api.ok("POST", RUNTIMES, body)
    assert "doesn't match" in await refused(api, runtimeClassName="small", overhead={"cpu": "1"})
    assert "conflict: " in await refused(api, runtimeClassName="small", nodeSelector={"a": "c"})
    assert "without corresponding" in await refused(api, overhead={"cpu": "1"})
    found = await made(api, runtimeClassName="small")
    assert (found["overhead"], found["nodeSelector"]) == ({"cpu": "10m"}, {"a": "b"})
    assert found["tolerations"] == [{"operator": "Exists"}]

"""Which pods fit the node, and in which words the others do not."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.pod import PodSpec
from tanebi.api.meta import Obj
from tanebi.kubelet.scheduling import message, place, refusals, requested
from tanebi.testing.planning import PlanningWorld

TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}
SELECTED = "requiredDuringSchedulingIgnoredDuringExecution"


def spec(**fields: Any) -> PodSpec:
    return PodSpec.model_validate({"containers": [{"name": "c"}], **fields})


def asking(**amounts: str) -> PodSpec:
    return spec(containers=[{"name": "c", "resources": {"requests": amounts}}])


def affine(key: str, operator: str, *values: str) -> PodSpec:
    rule = {"key": key, "operator": operator, "values": list(values)}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return spec(affinity={"nodeAffinity": {SELECTED: terms}})


def why(pod: PodSpec, labels: dict[str, str] | None = None, **node: Any) -> list[str]:
    obj: Obj = {
        "metadata": {"name": "here", "labels": labels or {}},
        "spec": node,
        "status": {"allocatable": {"cpu": "2", "memory": "1Gi"}},
    }
    return refusals(pod, NODE.view(obj))


def test_fits_and_does_not() -> None:
    assert why(spec()) == []
    assert why(spec(), unschedulable=True) == ["node(s) were unschedulable"]
    tolerant = [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]
    assert why(spec(tolerations=tolerant), unschedulable=True) == []
    assert why(spec(), taints=[TAINT]) == ["node(s) had untolerated taint {k: v}"]
    assert why(spec(), taints=[{**TAINT, "effect": "PreferNoSchedule"}]) == []
    assert why(spec(tolerations=[TAINT]), taints=[TAINT]) == []
    assert why(spec(tolerations=[{"operator": "Exists"}]), taints=[TAINT]) == []
    assert why(spec(nodeSelector={"disk": "ssd"})) != []
    assert why(spec(nodeSelector={"disk": "ssd"}), {"disk": "ssd"}) == []


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [
        ("In", ("3", "5"), True),
        ("NotIn", ("3",), True),
        ("NotIn", ("5",), False),
        ("Exists", (), True),
        ("DoesNotExist", (), False),
        ("Gt", ("4",), True),
        ("Lt", ("4",), False),
        ("Odd", ("4",), False),
    ],
)
def test_required_affinity(operator: str, values: tuple[str, ...], fits: bool) -> None:
    assert (why(affine("size", operator, *values), {"size": "5"}) == []) is fits


def test_requests() -> None:
    assert why(asking(cpu="2")) == []
    assert why(asking(cpu="2001m", memory="2Gi")) == ["Insufficient cpu", "Insufficient memory"]
    node = NODE.view({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2"}}})
    other = POD.view({"spec": asking(cpu="1500m").model_dump(by_alias=True, exclude_none=True)})
    assert refusals(asking(cpu="1"), node, [other]) == ["Insufficient cpu"]


def test_init_containers_count_by_their_largest() -> None:
    init = {"name": "i", "resources": {"requests": {"cpu": "3"}}}
    side = {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}
    assert requested(spec(initContainers=[init]))["cpu"] == 3
    assert requested(spec(initContainers=[init, side]))["cpu"] == 4


def test_words() -> None:
    assert message(["node(s) were unschedulable"]) == (
        "0/1 nodes are available: 1 node(s) were unschedulable. preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    assert "No preemption victims" in message(["Insufficient cpu"])


def test_place() -> None:
    world = PlanningWorld()
    template: Obj = {"spec": {"containers": []}}
    assert place(world, "here", template) == "here", "before the node is known"
    for scheduler, where in (("theirs", ""), ("default-scheduler", "here")):
        assert place(world, "here", {"spec": {"schedulerName": scheduler}}) == where
    world.put(NODE, {"metadata": {"name": "here"}, "spec": {"taints": [TAINT]}})
    assert place(world, "here", template) == ""
    assert place(world, "here", {"spec": {"containers": [], "tolerations": [TAINT]}}) == "here"

"""How many pods, of which template, and which go first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.pod import Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, rfc3339
from tanebi.api.selectors import EVERYTHING, Selector
from tanebi.base.rng import NAME_ALPHABET
from tanebi.kubelet.deployments import (
    LETTERS,
    TEMPLATE_HASH,
    DeploymentReconciler,
    decide,
    hash_of,
    new_names,
    rolling_bounds,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE: Obj = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"note": "x"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def deployment_obj(replicas: int | None = 1, *, generation: int = 1, **spec: Any) -> Obj:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ns", "uid": "u", "generation": generation},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": rolling,
            "template": TEMPLATE,
            **spec,
        },
    }


def deployment(replicas: int | None = 1, **spec: Any) -> Deployment:
    return DEPLOYMENT.view(deployment_obj(replicas, **spec))


def pod(
    name: str,
    *,
    hash: str = "new",
    ready: bool = True,
    age: int = 0,
    phase: str = "Running",
    deleting: bool = False,
    ready_s: int = 100,
    reported: bool = True,
) -> Pod:
    meta: Obj = {
        "name": name,
        "namespace": "ns",
        "uid": f"uid-{name}",
        "labels": {"app": "web", TEMPLATE_HASH: hash},
        "creationTimestamp": rfc3339(T0 - timedelta(seconds=age)),
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "web",
                "uid": "u",
                "controller": True,
            }
        ],
    }
    if deleting:
        meta["deletionTimestamp"] = rfc3339(T0)
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "lastTransitionTime": rfc3339(T0 - timedelta(seconds=ready_s)),
    }
    status = {"phase": phase, "conditions": [condition]} | (
        {"podIP": "127.0.0.1"} if reported else {}
    )
    return POD.view({"metadata": meta, "status": status})


def moves(replicas: int, *pods: Pod, **spec: Any) -> tuple[int, list[str]]:
    move = decide(deployment(replicas, **spec), pods, "new", T0)
    return move.create, [victim.metadata.name for victim in move.victims]


def test_from_nothing_and_to_nothing() -> None:
    assert moves(3) == (3, [])
    assert moves(0, pod("a"), pod("b")) == (0, ["a", "b"]) or moves(0, pod("a"), pod("b"))[0] == 0
    assert moves(2, pod("a"), pod("b")) == (0, [])
    assert moves(2, pod("a")) == (1, [])
    assert decide(deployment(None), [], "new", T0).create == 1


def test_not_ready_then_young_go_first() -> None:
    pods = [pod("old", age=90), pod("young", age=1), pod("waiting", age=50, ready=False)]
    assert moves(2, *pods) == (0, ["waiting"])
    assert moves(1, *pods) == (0, ["waiting", "young"])


def test_ending_and_ended_pods_do_not_count() -> None:
    assert moves(1, pod("a", deleting=True)) == (1, [])
    assert moves(1, pod("a", phase="Failed")) == (1, ["a"])


def test_a_rolling_update_step_by_step() -> None:
    a, b = pod("a", hash="old", age=9), pod("b", hash="old", age=8)
    assert moves(2, a, b) == (1, []), "one more than wanted"
    assert moves(2, a, b, pod("c", ready=False)) == (0, []), "nothing goes before it is ready"
    assert moves(2, a, b, pod("c")) == (0, ["b"])
    assert moves(2, a, pod("c")) == (1, [])
    assert moves(2, a, pod("c"), pod("d")) == (0, ["a"])


def test_old_pods_that_serve_nobody_go_at_once() -> None:
    broken = pod("a", hash="old", ready=False)
    assert moves(1, broken) == (1, ["a"])
    assert moves(2, broken, pod("b", hash="old")) == (1, ["a"])


def test_unavailable_ones_may_be_allowed() -> None:
    spec = {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    }
    a, b = pod("a", hash="old", age=9), pod("b", hash="old", age=8)
    assert moves(2, a, b, **spec) == (0, ["b"])
    assert moves(2, a, **spec) == (1, [])


def test_recreate_waits_for_the_end_of_the_old() -> None:
    spec = {"strategy": {"type": "Recreate"}}
    assert moves(2, pod("a", hash="old"), **spec) == (0, ["a"])
    assert moves(2, pod("a", hash="old", deleting=True), **spec) == (0, [])
    assert moves(2, **spec) == (2, [])


def test_available_needs_min_ready_seconds() -> None:
    old = pod("a", hash="old")
    fresh = pod("b", ready_s=3)
    assert moves(1, old, fresh, minReadySeconds=5) == (0, [])
    assert moves(1, old, pod("b", ready_s=6), minReadySeconds=5) == (0, ["a"])


@pytest.mark.parametrize(
    ("wanted", "rolling", "bounds"),
    [
        (4, None, (1, 1)),
        (1, {"maxSurge": "25%", "maxUnavailable": "25%"}, (1, 0)),
        (10, {"maxSurge": "25%", "maxUnavailable": "25%"}, (3, 2)),
        (3, {"maxSurge": 0, "maxUnavailable": "1%"}, (0, 1)),
        (3, {"maxSurge": 2, "maxUnavailable": 0}, (2, 0)),
        (0, {"maxSurge": "25%", "maxUnavailable": 0}, (0, 1)),
    ],
)
def test_bounds(wanted: int, rolling: Obj | None, bounds: tuple[int, int]) -> None:
    found = deployment(wanted, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    assert rolling_bounds(found, wanted) == bounds


def test_names_are_the_same_for_the_same_question() -> None:
    first = new_names(deployment(3), "abc", 3, set())
    assert new_names(deployment(3), "abc", 3, set()) == first
    assert len(set(first)) == 3
    assert all(name.startswith("web-abc-") and len(name) == 13 for name in first)
    again = new_names(deployment(3), "abc", 1, {first[0]})
    assert again == [first[1]]
    later = DEPLOYMENT.view(deployment_obj(3, generation=2))
    assert not set(new_names(later, "abc", 3, set())) & set(first), "another scaling, other names"


def test_the_letters_are_those_of_generated_names() -> None:
    assert LETTERS == NAME_ALPHABET


def test_the_hash_follows_the_template() -> None:
    assert hash_of(TEMPLATE) == hash_of(dict(reversed(TEMPLATE.items())))
    assert len(hash_of(TEMPLATE)) == 10
    assert hash_of(TEMPLATE) != hash_of({**TEMPLATE, "spec": {}})


class World:
    """Seen over plain objects."""

    def __init__(self, obj: Obj, pods: Sequence[Pod]) -> None:
        self.obj, self.pods = obj, pods

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        return None

    def list(self, kind: Any, namespace: str | None, selector: Selector = EVERYTHING) -> Any:
        return self.pods

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return self.obj


def plan(obj: Obj, *pods: Pod) -> Any:
    found = DeploymentReconciler("here")
    return found.desired(DEPLOYMENT.view(obj), World(obj, pods), None, T0)  # type: ignore[arg-type]


def test_the_plan() -> None:
    made = plan(deployment_obj(1))
    (child,) = made.children
    assert child["metadata"]["labels"] == {"app": "web", TEMPLATE_HASH: hash_of(TEMPLATE)}
    assert child["metadata"]["annotations"] == {"note": "x"}
    assert child["metadata"]["ownerReferences"][0]["controller"] is True
    assert child["spec"] == {"nodeName": "here", "containers": [{"name": "c", "image": "i"}]}
    assert made.prune is False
    assert made.status is None, "said when the pod has reported"
    assert made.requeue_after_s == 2


def test_the_plan_drops_by_uid() -> None:
    stranger = pod("s").model_copy(
        update={"metadata": pod("s").metadata.model_copy(update={"owner_references": []})}
    )
    made = plan(deployment_obj(0), pod("a", hash=hash_of(TEMPLATE)), stranger)
    assert [(drop.name, drop.uid) for drop in made.drops] == [("a", "uid-a")]


def test_status_waits_for_the_first_report_of_a_new_pod() -> None:
    current = hash_of(TEMPLATE)
    silent = pod("a", hash=current, ready=False, reported=False)
    assert plan(deployment_obj(1), silent).status is None
    stuck = pod("a", hash=current, ready=False, reported=False, age=5)
    assert plan(deployment_obj(1), stuck).status["replicas"] == 1
    assert plan(deployment_obj(1), pod("a", hash=current)).status["availableReplicas"] == 1


@settings(max_examples=200)
@given(
    wanted=st.integers(0, 6),
    surge=st.integers(0, 3),
    unavailable=st.integers(0, 3),
    old=st.integers(0, 6),
    data=st.data(),
)
def test_every_update_arrives_within_its_bounds(
    wanted: int, surge: int, unavailable: int, old: int, data: st.DataObject
) -> None:
    """Pods become ready in any order; there are never too many, never too few that serve, and it ends."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    found = deployment(wanted, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    if surge == unavailable == 0:
        unavailable = 1
    pods = [pod(f"old-{i}", hash="old") for i in range(min(old, wanted))]
    serving = len(pods)
    for step in range(60):
        move = decide(found, pods, "new", T0)
        gone = {victim.metadata.name for victim in move.victims}
        pods = [p for p in pods if p.metadata.name not in gone]
        pods += [pod(f"new-{step}-{i}", ready=False) for i in range(move.create)]
        ready = sum(p.status.is_ready for p in pods)
        assert len(pods) <= wanted + surge
        assert ready >= min(serving, wanted - unavailable)
        serving = ready
        waiting = [i for i, p in enumerate(pods) if not p.status.is_ready]
        if not waiting and not move.create and not gone:
            break
        if waiting:
            i = data.draw(st.sampled_from(waiting))
            pods[i] = pod(pods[i].metadata.name)
    assert len(pods) == wanted
    assert all(p.metadata.labels[TEMPLATE_HASH] == "new" for p in pods)

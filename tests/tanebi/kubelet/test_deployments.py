"""How many pods, of which template, and which go first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.api.core.apps import ReplicaSet
from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.core.pod import Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.meta import Key, Obj, rfc3339
from tanebi.api.standby import STANDBY, STANDBY_MAX
from tanebi.kube.plan import Plan
from tanebi.kubelet.deployments import DeploymentReconciler, decide, rolling_bounds
from tanebi.kubelet.podsets import TEMPLATE_HASH, hash_of
from tanebi.kubelet.replicasets import (
    DESIRED,
    REVISION,
    REVISION_HISTORY,
    ReplicaReconciler,
)
from tanebi.kubelet.standby import is_frozen
from tanebi.testing.planning import PlanningWorld

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE: Obj = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"note": "x"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def deployment_obj(replicas: int | None = 1, **spec: Any) -> Obj:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ns", "uid": "u"},
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


def test_old_pods_that_serve_nobody_go_first() -> None:
    broken = pod("a", hash="old", ready=False)
    assert moves(1, broken) == (1, []), "the new one may fail too"
    assert moves(1, broken, pod("c")) == (0, ["a"])
    assert moves(1, broken, pod("b", hash="old")) == (0, ["a"])


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


def world(obj: Obj) -> PlanningWorld:
    found = PlanningWorld()
    found.put(DEPLOYMENT, obj)
    return found


RECONCILERS = (DeploymentReconciler("here"), ReplicaReconciler("here", REPLICA_SET))


def run(found: PlanningWorld, name: str = "web") -> Plan:
    return found.reconcile(RECONCILERS[0], "ns", name)


def settled(found: PlanningWorld) -> None:
    """Until every pod is ready and nothing is written any more."""
    for _ in range(20):
        before = found.writes
        for reconciler in RECONCILERS:
            for each in found.list(reconciler.kind, "ns"):
                found.reconcile(reconciler, "ns", each.metadata.name)
        for each in found.list(POD, "ns"):
            if not each.status.is_ready:
                found.set_status(POD, "ns", each.metadata.name, ready_status(found.now))
        if found.writes == before:
            return
    raise AssertionError("never settles")


def ready_status(now: datetime) -> Obj:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(now)}
    return {"phase": "Running", "podIP": "10.0.0.1", "conditions": [condition]}


def sets(found: PlanningWorld) -> dict[int, ReplicaSet]:
    """By revision."""
    return {int(s.metadata.annotations[REVISION]): s for s in found.list(REPLICA_SET, "ns")}


def test_the_first_pass_makes_the_replica_set_and_the_next_its_pods() -> None:
    here = world(deployment_obj(2))
    first = run(here)
    assert [child["kind"] for child in first.children] == ["ReplicaSet"]
    assert first.requeue_after_s == 0
    made = sets(here)[1]
    assert made.metadata.name == f"web-{hash_of(TEMPLATE)}"
    assert made.spec.selector.match_labels == {"app": "web", TEMPLATE_HASH: hash_of(TEMPLATE)}
    second = run(here)
    assert [child["kind"] for child in second.children] == ["Pod", "Pod"]
    pod_obj = second.children[0]
    assert pod_obj["metadata"]["labels"] == {"app": "web", TEMPLATE_HASH: hash_of(TEMPLATE)}
    assert pod_obj["metadata"]["annotations"] == {"note": "x"}
    assert pod_obj["metadata"]["ownerReferences"][0]["uid"] == made.metadata.uid
    assert pod_obj["spec"] == {"nodeName": "here", "containers": [{"name": "c", "image": "i"}]}
    assert second.events[0].message == f"Scaled up replica set {made.metadata.name} from 0 to 2"
    assert second.status is None, "said when the pods have reported"
    assert sets(here)[1].spec.replicas == 2


def test_waking_from_zero_creates_the_pod_in_one_pass() -> None:
    here = world(deployment_obj(0))
    settled(here)
    here.put(DEPLOYMENT, deployment_obj(1))
    assert [child["kind"] for child in run(here).children] == ["Pod"]


def standing_by(replicas: int, **annotations: str) -> Obj:
    marks = {STANDBY: "pause", **annotations}
    template = {**TEMPLATE, "metadata": {**TEMPLATE["metadata"], "annotations": marks}}
    return deployment_obj(replicas, template=template)


def scaled(here: PlanningWorld, replicas: int, **annotations: str) -> Plan:
    here.put(DEPLOYMENT, standing_by(replicas, **annotations))
    return run(here)


def frozen(here: PlanningWorld) -> list[str]:
    return [each.metadata.name for each in here.list(POD, "ns") if is_frozen(each)]


def test_with_standby_the_last_pod_is_frozen_and_counts_as_none() -> None:
    here = world(standing_by(1))
    settled(here)
    (only,) = here.list(POD, "ns")
    down = scaled(here, 0)
    assert (down.drops, down.requeue_after_s) == ((), 600)
    assert frozen(here) == [only.metadata.name]
    settled(here)
    found = here.get(DEPLOYMENT, "ns", "web")
    assert found is not None
    assert not found.status.replicas
    assert sets(here)[1].spec.replicas == 0
    assert not sets(here)[1].status.replicas


def test_a_frozen_pod_is_woken_before_one_is_created() -> None:
    here = world(standing_by(1))
    settled(here)
    (only,) = here.list(POD, "ns")
    scaled(here, 0)
    up = scaled(here, 2)
    assert up.patches[0].name == only.metadata.name, "who is woken comes first"
    assert [child["kind"] for child in up.children] == ["Pod"]
    assert frozen(here) == []
    settled(here)
    assert sets(here)[1].spec.replicas == 2


def test_a_frozen_pod_grows_too_old() -> None:
    here = world(standing_by(1))
    settled(here)
    scaled(here, 0)
    here.now += timedelta(seconds=601)
    assert len(run(here).drops) == 1
    assert here.list(POD, "ns") == []


def test_frozen_pods_of_an_older_template_go() -> None:
    here = world(standing_by(1))
    settled(here)
    scaled(here, 0)
    update(here, "i:2")
    settled(here)
    assert frozen(here) == []


def test_nonsense_that_nobody_checked_asks_for_no_standby() -> None:
    here = world(standing_by(1, **{STANDBY_MAX: "many"}))
    settled(here)
    assert len(scaled(here, 0, **{STANDBY_MAX: "many"}).drops) == 1


def test_status_and_annotations_of_what_is_there() -> None:
    here = world(deployment_obj(3))
    settled(here)
    found = here.get(DEPLOYMENT, "ns", "web")
    assert found is not None
    assert found.metadata.annotations == {REVISION: "1"}
    assert (found.status.replicas, found.status.available_replicas) == (3, 3)
    progressing = found.status.condition("Progressing")
    assert progressing is not None
    name = sets(here)[1].metadata.name
    assert progressing.message == f'ReplicaSet "{name}" has successfully progressed.'
    status = sets(here)[1].status
    assert (status.replicas, status.ready_replicas, status.fully_labeled_replicas) == (3, 3, 3)
    assert sets(here)[1].metadata.annotations[DESIRED] == "3"


def update(here: PlanningWorld, image: str, **spec: Any) -> Obj:
    raw = here.raw(DEPLOYMENT, "ns", "web")
    assert raw is not None
    template = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": image}]}}
    changed = {**raw, "spec": {**raw["spec"], "template": template, **spec}}
    changed.pop("status")
    return here.put(DEPLOYMENT, {**changed, "metadata": {**raw["metadata"]}})


def test_an_update_and_the_way_back() -> None:
    here = world(deployment_obj(2))
    settled(here)
    update(here, "j")
    settled(here)
    assert {n: s.spec.replicas for n, s in sets(here).items()} == {1: 0, 2: 2}
    update(here, "i")
    settled(here)
    assert {n: s.spec.replicas for n, s in sets(here).items()} == {2: 0, 3: 2}, "its old set again"
    back = sets(here)[3].metadata
    assert back.name == f"web-{hash_of(TEMPLATE)}"
    assert back.annotations[REVISION_HISTORY] == "1"
    found = here.get(DEPLOYMENT, "ns", "web")
    assert found is not None
    assert found.metadata.annotations[REVISION] == "3"


def test_history_has_a_limit() -> None:
    here = world(deployment_obj(1, revisionHistoryLimit=2))
    for image in "jklm":
        settled(here)
        update(here, image)
    settled(here)
    assert sorted(sets(here)) == [3, 4, 5]


def test_paused_means_scaled_but_not_updated() -> None:
    here = world(deployment_obj(2))
    settled(here)
    update(here, "j", paused=True, replicas=3)
    settled(here)
    assert {n: s.spec.replicas for n, s in sets(here).items()} == {1: 3}
    found = here.get(DEPLOYMENT, "ns", "web")
    assert found is not None
    progressing = found.status.condition("Progressing")
    assert progressing is not None
    assert (progressing.status, progressing.reason) == ("Unknown", "DeploymentPaused")
    assert found.status.updated_replicas == 0
    update(here, "j", paused=False)
    settled(here)
    assert {n: s.spec.replicas for n, s in sets(here).items()} == {1: 0, 2: 3}


def test_pods_of_earlier_releases_are_taken_over() -> None:
    here = world(deployment_obj(1))
    raw = pod("old", hash=hash_of(TEMPLATE)).model_dump(by_alias=True, exclude_none=True)
    raw["metadata"]["ownerReferences"][0]["uid"] = "u"
    here.put(POD, raw)
    settled(here)
    assert [p.metadata.name for p in here.list(POD, "ns")] == ["old"]
    assert sets(here)[1].spec.replicas == 1


def test_on_a_cordoned_node_pods_are_left_unbound() -> None:
    here = world(deployment_obj(1))
    here.put(NODE, {"metadata": {"name": "here"}, "spec": {"unschedulable": True}})
    run(here)
    assert "nodeName" not in run(here).children[0]["spec"]


def test_pods_that_may_not_be_are_told() -> None:
    here = world(deployment_obj(1))
    run(here)
    refused = run(here).refused
    assert refused is not None
    condition = refused("exceeded quota: q")["conditions"][-1]
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert condition["message"] == "exceeded quota: q"


def test_which_deployment_a_pod_concerns() -> None:
    here = world(deployment_obj(1))
    settled(here)
    (found,) = here.list(POD, "ns")
    raw = here.raw(POD, "ns", found.metadata.name)
    assert raw is not None
    reads = RECONCILERS[0].reads[0]
    assert list(reads.keys(raw, here)) == [Key("ns", "web")]
    here.delete(REPLICA_SET, "ns", sets(here)[1].metadata.name)
    assert list(reads.keys(raw, here)) == []
    assert list(reads.keys({"metadata": {"name": "x"}}, here)) == []


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

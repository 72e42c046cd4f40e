"""Pods in order, with names and claims of their own."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.apps import StatefulSet
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM
from tanebi.api.core.kinds_workload import STATEFUL_SET
from tanebi.api.meta import Obj
from tanebi.kube.plan import Plan
from tanebi.kubelet.statefulsets import StatefulSetReconciler
from tanebi.testing.planning import PlanningWorld
from tests.tanebi.kubelet.settling import TEMPLATE, ended, make_ready, pods, settle

RECONCILER = StatefulSetReconciler("here")
CLAIMS = [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]


def stateful(replicas: int, image: str = "i", **spec: Any) -> Obj:
    template = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {
        "metadata": {"name": "web", "namespace": "ns"},
        "spec": {
            "replicas": replicas,
            "serviceName": "svc",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template,
            **spec,
        },
    }


def world(replicas: int, **spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    found.put(STATEFUL_SET, stateful(replicas, **spec))
    return found


def step(found: PlanningWorld) -> Plan:
    return found.reconcile(RECONCILER, "ns", "web")


def made(plan: Plan) -> list[str]:
    return [c["metadata"]["name"] for c in plan.children if c["kind"] == "Pod"]


def seen(found: PlanningWorld) -> StatefulSet:
    got = found.get(STATEFUL_SET, "ns", "web")
    assert got is not None
    return got


def images(found: PlanningWorld) -> list[str]:
    return [pod.spec.containers[0].image for _, pod in sorted(pods(found).items())]


def test_one_after_the_other() -> None:
    here = world(2)
    first = step(here)
    assert made(first) == ["web-0"]
    assert first.events[0].message == "create Pod web-0 in StatefulSet web successful"
    assert made(step(here)) == [], "the first is not ready"
    make_ready(here)
    assert made(step(here)) == ["web-1"]
    pod = pods(here)["web-1"]
    assert (pod.spec.hostname, pod.spec.subdomain) == ("web-1", "svc")
    assert pod.metadata.labels["statefulset.kubernetes.io/pod-name"] == "web-1"
    settle(here, RECONCILER)
    status = seen(here).status
    assert (status.ready_replicas, status.current_replicas, status.updated_replicas) == (2, 2, 2)


def test_all_at_once() -> None:
    here = world(3, podManagementPolicy="Parallel")
    assert made(step(here)) == ["web-0", "web-1", "web-2"]


def test_the_last_goes_first() -> None:
    here = world(3)
    settle(here, RECONCILER)
    here.put(STATEFUL_SET, stateful(1))
    assert [drop.name for drop in step(here).drops] == ["web-2"]
    assert [drop.name for drop in step(here).drops] == ["web-1"]
    assert step(here).drops == ()


def test_claims_outlive_pods() -> None:
    here = world(1, volumeClaimTemplates=CLAIMS)
    settle(here, RECONCILER)
    claim = here.raw(CLAIM, "ns", "data-web-0")
    assert claim is not None
    assert "ownerReferences" not in claim["metadata"]
    (volume,) = pods(here)["web-0"].spec.volumes
    assert volume.persistent_volume_claim is not None
    assert volume.persistent_volume_claim.claim_name == "data-web-0"
    here.delete(POD, "ns", "web-0")
    again = step(here)
    assert [child["kind"] for child in again.children] == ["Pod"], "the claim is there"


def test_an_update_goes_backwards_to_the_partition() -> None:
    here = world(3)
    settle(here, RECONCILER)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    here.put(STATEFUL_SET, stateful(3, "j", updateStrategy=rolling))
    assert [drop.name for drop in step(here).drops] == ["web-2"]
    settle(here, RECONCILER)
    assert images(here) == ["i", "j", "j"]
    status = seen(here).status
    assert (status.updated_replicas, status.current_replicas) == (2, 1)
    assert status.current_revision != status.update_revision
    here.delete(POD, "ns", "web-0")
    settle(here, RECONCILER)
    assert images(here) == ["i", "j", "j"], "before the partition the old template is kept"
    here.put(STATEFUL_SET, stateful(3, "j"))
    settle(here, RECONCILER)
    assert images(here) == ["j", "j", "j"]
    assert seen(here).status.current_revision == seen(here).status.update_revision


def test_on_delete_waits_for_the_user() -> None:
    here = world(1)
    settle(here, RECONCILER)
    here.put(STATEFUL_SET, stateful(1, "j", updateStrategy={"type": "OnDelete"}))
    settle(here, RECONCILER)
    assert images(here) == ["i"]
    here.delete(POD, "ns", "web-0")
    settle(here, RECONCILER)
    assert images(here) == ["j"]


def test_a_failed_pod_is_made_anew() -> None:
    here = world(1, ordinals={"start": 4})
    settle(here, RECONCILER)
    here.set_status(POD, "ns", "web-4", ended(here.now, 1))
    assert [drop.name for drop in step(here).drops] == ["web-4"]
    assert made(step(here)) == ["web-4"]

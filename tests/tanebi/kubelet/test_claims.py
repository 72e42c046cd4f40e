"""Claims and volumes find each other, and part."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM, STORAGE_CLASS, VOLUME
from tanebi.api.meta import Key, Obj
from tanebi.kube.plan import Plan
from tanebi.kubelet.claims import PROVISIONER, ClaimReconciler, VolumeReconciler
from tanebi.testing.planning import PlanningWorld

CLAIMS, VOLUMES = ClaimReconciler("/volumes"), VolumeReconciler()
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


def world(mode: str = "Immediate", provisioner: str = PROVISIONER, **spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    meta = {"name": "local-path", "annotations": DEFAULT}
    found.put(
        STORAGE_CLASS,
        {"metadata": meta, "provisioner": provisioner, "volumeBindingMode": mode},
    )
    put_claim(found, **spec)
    return found


def put_claim(found: PlanningWorld, name: str = "c", **spec: Any) -> None:
    asked = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        **spec,
    }
    found.put(CLAIM, {"metadata": {"name": name, "namespace": "ns"}, "spec": asked})


def put_volume(found: PlanningWorld, name: str = "v", size: str = "5Gi", **spec: Any) -> Obj:
    made = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": size},
        "storageClassName": "local-path",
        "hostPath": {"path": "/x"},
        "persistentVolumeReclaimPolicy": "Retain",
        **spec,
    }
    return found.put(VOLUME, {"metadata": {"name": name}, "spec": made})


def step(found: PlanningWorld) -> Plan:
    return found.reconcile(CLAIMS, "ns", "c")


def settle(found: PlanningWorld) -> None:
    found.settle((CLAIMS, VOLUMES))


def phase(found: PlanningWorld, name: str = "c") -> str:
    claim = found.get(CLAIM, "ns", name)
    assert claim is not None
    return claim.status.phase


def test_a_volume_is_made_and_goes_with_its_claim() -> None:
    here = world()
    settle(here)
    claim = here.get(CLAIM, "ns", "c")
    assert claim is not None
    assert claim.spec.storage_class_name == "local-path"
    name = claim.spec.volume_name
    assert name == f"pvc-{claim.metadata.uid}"
    assert (claim.status.phase, claim.status.capacity) == ("Bound", {"storage": "1Gi"})
    volume = here.get(VOLUME, "", name)
    assert volume is not None
    assert volume.spec.host_path is not None
    assert volume.spec.host_path.path == f"/volumes/{name}"
    assert volume.status.phase == "Bound"
    here.delete(CLAIM, "ns", "c")
    settle(here)
    assert here.get(VOLUME, "", name) is None


def test_waiting_for_the_first_pod() -> None:
    here = world("WaitForFirstConsumer")
    step(here)
    assert step(here).events[0].reason == "WaitForFirstConsumer"
    assert phase(here) == "Pending"
    using = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}]}
    pod = here.put(POD, {"metadata": {"name": "p", "namespace": "ns"}, "spec": using})
    settle(here)
    assert phase(here) == "Bound"
    assert list(CLAIMS.reads[1].keys(pod, here)) == [Key("ns", "c")]


def test_the_smallest_that_suits() -> None:
    here = world()
    put_volume(here, "big", "9Gi")
    put_volume(here, "right", "2Gi")
    put_volume(here, "small", "1Mi")
    put_volume(here, "other", "1Gi", accessModes=["ReadOnlyMany"])
    settle(here)
    claim = here.get(CLAIM, "ns", "c")
    assert claim is not None
    assert claim.spec.volume_name == "right"
    here.delete(CLAIM, "ns", "c")
    settle(here)
    right = here.get(VOLUME, "", "right")
    assert right is not None
    assert right.status.phase == "Released", "a user's volume stays"


def test_a_volume_that_is_named() -> None:
    here = world(volumeName="v", storageClassName="")
    assert phase(here) == ""
    step(here)
    assert phase(here) == "Pending"
    put_volume(here, storageClassName="")
    settle(here)
    assert phase(here) == "Bound"
    here.delete(VOLUME, "", "v")
    settle(here)
    assert phase(here) == "Lost"


def test_a_volume_of_somebody_else() -> None:
    here = world(volumeName="v")
    put_volume(here, claimRef={"namespace": "ns", "name": "d", "uid": "other"})
    assert "already bound to a different claim" in step(here).events[0].message


def test_a_volume_kept_for_a_claim() -> None:
    here = world()
    volume = put_volume(here, claimRef={"namespace": "ns", "name": "c"})
    assert list(CLAIMS.reads[0].keys(volume, here)) == [Key("ns", "c")]
    settle(here)
    assert phase(here) == "Bound"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"storageClassName": ""}, "FailedBinding"),
        ({"storageClassName": "none"}, "FailedBinding"),
    ],
)
def test_nothing_to_bind_to(spec: Obj, reason: str) -> None:
    plan = step(world(**spec))
    assert plan.events[0].reason == reason
    assert plan.status == {"phase": "Pending"}


def test_somebody_elses_class() -> None:
    here = world(provisioner="example.org/disk", storageClassName="local-path")
    assert step(here).events[0].reason == "ExternalProvisioning"
    assert list(CLAIMS.reads[2].keys({}, here)) == [Key("ns", "c")]

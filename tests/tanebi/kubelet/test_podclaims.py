"""Claims that pods bring with them."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM
from tanebi.api.core.pod import Volume
from tanebi.kubelet.podclaims import EphemeralReconciler, claim_name
from tanebi.testing.planning import PlanningWorld

SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
VOLUME: dict[str, Any] = {
    "name": "v",
    "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}},
}


def world(*volumes: Any, **status: Any) -> PlanningWorld:
    found = PlanningWorld()
    meta = {"name": "p", "namespace": "ns"}
    spec = {"containers": [{"name": "c"}], "volumes": list(volumes)}
    found.put(POD, {"metadata": meta, "spec": spec, "status": status})
    return found


def test_a_claim_is_made_once_and_is_the_pods() -> None:
    here = world(VOLUME, {"name": "e", "emptyDir": {}})
    here.settle((EphemeralReconciler(),))
    claim = here.raw(CLAIM, "ns", "p-v")
    pod = here.raw(POD, "ns", "p")
    assert claim is not None
    assert pod is not None
    assert claim["spec"] == SPEC
    assert claim["metadata"]["labels"] == {"a": "b"}
    (owner,) = claim["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (pod["metadata"]["uid"], True)
    assert here.raw(CLAIM, "ns", "p-e") is None


def test_a_strangers_claim_is_not_taken() -> None:
    here = world(VOLUME)
    here.put(CLAIM, {"metadata": {"name": "p-v", "namespace": "ns"}, "spec": SPEC})
    plan = here.plan(EphemeralReconciler(), "ns", "p")
    assert plan.children == ()
    assert plan.events[0].message.endswith('was not created for pod "ns/p" (pod is not owner)')


def test_pods_that_are_done_get_none() -> None:
    assert world(VOLUME, phase="Succeeded").plan(EphemeralReconciler(), "ns", "p").children == ()


def test_names() -> None:
    assert claim_name("p", Volume.model_validate(VOLUME)) == "p-v"
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    assert claim_name("p", Volume.model_validate(claim)) == "c"
    assert claim_name("p", Volume.model_validate({"name": "v", "emptyDir": {}})) == ""

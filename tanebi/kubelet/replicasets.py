"""ReplicaSets and ReplicationControllers: as many pods of one template as are wished, and what to say about them.

A Deployment's ReplicaSets are planned together with their pods by the Deployment's own reconciler, so that scaling is one pass
and not two; here only their status is kept. ReplicaSets that nobody controls get their pods here.

Pure. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from tanebi.api import selectors
from tanebi.api.core.apps import ReplicaSet, ReplicationController
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.core.pod import Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference, rfc3339
from tanebi.api.selectors import Selector
from tanebi.kube.plan import Plan, Reads, Seen
from tanebi.kubelet.adopting import claimants, claims
from tanebi.kubelet.podsets import (
    TEMPLATE_HASH,
    UNREPORTED_S,
    available,
    available_in_s,
    drop,
    foreign_to,
    hash_of,
    is_done,
    is_living,
    is_unreported,
    make_pod,
    new_names,
    nobody,
    owned_pods,
    surplus,
)
from tanebi.kubelet.scheduling import place
from tanebi.kubelet.standby import is_frozen

REVISION: Final = "deployment.kubernetes.io/revision"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MAXIMUM: Final = "deployment.kubernetes.io/max-replicas"
# Annotations of a Deployment that its ReplicaSets do not inherit.
OWN_ANNOTATIONS: Final = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        "tanebi.dev/desired-hash",
        REVISION,
        REVISION_HISTORY,
        DESIRED,
        MAXIMUM,
    }
)


FAILURE: Final = "ReplicaFailure"

Replicas = ReplicaSet | ReplicationController
R = TypeVar("R", bound=ReplicaSet | ReplicationController)


@dataclass(frozen=True, slots=True)
class ReplicaReconciler(Generic[R]):
    """Of ReplicaSets or ReplicationControllers (`kind`), which differ in their selectors.

    `node` is the name of the one machine there is; pods are bound to it when they are created.
    """

    node: str
    kind: Kind[R]

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (POD,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(NODE, nobody), Reads(POD, claimants(self.kind, _adopts)))

    def desired(self, found: R, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = found.metadata
        chosen = _selector(found)
        if meta.controller is None and (moved := claims(found, POD, seen, chosen)):
            return Plan(patches=moved, prune=False)
        owned = owned_pods((meta.uid,), seen.list(POD, meta.namespace, chosen))
        pods = [pod for pod in owned if not is_frozen(pod)]
        silent = any(is_unreported(pod, now) for pod in pods)
        status = None if silent else make_status(found, pods, now)
        again_s = UNREPORTED_S if silent else _next_look_s(found, pods, now)
        if meta.controller is not None:
            return Plan(status=status, requeue_after_s=again_s, prune=False)
        raw = seen.raw(self.kind, meta.namespace, meta.name)
        assert raw is not None, "the engine asks about what it has read"
        living = [pod for pod in pods if is_living(pod)]
        wanted = 1 if found.spec.replicas is None else found.spec.replicas
        taken = {pod.metadata.name for pod in pods}
        missing = max(wanted - len(living), 0)
        names = new_names(found, meta.name, missing, taken, foreign_to(found, seen))
        template = raw["spec"]["template"]
        node = place(seen, self.node, template)
        dead = [pod for pod in pods if not pod.deleting and is_done(pod)]
        return Plan(
            children=tuple(make_pod(found, template, name, node=node) for name in names),
            drops=tuple(drop(pod) for pod in (*dead, *surplus(living, wanted))),
            status=None if names else status,
            requeue_after_s=UNREPORTED_S if names else again_s,
            prune=False,
            refused=lambda words: make_status(found, pods, now, failure=words),
        )


def _selector(found: Replicas) -> Selector:
    if isinstance(found, ReplicationController):
        return selectors.from_labels(found.spec.selector)
    return selectors.from_object(found.spec.selector.model_dump(by_alias=True))


def _adopts(found: Replicas) -> Selector | None:
    """What a Deployment's ReplicaSets have is the Deployment's business."""
    return None if found.metadata.controller is not None else _selector(found)


def make_status(found: Replicas, pods: Sequence[Pod], now: datetime, *, failure: str = "") -> Obj:
    """`failure`: in which words the API has refused a pod."""
    living = [pod for pod in pods if is_living(pod)]
    template = found.spec.template
    labels = ((template.metadata if template else {}).get("labels") or {}).items()
    is_available = available(found.spec.min_ready_seconds, now)
    counts = {
        "fullyLabeledReplicas": sum(labels <= pod.metadata.labels.items() for pod in living),
        "readyReplicas": sum(pod.status.is_ready for pod in living),
        "availableReplicas": sum(map(is_available, living)),
        "terminatingReplicas": sum(pod.deleting for pod in pods),
    }
    conditions = _conditions(found, failure, now)
    return {
        "replicas": len(living),
        "observedGeneration": found.metadata.generation,
        **{name: count for name, count in counts.items() if count},
        **({"conditions": conditions} if conditions else {}),
    }


def _conditions(found: Replicas, failure: str, now: datetime) -> list[Obj]:
    """Those of others stay, our own is there as long as it is true."""
    known = [c.model_dump(by_alias=True, exclude_none=True) for c in found.status.conditions]
    before = next((c for c in known if c["type"] == FAILURE), {})
    others = [c for c in known if c["type"] != FAILURE]
    if not failure:
        return others
    told = {
        "type": FAILURE,
        "status": "True",
        "reason": "FailedCreate",
        "message": failure,
        "lastTransitionTime": before.get("lastTransitionTime") or rfc3339(now),
    }
    return [*others, told]


def _next_look_s(found: Replicas, pods: Sequence[Pod], now: datetime) -> float | None:
    ready = [pod for pod in pods if pod.status.is_ready]
    waits = [available_in_s(found.spec.min_ready_seconds, pod, now) for pod in ready]
    return min((wait for wait in waits if wait > 0), default=None)


# --- those of a Deployment ---------------------------------------------------------------------


def owned_sets(deployment: Deployment, seen: Seen) -> list[ReplicaSet]:
    chosen = selectors.from_object(deployment.spec.selector.model_dump(by_alias=True))
    uid = deployment.metadata.uid
    return [
        found
        for found in seen.list(REPLICA_SET, deployment.metadata.namespace, chosen)
        if (ref := found.metadata.controller) is not None and ref.uid == uid and not found.deleting
    ]


def revision_of(found: ReplicaSet) -> int:
    text = found.metadata.annotations.get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def hash_label(found: ReplicaSet) -> str:
    return found.metadata.labels.get(TEMPLATE_HASH, "")


def set_of_template(template: Obj, sets: Iterable[ReplicaSet], seen: Seen) -> ReplicaSet | None:
    """The ReplicaSet that stands for this template, the oldest if there are several."""
    wanted = hash_of(template)
    for found in sorted(sets, key=lambda s: (s.metadata.creation_timestamp or "", s.key)):
        raw = seen.raw(REPLICA_SET, found.metadata.namespace, found.metadata.name)
        if hash_label(found) == wanted or (raw and hash_of(_plain(raw)) == wanted):
            return found
    return None


def _plain(raw: Obj) -> Obj:
    """The template as the Deployment has it."""
    template: Obj = dict(raw["spec"]["template"])
    meta = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != TEMPLATE_HASH}
    return {**template, "metadata": {**meta, "labels": labels}}


def make_set(
    deployment: Deployment, template: Obj, *, replicas: int, revision: int, maximum: int
) -> Obj:
    """The ReplicaSet of a template that has none."""
    meta = deployment.metadata
    template_hash = hash_of(template)
    labels = (template.get("metadata") or {}).get("labels") or {}
    hashed = {**labels, TEMPLATE_HASH: template_hash}
    selector = deployment.spec.selector.model_dump(by_alias=True, exclude_defaults=True)
    match = {**selector.get("matchLabels", {}), TEMPLATE_HASH: template_hash}
    spec: Obj = {
        "replicas": replicas,
        "selector": {**selector, "matchLabels": match},
        "template": {
            **template,
            "metadata": {**(template.get("metadata") or {}), "labels": hashed},
        },
    }
    if deployment.spec.min_ready_seconds:
        spec["minReadySeconds"] = deployment.spec.min_ready_seconds
    return {
        "apiVersion": REPLICA_SET.api_version,
        "kind": REPLICA_SET.kind,
        "metadata": {
            "name": f"{meta.name}-{template_hash}",
            "namespace": meta.namespace,
            "labels": hashed,
            "annotations": {
                **inherited(meta.annotations),
                **scale_annotations(deployment, maximum),
                REVISION: str(revision),
            },
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": spec,
    }


def inherited(annotations: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in annotations.items() if k not in OWN_ANNOTATIONS}


def scale_annotations(deployment: Deployment, maximum: int) -> dict[str, str]:
    wanted = 1 if deployment.spec.replicas is None else deployment.spec.replicas
    return {DESIRED: str(wanted), MAXIMUM: str(maximum)}

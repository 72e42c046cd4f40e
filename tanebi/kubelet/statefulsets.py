"""StatefulSets: pods with names and claims of their own, made and replaced in order.

Pure. Rules (k8s.io/kubernetes pkg/controller/statefulset): pod N is made when those before it are ready, and the last goes first;
with podManagementPolicy Parallel nobody waits. An update replaces pods from the last down to `partition`, one after the other.
Pods before the partition are made from the template they had. Claims stay when pods go.

Not here: persistentVolumeClaimRetentionPolicy, which is stored. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.api.core.apps import StatefulSet
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM, NODE
from tanebi.api.core.kinds_workload import CONTROLLER_REVISION, STATEFUL_SET
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj
from tanebi.api.selectors import from_object
from tanebi.kube.plan import Note, Plan, Reads, Seen
from tanebi.kubelet.podsets import (
    available,
    available_in_s,
    drop,
    is_done,
    make_pod,
    nobody,
    owned_pods,
)
from tanebi.kubelet.revisions import HASH_LABEL, History, forgotten, history_of, short
from tanebi.kubelet.scheduling import place

POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
POD_INDEX: Final = "apps.kubernetes.io/pod-index"


@dataclass(frozen=True, slots=True)
class Step:
    """What one pass changes: ordinals to create, and pods to delete."""

    create: tuple[int, ...]
    victims: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class StatefulSetReconciler:
    """`node` is the name of the one machine there is."""

    node: str

    @property
    def kind(self) -> Kind[StatefulSet]:
        return STATEFUL_SET

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (POD, CONTROLLER_REVISION, CLAIM)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(NODE, nobody),)

    def desired(self, found: StatefulSet, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = found.metadata
        raw = seen.raw(STATEFUL_SET, meta.namespace, meta.name)
        assert raw is not None, "the engine asks about what it has read"
        history = history_of(found, raw["spec"]["template"], seen)
        chosen = from_object(found.spec.selector.model_dump(by_alias=True))
        pods = owned_pods((meta.uid,), seen.list(POD, meta.namespace, chosen))
        by_ordinal = {n: pod for pod in pods if (n := ordinal_of(found, pod)) is not None}
        step = next_step(found, by_ordinal, history.current, now)
        children: list[Obj] = list(history.create)
        for ordinal in step.create:
            revision, template = _template_for(found, raw, history, ordinal)
            children += _claims(found, raw, ordinal, seen)
            children.append(self._pod(found, template, revision, ordinal, seen))
        status = _status(found, by_ordinal, history, now)
        in_use = {history.current, status["currentRevision"]}
        soon = [available_in_s(found.spec.min_ready_seconds, pod, now) for pod in pods]
        return Plan(
            children=tuple(children),
            drops=(*map(drop, step.victims), *forgotten(history, _limit(found), in_use)),
            patches=history.patches,
            events=_notes(found, step),
            status=status,
            requeue_after_s=min((wait for wait in soon if wait > 0), default=None),
            prune=False,
        )

    def _pod(
        self, found: StatefulSet, template: Obj, revision: str, ordinal: int, seen: Seen
    ) -> Obj:
        name = pod_name(found, ordinal)
        labels = {POD_NAME: name, POD_INDEX: str(ordinal), HASH_LABEL: revision}
        spec: dict[str, Any] = {"hostname": name}
        if found.spec.service_name:
            spec["subdomain"] = found.spec.service_name
        claimed = {claim.metadata.name for claim in found.spec.volume_claim_templates}
        if claimed:
            others = [v for v in template["spec"].get("volumes") or () if v["name"] not in claimed]
            spec["volumes"] = others + [
                {
                    "name": claim.metadata.name,
                    "persistentVolumeClaim": {"claimName": f"{claim.metadata.name}-{name}"},
                }
                for claim in found.spec.volume_claim_templates
            ]
        node = place(seen, self.node, template)
        return make_pod(found, template, name, node=node, labels=labels, spec=spec)


def next_step(found: StatefulSet, pods: Mapping[int, Pod], current: str, now: datetime) -> Step:
    """`current` is the newest template's revision."""
    ordered = found.spec.pod_management_policy != "Parallel"
    healthy = available(found.spec.min_ready_seconds, now)
    wanted = ordinals(found)
    create: list[int] = []
    for ordinal in wanted:
        pod = pods.get(ordinal)
        if pod is None:
            create.append(ordinal)
        elif is_done(pod) and not pod.deleting:
            return Step(tuple(create), (pod,))  # made anew when it is gone
        elif healthy(pod) and not pod.deleting:
            continue
        if ordered:
            return Step(tuple(create), ())
    surplus = [pods[n] for n in sorted(pods, reverse=True) if n not in wanted]
    if surplus:
        going = [pod for pod in surplus if not pod.deleting]
        if not ordered:
            return Step(tuple(create), tuple(going))
        return Step(tuple(create), () if surplus[0].deleting else (surplus[0],))
    return Step(tuple(create), _outdated(found, pods, current, now))


def _outdated(
    found: StatefulSet, pods: Mapping[int, Pod], current: str, now: datetime
) -> tuple[Pod, ...]:
    """The next pod to replace, from the last down to the partition; it waits for those replaced before it."""
    strategy = found.spec.update_strategy
    if strategy.type == "OnDelete":
        return ()
    partition = strategy.rolling_update.partition if strategy.rolling_update else 0
    healthy = available(found.spec.min_ready_seconds, now)
    for ordinal in reversed(ordinals(found)):
        pod = pods.get(ordinal)
        if ordinal < (partition or 0):
            return ()
        if pod is None:
            return ()
        if not _is_of(pod, current) and not pod.deleting:
            return (pod,)
        if pod.deleting or not healthy(pod):
            return ()
    return ()


def _is_of(pod: Pod, revision: str) -> bool:
    """Pods of earlier releases name the hash alone."""
    return pod.metadata.labels.get(HASH_LABEL) in (revision, short(revision))


def ordinals(found: StatefulSet) -> range:
    first = found.spec.ordinals.start if found.spec.ordinals else 0
    return range(first, first + (1 if found.spec.replicas is None else found.spec.replicas))


def pod_name(found: StatefulSet, ordinal: int) -> str:
    return f"{found.metadata.name}-{ordinal}"


def ordinal_of(found: StatefulSet, pod: Pod) -> int | None:
    name, _, number = pod.metadata.name.rpartition("-")
    return int(number) if name == found.metadata.name and number.isdecimal() else None


def _template_for(found: StatefulSet, raw: Obj, history: History, ordinal: int) -> tuple[str, Obj]:
    """Pods before the partition keep the template that was current before the update."""
    rolling = found.spec.update_strategy.rolling_update
    before = found.status.current_revision
    if rolling is not None and ordinal < (rolling.partition or 0):
        old = history.template(before)
        if old is not None:
            return before, old
    return history.current, raw["spec"]["template"]


def _claims(found: StatefulSet, raw: Obj, ordinal: int, seen: Seen) -> list[Obj]:
    """The claims of a pod that are not there yet. They belong to nobody, so that they outlive the pod."""
    made = []
    meta = found.metadata
    labels = found.spec.selector.match_labels
    for template in raw["spec"].get("volumeClaimTemplates") or ():
        name = f"{template['metadata']['name']}-{pod_name(found, ordinal)}"
        if seen.raw(CLAIM, meta.namespace, name) is not None:
            continue
        own = template["metadata"]
        made.append(
            {
                "apiVersion": CLAIM.api_version,
                "kind": CLAIM.kind,
                "metadata": {
                    "name": name,
                    "namespace": meta.namespace,
                    "labels": {**(own.get("labels") or {}), **labels},
                    "annotations": dict(own.get("annotations") or {}),
                },
                "spec": template.get("spec") or {},
            }
        )
    return made


def _status(found: StatefulSet, pods: Mapping[int, Pod], history: History, now: datetime) -> Obj:
    living = [pod for pod in pods.values() if not is_done(pod)]
    updated = [p for p in living if _is_of(p, history.current)]
    before = found.status.current_revision or history.current
    is_available = available(found.spec.min_ready_seconds, now)
    wanted = len(ordinals(found))
    rolled = len(updated) == len(living) == wanted and all(p.status.is_ready for p in updated)
    current = history.current if rolled else before
    at_current = [p for p in living if _is_of(p, current)]
    return {
        "observedGeneration": found.metadata.generation,
        "replicas": len(living),
        "readyReplicas": sum(pod.status.is_ready for pod in living),
        "availableReplicas": sum(map(is_available, living)),
        "currentReplicas": len(at_current),
        "updatedReplicas": len(updated),
        "currentRevision": current,
        "updateRevision": history.current,
        "collisionCount": 0,
    }


def _notes(found: StatefulSet, step: Step) -> tuple[Note, ...]:
    def note(way: str, name: str) -> Note:
        text = f"{way} Pod {name} in StatefulSet {found.metadata.name} successful"
        return Note("Normal", f"Successful{way.capitalize()}", text)

    created: Sequence[Note] = [note("create", pod_name(found, n)) for n in step.create]
    return (*created, *(note("delete", pod.metadata.name) for pod in step.victims))


def _limit(found: StatefulSet) -> int | None:
    return found.spec.revision_history_limit

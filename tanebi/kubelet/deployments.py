"""Deployments: their ReplicaSets, how many pods of which there should be, and what to say about it.

Pure. Rules (k8s.io/kubernetes pkg/controller/deployment): a rolling update never has more than replicas + maxSurge pods and
never fewer than replicas - maxUnavailable available ones; pods that are not ready, then the youngest, go first. A template
that was there before gets its ReplicaSet back, with a new revision number.

One pass plans ReplicaSets and pods together: a ReplicaSet is there since its template came, so a wake-up from zero creates the
pod at once and tells the ReplicaSet afterwards how many it has (docs/decisions, ReplicaSets in one pass).

Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tanebi.api import selectors
from tanebi.api.core.apps import ReplicaSet
from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.core.pod import IntOrString, Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, controller_of, key_of
from tanebi.api.selectors import Selector
from tanebi.api.standby import BadStandby, parse_standby
from tanebi.kube.plan import Drop, Note, Patch, Plan, Reads, Seen
from tanebi.kubelet.adopting import claimants, claims
from tanebi.kubelet.deployment_status import make_status, next_look_s
from tanebi.kubelet.podsets import (
    TEMPLATE_HASH,
    UNREPORTED_S,
    available,
    drop,
    hash_of,
    is_done,
    is_living,
    is_unreported,
    make_pod,
    new_names,
    nobody,
    owned_pods,
    surplus,
    victims_first,
)
from tanebi.kubelet.proportional import Part, shares
from tanebi.kubelet.replicasets import (
    DESIRED,
    MAXIMUM,
    REVISION,
    REVISION_HISTORY,
    hash_label,
    inherited,
    make_set,
    owned_sets,
    revision_of,
    scale_annotations,
    set_of_template,
)
from tanebi.kubelet.scheduling import place
from tanebi.kubelet.standby import Turn, marks, parted, turn

DEFAULT_SHARE: Final = "25%"
DEFAULT_HISTORY: Final = 10


@dataclass(frozen=True, slots=True)
class Move:
    """What one pass changes: pods to create, and pods to delete."""

    create: int
    victims: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class DeploymentReconciler:
    """`node` is the name of the one machine there is; pods are bound to it when they are created."""

    node: str

    @property
    def kind(self) -> Kind[Deployment]:
        return DEPLOYMENT

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (REPLICA_SET, POD)

    @property
    def reads(self) -> tuple[Reads, ...]:
        adopts = claimants(DEPLOYMENT, _chosen)
        return (Reads(POD, _deployment_of), Reads(NODE, nobody), Reads(REPLICA_SET, adopts))

    def desired(self, deployment: Deployment, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = deployment.metadata
        raw = seen.raw(DEPLOYMENT, meta.namespace, meta.name)
        assert raw is not None, "the engine asks about what it has read"
        chosen = _chosen(deployment)
        if moved := claims(deployment, REPLICA_SET, seen, chosen):
            return Plan(patches=moved, prune=False)
        sets = owned_sets(deployment, seen)
        template = raw["spec"]["template"]
        current = set_of_template(template, sets, seen)
        if current is None and not deployment.spec.paused:
            return _with_new_set(deployment, template, sets, hash_of(template))
        target = current or max(sets, key=revision_of, default=None)
        pods, frozen = parted(_pods_of(deployment, chosen, sets, seen))
        if target is None:
            return Plan(status=make_status(deployment, pods, None, now), prune=False)
        if (resized := self._resized(deployment, seen, sets, target, pods)) is not None:
            return resized
        plan = self._scaled(deployment, seen, sets, target, pods, frozen, now)
        if plan.status is None or current is target:
            return plan
        return replace(plan, status=make_status(deployment, pods, None, now))

    def _resized(
        self,
        deployment: Deployment,
        seen: Seen,
        sets: Sequence[ReplicaSet],
        target: ReplicaSet,
        pods: Sequence[Pod],
    ) -> Plan | None:
        """The plan of a Deployment that is scaled in the middle of an update: all of its ReplicaSets with pods are."""
        wanted = _wanted(deployment)
        living = [pod for pod in pods if is_living(pod)]
        owned = {each.metadata.name: _pods_in(each, living) for each in sets}
        active = [each for each in sets if owned[each.metadata.name]]
        told = all(each.metadata.annotations.get(DESIRED) == str(wanted) for each in active)
        halted = deployment.spec.paused or deployment.spec.strategy.type == "Recreate"
        if told or halted or len(active) < 2 or len(owned[target.metadata.name]) == wanted:
            return None
        parts = [_part(each, len(owned[each.metadata.name])) for each in active]
        sizes = shares(parts, wanted, rolling_bounds(deployment, wanted)[0])
        children: list[Obj] = []
        drops: list[Drop] = []
        for each in active:
            name, own = each.metadata.name, owned[each.metadata.name]
            raw = seen.raw(REPLICA_SET, *each.key)
            assert raw is not None, "it was listed"
            template = raw["spec"]["template"]
            node = place(seen, self.node, template)
            taken = {pod.metadata.name for pod in pods}
            missing = max(sizes[name] - len(own), 0)
            made = new_names(deployment, name, missing, taken)
            children += [make_pod(each, template, one, node=node) for one in made]
            drops += map(drop, surplus(own, sizes[name]))
        annotations = scale_annotations(deployment, _maximum(deployment))
        return Plan(
            children=tuple(children),
            drops=tuple(drops),
            patches=tuple(_sized(each, sizes[each.metadata.name], annotations) for each in active),
            events=_notes(active, sizes),
            requeue_after_s=UNREPORTED_S,
            prune=False,
        )

    def _scaled(
        self,
        deployment: Deployment,
        seen: Seen,
        sets: Sequence[ReplicaSet],
        target: ReplicaSet,
        pods: Sequence[Pod],
        frozen: Sequence[Pod],
        now: datetime,
    ) -> Plan:
        """`target` is the ReplicaSet that pods are created for."""
        move = decide(deployment, pods, hash_label(target), now)
        nap = _nap(deployment, move, hash_label(target), frozen, now)
        move = Move(nap.create, nap.victims)
        taken = {pod.metadata.name for pod in (*pods, *frozen)}
        names = new_names(deployment, target.metadata.name, move.create, taken)
        raw = seen.raw(REPLICA_SET, target.metadata.namespace, target.metadata.name)
        assert raw is not None, "it was listed"
        template = raw["spec"]["template"]
        node = place(seen, self.node, template)
        awake = [*(pod for pod in pods if pod not in nap.freeze), *nap.wake]
        counts = _counts(sets, target, awake, move)
        # Who is woken comes first: a request may wait for it.
        patches = (*marks(nap, now), *_patches(deployment, sets, target, counts))
        status, again_s = None, _soonest(next_look_s(deployment, pods, now), nap.again_s)
        if names or any(is_unreported(pod, now) for pod in pods):
            again_s = UNREPORTED_S  # the pod's first report will bring us back sooner
        elif _is_told(target, pods) and not any(patch.kind is DEPLOYMENT for patch in patches):
            status = make_status(deployment, pods, target, now)
        return Plan(
            children=tuple(make_pod(target, template, name, node=node) for name in names),
            drops=(*map(drop, move.victims), *_forgotten(deployment, sets, target)),
            patches=patches,
            events=_notes(sets, counts),
            status=status,
            requeue_after_s=again_s,
            prune=False,
            refused=lambda words: make_status(deployment, pods, target, now, failure=words),
        )


def _is_told(target: ReplicaSet, pods: Sequence[Pod]) -> bool:
    """Whether the ReplicaSet's own status counts them: a Deployment is never ahead of it. Its write brings us back."""
    is_new = is_new_for(hash_label(target))
    return target.status.replicas == sum(is_living(pod) and is_new(pod) for pod in pods)


def _pods_in(each: ReplicaSet, pods: Sequence[Pod]) -> list[Pod]:
    is_its = is_new_for(hash_label(each))
    return [pod for pod in pods if is_its(pod)]


def _part(each: ReplicaSet, count: int) -> Part:
    most = each.metadata.annotations.get(MAXIMUM, "")
    created = each.metadata.creation_timestamp or ""
    return Part(each.metadata.name, count, int(most) if most.isdecimal() else 0, created)


def _sized(each: ReplicaSet, size: int, annotations: dict[str, str]) -> Patch:
    body = {"spec": {"replicas": size}, "metadata": {"annotations": annotations}}
    return Patch(REPLICA_SET, *each.key, body)


def _nap(
    deployment: Deployment, move: Move, newest: str, frozen: Sequence[Pod], now: datetime
) -> Turn:
    """What of the move is done by freezing and waking. Annotations that nobody has checked ask for nothing."""
    annotations = deployment.spec.template.metadata.get("annotations") or {}
    try:
        wanted = parse_standby(annotations)
    except BadStandby:
        wanted = None
    is_new = is_new_for(newest)
    past = tuple(pod for pod in frozen if not is_new(pod))
    return turn(
        wanted,
        create=move.create,
        victims=(*move.victims, *past),
        surplus=[pod for pod in move.victims if is_living(pod) and is_new(pod)],
        frozen=[pod for pod in frozen if is_new(pod)],
        now=now,
    )


def _soonest(*waits: float | None) -> float | None:
    return min((wait for wait in waits if wait is not None), default=None)


def _with_new_set(
    deployment: Deployment, template: Obj, sets: Sequence[ReplicaSet], template_hash: str
) -> Plan:
    """The first half of an update: its ReplicaSet, empty. The next pass, at once, fills it."""
    revision = 1 + max(map(revision_of, sets), default=0)
    made = make_set(
        deployment, template, replicas=0, revision=revision, maximum=_maximum(deployment)
    )
    return Plan(
        children=(made,),
        patches=tuple(_revision_patch(deployment, revision)),
        requeue_after_s=0.0,
        prune=False,
    )


def _chosen(deployment: Deployment) -> Selector:
    return selectors.from_object(deployment.spec.selector.model_dump(by_alias=True))


def _pods_of(
    deployment: Deployment, chosen: Selector, sets: Iterable[ReplicaSet], seen: Seen
) -> list[Pod]:
    found = seen.list(POD, deployment.metadata.namespace, chosen)
    # Pods of earlier releases, which knew no ReplicaSets, are the Deployment's own.
    return owned_pods((deployment.metadata.uid, *(s.metadata.uid for s in sets)), found)


def decide(deployment: Deployment, pods: Sequence[Pod], template_hash: str, now: datetime) -> Move:
    """The next step towards the wished number of pods of the newest template."""
    wanted = _wanted(deployment)
    living = [pod for pod in pods if is_living(pod)]
    dead = [pod for pod in pods if not pod.deleting and is_done(pod)]
    is_new = is_new_for(template_hash)
    new = [pod for pod in living if is_new(pod)]
    old = [pod for pod in living if not is_new(pod)]
    if deployment.spec.paused:
        return _while_paused(wanted, new, old, dead)
    if deployment.spec.strategy.type == "Recreate":
        ending = any(pod.deleting for pod in pods if not is_new(pod))
        create = 0 if old or ending else max(wanted - len(new), 0)
        return Move(create, (*dead, *old, *surplus(new, wanted)))
    surge, unavailable = rolling_bounds(deployment, wanted)
    create = max(min(wanted - len(new), wanted + surge - len(living)), 0)
    going = surplus(new, wanted)
    ready = available(deployment.spec.min_ready_seconds, now)
    return Move(create, (*dead, *going, *_old_victims(old, new, wanted - unavailable, ready)))


def _while_paused(wanted: int, new: Sequence[Pod], old: Sequence[Pod], dead: Sequence[Pod]) -> Move:
    """Scaling goes on, the update does not: what is too many leaves the old side first."""
    spare = max(len(new) + len(old) - wanted, 0)
    going = victims_first(old)[:spare]
    return Move(
        max(wanted - len(new) - len(old), 0),
        (*dead, *going, *victims_first(new)[: spare - len(going)]),
    )


def rolling_bounds(deployment: Deployment, wanted: int) -> tuple[int, int]:
    """maxSurge (rounded up) and maxUnavailable (rounded down); one of them is at least 1."""
    rolling = deployment.spec.strategy.rolling_update
    surge = _share(rolling.max_surge if rolling else None, wanted, math.ceil)
    unavailable = _share(rolling.max_unavailable if rolling else None, wanted, math.floor)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def is_new_for(template_hash: str) -> Callable[[Pod], bool]:
    """Pods without the label are those of a ReplicaSet without it, which was adopted."""
    return lambda pod: pod.metadata.labels.get(TEMPLATE_HASH, "") == template_hash


def _old_victims(
    old: Sequence[Pod], new: Sequence[Pod], available_min: int, ready: Callable[[Pod], bool]
) -> Sequence[Pod]:
    """Old pods that can go: those that serve nobody, and as many of the others as are not needed."""
    new_available = sum(1 for pod in new if ready(pod))
    most = (
        len(old) + new_available - available_min
    )  # as many as may go, if all of the new ones that are not ready fail
    idle = victims_first([pod for pod in old if not ready(pod)])[: max(most, 0)]
    serving = victims_first([pod for pod in old if ready(pod)])
    spare = new_available + len(serving) - available_min
    return [*idle, *serving[: max(spare, 0)]]


# --- ReplicaSets --------------------------------------------------------------------------------


def _counts(
    sets: Sequence[ReplicaSet], target: ReplicaSet, pods: Sequence[Pod], move: Move
) -> dict[str, int]:
    """How many pods each ReplicaSet has after the move, by name."""
    gone = {victim.metadata.uid for victim in move.victims}
    living = [pod for pod in pods if is_living(pod) and pod.metadata.uid not in gone]
    counts = {
        found.metadata.name: sum(is_new_for(hash_label(found))(pod) for pod in living)
        for found in sets
    }
    counts[target.metadata.name] += move.create
    return counts


def _patches(
    deployment: Deployment,
    sets: Sequence[ReplicaSet],
    target: ReplicaSet,
    counts: dict[str, int],
) -> tuple[Patch, ...]:
    """Numbers and annotations; what is so already is not written (tanebi.kube.apply)."""
    found = [
        Patch(REPLICA_SET, *each.key, body)
        for each in sets
        for body in (_patch_of(deployment, each, counts[each.metadata.name], each is target, sets),)
    ]
    if not deployment.spec.paused:
        found += _revision_patch(deployment, _new_revision(target, sets))
    return tuple(found)


def _patch_of(
    deployment: Deployment,
    each: ReplicaSet,
    count: int,
    is_target: bool,
    sets: Sequence[ReplicaSet],
) -> Obj:
    body: Obj = {"spec": {"replicas": count}}
    if is_target or count:
        body["metadata"] = {"annotations": scale_annotations(deployment, _maximum(deployment))}
    if is_target and not deployment.spec.paused:
        annotations = body["metadata"]["annotations"]
        annotations |= inherited(deployment.metadata.annotations)
        revision, before = _new_revision(each, sets), revision_of(each)
        annotations[REVISION] = str(revision)
        if before not in (0, revision):
            history = each.metadata.annotations.get(REVISION_HISTORY, "")
            annotations[REVISION_HISTORY] = f"{history},{before}" if history else str(before)
    return body


def _new_revision(target: ReplicaSet, sets: Sequence[ReplicaSet]) -> int:
    others = [revision_of(each) for each in sets if each is not target]
    return max(revision_of(target), 1 + max(others, default=0))


def _revision_patch(deployment: Deployment, revision: int) -> Iterable[Patch]:
    if deployment.metadata.annotations.get(REVISION) != str(revision):
        body = {"metadata": {"annotations": {REVISION: str(revision)}}}
        yield Patch(DEPLOYMENT, *deployment.key, body)


def _forgotten(
    deployment: Deployment, sets: Sequence[ReplicaSet], target: ReplicaSet
) -> list[Drop]:
    """Old ReplicaSets without pods beyond the history that is kept, the oldest first."""
    limit = deployment.spec.revision_history_limit
    kept = DEFAULT_HISTORY if limit is None else limit
    empty = [s for s in sets if s is not target and not s.spec.replicas and not s.status.replicas]
    old = sorted(empty, key=revision_of)
    return [Drop(REPLICA_SET, *s.key, s.metadata.uid) for s in old[: max(len(old) - kept, 0)]]


def _notes(sets: Sequence[ReplicaSet], counts: dict[str, int]) -> tuple[Note, ...]:
    found = []
    for each in sets:
        name, before = each.metadata.name, each.spec.replicas or 0
        now = counts[name]
        if now != before:
            way = "up" if now > before else "down"
            message = f"Scaled {way} replica set {name} from {before} to {now}"
            found.append(Note("Normal", "ScalingReplicaSet", message))
    return tuple(found)


def _deployment_of(pod: Obj, seen: Seen) -> Iterable[Key]:
    """Through its ReplicaSet."""
    ref, key = controller_of(pod), key_of(pod)
    if ref is None or ref.get("kind") != REPLICA_SET.kind:
        return ()
    owner = seen.raw(REPLICA_SET, key.namespace, ref["name"])
    above = controller_of(owner) if owner is not None else None
    if above is None or above.get("kind") != DEPLOYMENT.kind:
        return ()
    return (Key(key.namespace, above["name"]),)


def _maximum(deployment: Deployment) -> int:
    wanted = _wanted(deployment)
    if deployment.spec.strategy.type == "Recreate":
        return wanted
    return wanted + rolling_bounds(deployment, wanted)[0]


def _wanted(deployment: Deployment) -> int:
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas


def _share(value: IntOrString | None, whole: int, rounded: Callable[[float], int]) -> int:
    found = DEFAULT_SHARE if value is None else value
    if isinstance(found, str):
        return rounded(int(found.rstrip("%")) * whole / 100)
    return found

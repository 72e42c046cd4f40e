"""Deployments: how many pods of which template there should be, and what to say about it.

Straight from Deployment to Pods: there are no ReplicaSets, whose only other use is rolling back, and revisions do that here.
Pure. Rules (k8s.io/kubernetes pkg/controller/deployment): a rolling update never has more than replicas + maxSurge pods and
never fewer than replicas - maxUnavailable available ones; pods that are not ready, then the youngest, go first.

A new pod's name follows from the Deployment's uid, generation and a number, so that a pass over a stale cache meets
AlreadyExists instead of making one pod too many.

Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.pod import IntOrString, Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference, parse_time, rfc3339
from tanebi.kube.plan import Drop, Plan, Reads, Seen
from tanebi.kubelet.deployment_status import make_status, next_look_s

TEMPLATE_HASH: Final = "pod-template-hash"
HASH_CHARS: Final = 10
SUFFIX_CHARS: Final = 5
NAME_BASE_MAX: Final = 58  # a generated name is at most 63 characters, suffix included
DEFAULT_SHARE: Final = "25%"
UNREPORTED_S: Final = 2.0
LETTERS: Final = (
    "bcdfghjklmnpqrstvwxz2456789"  # those of tanebi.base.rng, without its source of chance
)


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
        return (POD,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return ()

    def desired(self, deployment: Deployment, seen: Seen, configs: Configs, now: datetime) -> Plan:
        raw = seen.raw(DEPLOYMENT, deployment.metadata.namespace, deployment.metadata.name)
        assert raw is not None, "the engine asks about what it has read"
        pods = owned_pods(deployment, seen.list(POD, deployment.metadata.namespace))
        template_hash = hash_of(raw["spec"]["template"])
        move = decide(deployment, pods, template_hash, now)
        taken = {pod.metadata.name for pod in pods}
        names = new_names(deployment, template_hash, move.create, taken)
        again_s = next_look_s(deployment, pods, now)
        status = None
        if names or any(_is_unreported(pod, now) for pod in pods):
            again_s = UNREPORTED_S  # the pod's first report will bring us back sooner
        else:
            status = make_status(deployment, pods, is_new_for(template_hash), now)
        return Plan(
            children=tuple(
                make_pod(deployment, raw["spec"]["template"], template_hash, name, self.node)
                for name in names
            ),
            drops=tuple(_drop(pod) for pod in move.victims),
            status=status,
            requeue_after_s=again_s,
            prune=False,
        )


def owned_pods(deployment: Deployment, pods: Iterable[Pod]) -> list[Pod]:
    uid = deployment.metadata.uid
    return [pod for pod in pods if (ref := pod.metadata.controller) is not None and ref.uid == uid]


def decide(deployment: Deployment, pods: Sequence[Pod], template_hash: str, now: datetime) -> Move:
    """The next step towards the wished number of pods of the newest template."""
    wanted = deployment.spec.replicas if deployment.spec.replicas is not None else 1
    living = [pod for pod in pods if is_living(pod)]
    dead = [pod for pod in pods if not pod.deleting and not is_living(pod)]
    is_new = is_new_for(template_hash)
    new = [pod for pod in living if is_new(pod)]
    old = [pod for pod in living if not is_new(pod)]
    if deployment.spec.strategy.type == "Recreate":
        ending = any(pod.deleting for pod in pods if not is_new(pod))
        create = 0 if old or ending else max(wanted - len(new), 0)
        return Move(create, (*dead, *old, *_surplus(new, wanted)))
    surge, unavailable = rolling_bounds(deployment, wanted)
    create = max(min(wanted - len(new), wanted + surge - len(living)), 0)
    going = _surplus(new, wanted)
    ready = _available(deployment, now)
    return Move(create, (*dead, *going, *_old_victims(old, new, wanted - unavailable, ready)))


def rolling_bounds(deployment: Deployment, wanted: int) -> tuple[int, int]:
    """maxSurge (rounded up) and maxUnavailable (rounded down); one of them is at least 1."""
    rolling = deployment.spec.strategy.rolling_update
    surge = _share(rolling.max_surge if rolling else None, wanted, math.ceil)
    unavailable = _share(rolling.max_unavailable if rolling else None, wanted, math.floor)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def is_living(pod: Pod) -> bool:
    return not pod.deleting and pod.status.phase not in ("Succeeded", "Failed")


def is_new_for(template_hash: str) -> Callable[[Pod], bool]:
    return lambda pod: pod.metadata.labels.get(TEMPLATE_HASH) == template_hash


def hash_of(template: Obj) -> str:
    """Ten characters that change whenever the template does."""
    return _letters(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), HASH_CHARS)


def new_names(deployment: Deployment, template_hash: str, count: int, taken: set[str]) -> list[str]:
    """`count` names that are not taken; the same ones for the same Deployment at the same generation."""
    meta = deployment.metadata
    base = f"{meta.name}-{template_hash}-"[:NAME_BASE_MAX]
    found: list[str] = []
    number = 0
    while len(found) < count:
        seed = f"{meta.uid}/{meta.generation}/{number}".encode()
        name = base + _letters(seed, SUFFIX_CHARS)
        if name not in taken and name not in found:
            found.append(name)
        number += 1
    return found


def make_pod(
    deployment: Deployment, template: Obj, template_hash: str, name: str, node: str
) -> Obj:
    meta = template.get("metadata") or {}
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": name,
            "namespace": deployment.metadata.namespace,
            "labels": {**(meta.get("labels") or {}), TEMPLATE_HASH: template_hash},
            "annotations": dict(meta.get("annotations") or {}),
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"nodeName": node, **template["spec"]},
    }


def _is_unreported(pod: Pod, now: datetime) -> bool:
    """Just created, and its kubelet has not said anything yet: a status written now would be out of date at once, and
    would take time from what starts the pod."""
    young = now - parse_time(pod.metadata.creation_timestamp or rfc3339(now))
    return is_living(pod) and not pod.status.pod_ip and young.total_seconds() < UNREPORTED_S


def _surplus(new: Sequence[Pod], wanted: int) -> Sequence[Pod]:
    return _victims_first(new)[: max(len(new) - wanted, 0)]


def _old_victims(
    old: Sequence[Pod], new: Sequence[Pod], available_min: int, ready: Callable[[Pod], bool]
) -> Sequence[Pod]:
    """Old pods that can go: those that serve nobody, and as many of the others as are not needed."""
    new_available = sum(1 for pod in new if ready(pod))
    idle = [pod for pod in old if not ready(pod)]
    serving = _victims_first([pod for pod in old if ready(pod)])
    spare = new_available + len(serving) - available_min
    return [*idle, *serving[: max(spare, 0)]]


def _victims_first(pods: Sequence[Pod]) -> list[Pod]:
    """Not ready before ready, then young before old (kube-controller-manager's ActivePods, reduced to one node)."""
    youngest = sorted(
        pods, key=lambda p: (p.metadata.creation_timestamp or "", p.metadata.name), reverse=True
    )
    return sorted(youngest, key=lambda pod: pod.status.is_ready)


def _available(deployment: Deployment, now: datetime) -> Callable[[Pod], bool]:
    needed = timedelta(seconds=deployment.spec.min_ready_seconds or 0)

    def ready(pod: Pod) -> bool:
        found = pod.status.condition("Ready")
        if found is None or found.status != "True":
            return False
        return not needed or parse_time(found.last_transition_time or "") + needed <= now

    return ready


def _share(value: IntOrString | None, whole: int, rounded: Callable[[float], int]) -> int:
    found = DEFAULT_SHARE if value is None else value
    if isinstance(found, str):
        return rounded(int(found.rstrip("%")) * whole / 100)
    return found


def _drop(pod: Pod) -> Drop:
    return Drop(POD, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)


def _letters(content: bytes, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(content).digest())
    found = ""
    for _ in range(count):
        number, at = divmod(number, len(LETTERS))
        found += LETTERS[at]
    return found

"""Which pods are frozen instead of removed, which are woken, and which have been frozen for too long.

Pure. A scale-down makes the surplus of the newest template's pods stand by, where that is asked for (tanebi.api.standby); a
scale-up takes those back, the last frozen first, before any pod is created. Pods of an older template, pods that are not ready,
and what exceeds the number or the age go as ever. Frozen pods are in no count. Caller: tanebi.kubelet.deployments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import parse_time, rfc3339
from tanebi.api.standby import STANDBY_SINCE, Standby
from tanebi.kube.plan import Patch
from tanebi.kubelet.podsets import is_living


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of the pods. `create` and `victims` are what is left of what was wanted without standby."""

    create: int
    victims: tuple[Pod, ...]
    freeze: tuple[Pod, ...] = ()
    wake: tuple[Pod, ...] = ()
    again_s: float | None = None  # when the first of the frozen ones is too old


def is_frozen(pod: Pod) -> bool:
    return STANDBY_SINCE in pod.metadata.annotations


def parted(pods: Iterable[Pod]) -> tuple[list[Pod], list[Pod]]:
    """Those that count, and the living ones that are frozen."""
    awake: list[Pod] = []
    asleep: list[Pod] = []
    for pod in pods:
        (asleep if is_frozen(pod) and is_living(pod) else awake).append(pod)
    return awake, asleep


def turn(
    wanted: Standby | None,
    *,
    create: int,
    victims: Sequence[Pod],
    surplus: Sequence[Pod],
    frozen: Sequence[Pod],
    now: datetime,
) -> Turn:
    """`surplus`: those among the victims that are of the newest template. `frozen`: living pods of that template."""
    if wanted is None:
        return Turn(create, (*victims, *frozen))
    old = [pod for pod in frozen if _left(pod, wanted, now) <= timedelta()]
    fresh = sorted((pod for pod in frozen if pod not in old), key=_since, reverse=True)
    wake = fresh[:create]
    kept = fresh[create:][: wanted.most]
    beyond = fresh[create:][wanted.most :]
    able = [pod for pod in surplus if pod.status.is_ready]
    freeze = able[: max(0, wanted.most - len(kept))]
    left = [_left(pod, wanted, now).total_seconds() for pod in kept]
    return Turn(
        create - len(wake),
        (*(pod for pod in victims if pod not in freeze), *old, *beyond),
        tuple(freeze),
        tuple(wake),
        min([*left, *([wanted.age_s] if freeze else [])], default=None),
    )


def marks(turn: Turn, now: datetime) -> tuple[Patch, ...]:
    """What is written on the pods: the kubelet freezes and wakes by it."""
    changes = [(pod, None) for pod in turn.wake] + [(pod, rfc3339(now)) for pod in turn.freeze]
    return tuple(
        Patch(
            POD,
            pod.metadata.namespace,
            pod.metadata.name,
            {"metadata": {"uid": pod.metadata.uid, "annotations": {STANDBY_SINCE: mark}}},
        )
        for pod, mark in changes
    )


def _since(pod: Pod) -> datetime:
    return parse_time(pod.metadata.annotations[STANDBY_SINCE])


def _left(pod: Pod, wanted: Standby, now: datetime) -> timedelta:
    return _since(pod) + timedelta(seconds=wanted.age_s) - now

"""Which pod must go because of the disk, and in which words.

Pure. The rules and texts are those of the kubelet's eviction manager (k8s.io/kubernetes pkg/kubelet/eviction): an emptyDir above
its sizeLimit, a pod above the sum of its containers' ephemeral-storage limits, a container above its own; and, when the disk is
nearly full, the pod that uses most beyond what it requested.

Two numbers are ours. The disk is nearly full with less than a tenth free, as in Kubernetes, but never before less than 1 GiB is:
this is a machine that is also used for something else. And a pod is evicted for it only if the pods together hold what is
missing: otherwise it is somebody else's disk, and a pod that went would be missed for nothing.

Caller: tanebi.kubelet.storage, tanebi.kubelet.node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tanebi.api import quantity
from tanebi.api.core.pod import Pod

STORAGE: Final = "ephemeral-storage"
EVICTED: Final = "Evicted"
IN_MEMORY: Final = "Memory"
FREE_SHARE: Final = 10  # nearly full: less than one part in ten is free,
FREE_MAX: Final = 1024**3  # and less than this many bytes
CALM_S: Final = 30.0  # how long there must be room again before the pressure is over


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes on the disk: of emptyDir volumes by name, of what containers wrote elsewhere (their logs too) by name."""

    volumes: Mapping[str, int] = field(default_factory=dict)
    containers: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.volumes.values()) + sum(self.containers.values())


@dataclass(frozen=True, slots=True)
class Disk:
    size: int
    free: int

    @property
    def threshold(self) -> int:
        return min(self.size // FREE_SHARE, FREE_MAX)

    @property
    def missing(self) -> int:
        """Bytes that must become free before it is not nearly full any more."""
        return max(0, self.threshold - self.free)


@dataclass(slots=True)
class Pressure:
    """Whether the disk is nearly full, without going to and fro."""

    on: bool = False
    _short_at: float = 0.0

    def seen(self, disk: Disk, now: float) -> bool:
        if disk.missing:
            self.on, self._short_at = True, now
        elif now - self._short_at >= CALM_S:
            self.on = False
        return self.on


def disk_volumes(pod: Pod) -> list[str]:
    """The names of the emptyDir volumes that are on the disk."""
    return [
        volume.name
        for volume in pod.spec.volumes
        if volume.empty_dir is not None and volume.empty_dir.medium != IN_MEMORY
    ]


def is_limited(pod: Pod) -> bool:
    """Whether `over_limit` can ever say something of it."""
    sized = any(v.empty_dir is not None and v.empty_dir.size_limit for v in pod.spec.volumes)
    return sized or has_limited_containers(pod)


def has_limited_containers(pod: Pod) -> bool:
    return any(STORAGE in container.resources.limits for container in pod.spec.original_containers)


def over_limit(pod: Pod, usage: Usage) -> str:
    """The kubelet's message, or nothing."""
    for volume in pod.spec.volumes:
        limit = volume.empty_dir.size_limit if volume.empty_dir is not None else None
        used = usage.volumes.get(volume.name)
        if limit and used is not None and used > quantity.parse(limit) > 0:
            return f'Usage of EmptyDir volume "{volume.name}" exceeds the limit "{limit}". '
    limits = {
        one.name: one.resources.limits[STORAGE]
        for one in pod.spec.original_containers
        if STORAGE in one.resources.limits
    }
    own = [limits[one.name] for one in pod.spec.containers if one.name in limits]
    whole = sum((quantity.parse(one) for one in own), Decimal(0))
    if own and usage.total > whole:
        total = own[0] if len(own) == 1 else _shown(int(whole))
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {total}. "
    for name, most in limits.items():
        if usage.containers.get(name, 0) > quantity.parse(most):
            return f'Container {name} exceeded its local ephemeral storage limit "{most}". '
    return ""


def for_room(pods: Iterable[tuple[Pod, Usage]], disk: Disk) -> tuple[Pod, str] | None:
    """The pod to evict for a disk that is nearly full, and why. None: there is room, or the pods do not hold what is missing."""
    excess = [(usage.total - _requested(pod), pod, usage) for pod, usage in pods]
    excess = [one for one in excess if one[0] > 0]
    if not disk.missing or sum(one[0] for one in excess) < disk.missing:
        return None
    _, pod, usage = max(excess, key=lambda one: one[0])
    words = [
        f"The node was low on resource: {STORAGE}. ",
        f"Threshold quantity: {disk.threshold}, available: {_kibi(disk.free)}. ",
    ]
    for one in pod.spec.containers:
        used = usage.containers.get(one.name, 0)
        asked = one.resources.requests.get(STORAGE, "0")
        if used > quantity.parse(asked):
            words.append(
                f"Container {one.name} was using {_kibi(used)}, request is {asked}, "
                f"has larger consumption of {STORAGE}. "
            )
    return pod, "".join(words)


def _requested(pod: Pod) -> int:
    asked = (one.resources.requests.get(STORAGE, "0") for one in pod.spec.containers)
    return int(sum((quantity.parse(one) for one in asked), Decimal(0)))


def _kibi(count: int) -> str:
    return f"{count // 1024}Ki"


def _shown(count: int) -> str:
    """As a quantity, in the largest unit that divides it."""
    for suffix in ("", "Ki", "Mi"):
        if count % 1024:
            return f"{count}{suffix}"
        count //= 1024
    return f"{count}Gi"

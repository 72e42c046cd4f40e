"""How a change of a Deployment's size in the middle of an update is shared among its ReplicaSets.

Pure (k8s.io/kubernetes pkg/controller/deployment: scale, GetReplicaSetProportion). Caller: tanebi.kubelet.deployments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A ReplicaSet with pods. `most` is how many the whole Deployment could have when this one was sized; 0: nobody knows."""

    name: str
    count: int
    most: int
    created: str


def shares(parts: Sequence[Part], wanted: int, surge: int) -> dict[str, int]:
    """The new sizes by name: each keeps its part of the whole, and what rounding leaves is the largest one's."""
    allowed = wanted + surge if wanted else 0
    total = sum(part.count for part in parts)
    to_add = allowed - total
    ordered = sorted(parts, key=lambda part: part.created, reverse=to_add > 0)
    ordered.sort(key=lambda part: -part.count)
    sizes: dict[str, int] = {}
    added = 0
    for part in ordered:
        share = _share(part, wanted, wanted + surge, total, to_add, added)
        sizes[part.name] = part.count + share
        added += share
    if ordered and to_add:
        largest = ordered[0].name
        sizes[largest] = max(sizes[largest] + to_add - added, 0)
    return sizes


def _share(part: Part, wanted: int, most: int, total: int, to_add: int, added: int) -> int:
    if not part.count or not to_add or to_add == added:
        return 0
    if wanted == 0:
        fraction = -part.count
    else:
        fraction = _rounded(part.count * most / (part.most or total)) - part.count
    left = to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _rounded(value: float) -> int:
    """Half away from zero."""
    return int(value + 0.5) if value >= 0 else int(value - 0.5)

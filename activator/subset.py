"""Which pods of a revision belong to which activator, when several share it.

Pure. The rule is Knative's (reference/knative-serving.md §3.4, assignSlice and pickIndices): the sorted pods are sliced evenly by
index, and what is left over goes one each to the first activators. Where Knative lets several activators share a pod when there
are more of them than pods, here a pod has one owner and the others send its requests to the owner (activator.ledger), for there
is no proxy beside the pod that would hold containerConcurrency. Caller: activator.ledger.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from tanebi.api.meta import Key

P = TypeVar("P")


class Indices(NamedTuple):
    """A slice of the sorted pods, and how many are left over at their end."""

    begin: int
    end: int
    remnants: int


def pick_indices(pods: int, own: int, activators: int) -> Indices:
    """Knative's pickIndices. With fewer pods than activators each activator is given one, some of them the same one."""
    if activators > pods:
        begin = own % pods
        return Indices(begin, begin + 1, 0)
    size = pods // activators
    return Indices(own * size, (own + 1) * size, pods % activators)


def assign_slice(pods: Sequence[P], own: int, activators: int) -> Sequence[P]:
    """Knative's assignSlice: the pods of the activator at index `own`; -1 is an activator that has no index yet."""
    if own == -1 or len(pods) <= 1 or activators == 1:
        return pods
    begin, end, remnants = pick_indices(len(pods), own, activators)
    rest = pods[len(pods) - remnants + own :][:1] if own < remnants else ()
    return [*pods[begin:end], *rest]


def owners(revision: Key, pods: Sequence[P], members: Sequence[str]) -> Mapping[P, str]:
    """One owner for each of the sorted `pods`. Members are counted from another one for each revision, so that the many revisions
    with a single pod do not all fall to the first."""
    if not members:
        return {}
    shift = zlib.crc32(str(revision).encode()) % len(members)
    turned = [*members[shift:], *members[:shift]]
    if len(pods) < len(turned):
        return dict(zip(pods, turned, strict=False))
    return {
        pod: member
        for index, member in enumerate(turned)
        for pod in assign_slice(pods, index, len(turned))
    }

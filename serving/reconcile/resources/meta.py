"""What makers do with labels and annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from serving.api.names import LAST_APPLIED
from tanebi.api.meta import Resource
from tanebi.kube.diff import DESIRED_HASH

PARENT_GENERATION: Final = "tanebi.dev/parent-generation"
"""On a Service's children: the generation of the Service they were made from.

A cached child may be older than the Service; its Ready says nothing about the newest spec then.
"""


def inherited(annotations: Mapping[str, str], *leave_out: str) -> dict[str, str]:
    """What a child takes over: not the records of whoever wrote the parent."""
    return without(annotations, LAST_APPLIED, DESIRED_HASH, PARENT_GENERATION, *leave_out)


def without(members: Mapping[str, str], *keys: str) -> dict[str, str]:
    return {key: value for key, value in members.items() if key not in keys}


def is_current(child: Resource, parent: Resource, observed_generation: int) -> bool:
    """The child carries its parent's newest spec, and its own reconciler has judged it."""
    made_from = child.metadata.annotations.get(PARENT_GENERATION)
    return (
        made_from == str(parent.metadata.generation)
        and child.metadata.generation == observed_generation
    )

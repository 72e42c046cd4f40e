"""`tanebi.dev/queue-depth`: how many requests may wait for a pod of a revision at one activator.

Knative's bound is 10000 for everybody (reference/knative-serving.md §3.4). This annotation of the revision's template says
otherwise: few for an app whose callers had better hear "full" soon. Pure. Callers: serving.api.metadata_validation,
activator.facts.
"""

from __future__ import annotations

from typing import Final

QUEUE_DEPTH: Final = "tanebi.dev/queue-depth"
QUEUE_DEPTH_DEFAULT: Final = 10_000
QUEUE_DEPTH_MAX: Final = 1_000_000


def parse_queue_depth(text: str) -> int:
    """The bound. Raises ValueError for what is no whole number from 1 to QUEUE_DEPTH_MAX."""
    if not text:
        return QUEUE_DEPTH_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(QUEUE_DEPTH_MAX))):
        raise ValueError(f"{QUEUE_DEPTH}={text} must be a whole number")
    depth = int(text)
    if not 1 <= depth <= QUEUE_DEPTH_MAX:
        raise ValueError(f"{QUEUE_DEPTH}={text} must be from 1 to {QUEUE_DEPTH_MAX}")
    return depth

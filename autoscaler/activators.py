"""How many activators share a revision (reference/knative-serving.md §3.3)."""

from __future__ import annotations

import math

from autoscaler.api.limits import ACTIVATORS_MIN


def activators_wanted(*, ready: int, total: float, burst: float, capacity: float) -> int:
    """Enough for what `ready` pods can carry and for the burst that is to be held on top.

    `burst` 0 takes the activator out of the path as soon as there are pods, so the least number does.
    """
    if burst == 0:
        return ACTIVATORS_MIN
    covered = ready * total + max(burst, 0.0)
    return max(ACTIVATORS_MIN, math.ceil(covered / capacity))

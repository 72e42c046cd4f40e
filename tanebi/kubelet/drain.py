"""What the kubelet asks of the data plane before it stops a pod.

Implemented by the activator. `NoDrain` is for a kubelet without a data plane beside it.
"""

from __future__ import annotations

from typing import Protocol


class Drain(Protocol):
    async def drained(self, address: tuple[str, int], *, deadline_s: float) -> None:
        """Return when no request is in flight at `address`, or after `deadline_s`. Never raises for an unknown address."""


class NoDrain:
    """Nobody sends requests, so nothing is in flight."""

    async def drained(self, address: tuple[str, int], *, deadline_s: float) -> None:
        return None

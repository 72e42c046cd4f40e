"""What the kubelet asks of the data plane before it stops a pod, or freezes it.

Implemented by the activator. `NoDrain` is for a kubelet without a data plane beside it.
"""

from __future__ import annotations

from typing import Protocol


class Drain(Protocol):
    async def drained(self, address: tuple[str, int], *, deadline_s: float) -> bool:
        """Nothing new goes to `address`. Return when no request is in flight there, or after `deadline_s`: False, some are.

        Never raises for an unknown address.
        """

    def restore(self, address: tuple[str, int]) -> None:
        """The pod at `address` was not stopped after all: requests may go there again."""


class NoDrain:
    """Nobody sends requests, so nothing is in flight."""

    async def drained(self, address: tuple[str, int], *, deadline_s: float) -> bool:
        return True

    def restore(self, address: tuple[str, int]) -> None:
        return None

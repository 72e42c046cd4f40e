"""Before a pod is stopped: nothing new goes there, and what is there ends.

Implements tanebi.kubelet.drain.Drain, structurally. Caller: the kubelet.
"""

from __future__ import annotations

import anyio

from activator.router import Router
from tanebi.base.log import get_logger
from tanebi.http.pool import Address

log = get_logger("gateway")


class GatewayDrain:
    """Drains addresses of every revision and Service the router knows."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def drained(self, address: Address, *, deadline_s: float) -> bool:
        """Return when no request is in flight at `address`, or after `deadline_s`: False, some are."""
        waits: list[anyio.Event] = []
        for backend in self._router.at(address):
            over = anyio.Event()
            if backend.drain(address, over.set):
                waits.append(over)
        with anyio.move_on_after(deadline_s) as scope:
            for over in waits:
                await over.wait()
        if scope.cancelled_caught:
            log.warning("drain deadline passed", address=f"{address[0]}:{address[1]}")
        return not scope.cancelled_caught

    def restore(self, address: Address) -> None:
        """Requests may go to `address` again."""
        for backend in self._router.at(address):
            backend.restore(address)

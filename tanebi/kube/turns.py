"""Turns of the loop for work that comes in crowds.

When hundreds of objects change at once, hundreds of passes are due at once, and a turn of the loop runs all that is due before it
looks at sockets again. Here each pass asks for its turn: one begins in a turn of the loop, first those that somebody waits for,
and between two of them the loop serves whoever else there is. Alone, a pass begins at once. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """One for all who share a loop."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()

    async def take(self, *, urgent: bool) -> None:
        """Return when it is our turn."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next, loop)
            return
        turn = loop.create_future()
        (self._urgent if urgent else self._patient).append(turn)
        await turn

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        for waiting in (self._urgent, self._patient):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():  # else whoever waited was cancelled
                    turn.set_result(None)
                    loop.call_soon(self._next, loop)
                    return
        self._taken = False

"""Those who are attached to a running container: each sees what it prints from now on, and may type to it.

A client that reads too slowly is let go, so that it can never hold up the container. Callers: tanebi.kubelet.process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, Literal

import anyio

from tanebi.api.podstreams import STDERR, STDOUT, Output, Wish
from tanebi.kubelet.logfile import StreamName
from tanebi.kubelet.processsession import set_size
from tanebi.kubelet.runtime import StartFailed

AHEAD_BYTES_MAX: Final = 1024 * 1024  # printed and not yet taken by one client
CLIENTS_MAX: Final = 64
_CHANNELS: Final[dict[StreamName, Literal[1, 2]]] = {"stdout": STDOUT, "stderr": STDERR}


class Console:
    """One container's side. `stdin` is ours to close; None: the container has no input. `terminal`: it is one."""

    def __init__(self, stdin: int | None, *, terminal: bool, once: bool) -> None:
        self._stdin = stdin
        self._once = once
        self.terminal = terminal
        self._clients: set[Attached] = set()
        self._code: int | None = None
        if stdin is not None:
            os.set_blocking(stdin, False)

    def attach(self, wish: Wish) -> Attached:
        """Raises StartFailed when there are too many."""
        if len(self._clients) >= CLIENTS_MAX:
            raise StartFailed("AttachFailed", f"{CLIENTS_MAX} clients are attached already")
        client = Attached(self, wish)
        if self._code is not None:
            client.end(self._code)
        else:
            self._clients.add(client)
        return client

    def printed(self, stream: StreamName, data: bytes) -> None:
        for client in self._clients:
            client.offer(_CHANNELS[stream], data)

    def ended(self, code: int) -> None:
        self._code = code
        for client in self._clients:
            client.end(code)
        self._clients.clear()
        self.close_stdin()

    def leave(self, client: Attached) -> None:
        self._clients.discard(client)
        if client.typed:
            self.no_more()

    def no_more(self) -> None:
        if self._once:
            self.close_stdin()

    async def type(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._stdin is not None:
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                await anyio.wait_writable(self._stdin)
            except OSError:
                return  # nobody reads it any more

    def close_stdin(self) -> None:
        stdin, self._stdin = self._stdin, None
        if stdin is not None:
            os.close(stdin)

    def resize(self, columns: int, rows: int) -> None:
        if self.terminal and self._stdin is not None:
            set_size(self._stdin, columns, rows)


class Attached:
    """One client. Implements tanebi.api.podstreams.Session."""

    def __init__(self, console: Console, wish: Wish) -> None:
        self._console = console
        self._wish = wish
        self._pieces: deque[Output] = deque()
        self._size = 0
        self._news = anyio.Event()
        self._code: int | None = None
        self._slow = False
        self.typed = False

    # --- from the container --------------------------------------------------------------------

    def offer(self, channel: Literal[1, 2], data: bytes) -> None:
        if not (self._wish.stdout if channel == STDOUT else self._wish.stderr):
            return
        self._size += len(data)
        if self._size > AHEAD_BYTES_MAX:
            self._slow = True
        else:
            self._pieces.append((channel, data))
        self._news.set()

    def end(self, code: int) -> None:
        self._code = code
        self._news.set()

    # --- Session -------------------------------------------------------------------------------

    async def output(self) -> AsyncIterator[Output]:
        """Raises OSError for a client that reads too slowly."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._size -= len(piece[1])
                yield piece
            if self._slow:
                raise OSError("the client reads more slowly than the container prints")
            if self._code is not None:
                return
            self._news = anyio.Event()
            await self._news.wait()

    async def write(self, data: bytes) -> None:
        if self._wish.stdin:
            self.typed = True
            await self._console.type(data)

    async def write_end(self) -> None:
        """Of this client: the container's own input goes on, unless it is to have it once."""
        if self._wish.stdin:
            self._console.no_more()

    async def resize(self, columns: int, rows: int) -> None:
        self._console.resize(columns, rows)

    async def wait(self) -> int:
        while self._code is None:
            self._news = anyio.Event()
            await self._news.wait()
        return self._code

    async def close(self) -> None:
        self._console.leave(self)

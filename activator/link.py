"""An activator's end of its connection to the control process.

Implements autoscaler.api.stat.StatSink: reports and pokes are written the moment they come. Pokes are kept while the
connection is down and sent when it is up again; reports of that time are lost, for the next one says it anew. What comes back
is applied in the turn of the loop in which it was read. While nobody is heard for longer than ALONE_S, pods with
containerConcurrency are left alone: the control process gives them to others a little later. Caller: tanebi.up.activator.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final, cast

import anyio
from anyio.abc import TaskGroup, TaskStatus

from activator.backend import Backend, Share
from activator.drain import GatewayDrain
from activator.frames import (
    REQUEST_LOG,
    BadFrame,
    Frame,
    FrameReader,
    Line,
    address_of,
    addresses_of,
    encode,
    lines_frame,
    number_of,
    share_of,
    stats_frame,
    text_of,
    wake_frame,
)
from activator.router import Router
from activator.table import Table
from autoscaler.api.stat import Stat
from autoscaler.api.wake import Wake
from tanebi.api.meta import Key
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.http.pool import Address

log = get_logger("link")

ALONE_S: Final = 2.0
RESTART_S: Final = 30.0  # how long the control process may take when it has said that it restarts
CONNECT_S: Final = 2.0
RETRY_FIRST_S: Final = 0.02
RETRY_MAX_S: Final = 1.0
POKES_MAX: Final = 1024
UNSENT_BYTES_MAX: Final = 1024 * 1024
DRAIN_S: Final = 3600.0  # the asker has a deadline of its own


class Link:
    """Inert until `run`."""

    _router: Router  # since `attach`
    _drain: GatewayDrain
    _peer: Callable[[], Address]
    _welcome: Callable[[Sequence[str], Address], None]

    def __init__(
        self,
        clock: Clock,
        *,
        token: str,
        name: str,
    ) -> None:
        self._clock = clock
        self._token = token
        self._name = name
        self._transport: asyncio.Transport | None = None
        self._over = anyio.Event()
        self._pokes: dict[Key, None] = {}
        self._held: dict[Key, Share] = {}  # as last told, also while we are alone
        self._sent: dict[Key, tuple[str, int]] = {}
        self._patience_s = ALONE_S
        self._told: set[Key] = set()  # since this connection began
        self._tasks: TaskGroup | None = None
        self.welcomed = anyio.Event()
        self.request_log: Callable[[str, bool], None] = _nobody_logs
        self.lost_lines = 0

    def attach(
        self,
        router: Router,
        peer: Callable[[], Address],
        welcome: Callable[[Sequence[str], Address], None],
    ) -> None:
        """What it speaks for: before `run`. `peer`: where other activators reach this one. `welcome(hosts, gateway)` is called
        each time the control process has told everything."""
        self._router = router
        self._drain = GatewayDrain(router)
        self._peer = peer
        self._welcome = welcome

    # --- StatSink ------------------------------------------------------------------------------

    def poke(self, revision: Key, now: float) -> None:
        if not self._send(encode("poke", r=list(revision))) and len(self._pokes) < POKES_MAX:
            self._pokes[revision] = None

    def report(self, stats: Sequence[Stat], now: float) -> None:
        if self._unsent() <= UNSENT_BYTES_MAX:
            self._send(stats_frame(stats, now))

    def log_lines(self, lines: Sequence[Line]) -> None:
        """Of the request log. Lost while the connection is down or full, and that is told once it is not."""
        if self._unsent() > UNSENT_BYTES_MAX or not self._send(lines_frame(lines)):
            self.lost_lines += len(lines)
        elif self.lost_lines:
            log.warning("lines of the request log were lost", count=self.lost_lines)
            self.lost_lines = 0

    # --- what the role tells -------------------------------------------------------------------

    def released(self, backend: Backend, address: Address) -> None:
        """See activator.backend.Hooks.released."""
        self._send(encode("released", r=list(backend.key), a=list(address)))

    def table_changed(self, table: Table) -> None:
        """Which Ingresses are in effect is what their readiness waits for."""
        new = [
            [*key, *loaded] for key, loaded in table.loaded.items() if self._sent.get(key) != loaded
        ]
        if new:
            self._send(encode("loaded", i=new))
        for key in self._sent.keys() - table.loaded.keys():
            self._send(encode("unloaded", r=list(key)))
        self._sent = dict(table.loaded)

    # --- the connection ------------------------------------------------------------------------

    async def run(
        self, where: Address, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Keep a connection to `where` until cancelled."""
        failures = 0
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._mind_being_alone)
            task_status.started()
            while True:
                try:
                    await self._connected(where)
                    failures = 0
                except (OSError, TimeoutError) as error:
                    log.debug("no control process", error=str(error))
                await self._clock.sleep(min(RETRY_FIRST_S * 2.0**failures, RETRY_MAX_S))
                failures = min(failures + 1, 10)

    async def _connected(self, where: Address) -> None:
        """One connection, from its beginning to its end."""
        loop = asyncio.get_running_loop()
        self._over = anyio.Event()
        with anyio.fail_after(CONNECT_S):
            transport, _ = await loop.create_connection(lambda: _Line(self), *where)
        self._transport = transport
        self._told = set()
        self._hello()
        try:
            await self._over.wait()
        finally:
            self._transport = None
            transport.abort()

    def _hello(self) -> None:
        holds = [
            [*key, sorted(map(list, share.own | share.leaving))]
            for key, share in self._held.items()
            if share.own or share.leaving
        ]
        self._send(
            encode(
                "hello",
                token=self._token,
                name=self._name,
                peer=list(self._peer()),
                pid=os.getpid(),
                holds=holds,
                knows=[REQUEST_LOG],
            )
        )
        self._sent = {}
        self.table_changed(self._router.table)
        pokes, self._pokes = self._pokes, {}
        for backend in self._router.backends():
            if backend.metered and backend.throttler.waiting:
                pokes[backend.key] = None
        for revision in pokes:
            self._send(encode("poke", r=list(revision)))

    def take(self, frame: Frame) -> None:
        """Raises BadFrame."""
        match frame["t"]:
            case "share":
                revision, share = share_of(frame)
                self._told.add(revision)
                if share == Share():
                    self._held.pop(revision, None)
                else:
                    self._held[revision] = share
                self._router.set_share(revision, share)
            case "drain":
                assert self._tasks is not None
                number, address = number_of(frame.get("id")), address_of(frame.get("a"))
                self._tasks.start_soon(self._drained, number, address)
            case "requestlog":
                self.request_log(text_of(frame.get("template")), frame.get("probes") is True)
            case "restore":
                self._drain.restore(address_of(frame.get("a")))
            case "welcome":
                hosts = [text_of(host) for host in frame.get("hosts") or ()]
                (gateway,) = addresses_of([frame.get("gateway")])
                if self._patience_s != ALONE_S:  # it has restarted, and its pods with it
                    self._patience_s = ALONE_S
                    self._router.undrain()
                for revision in self._held.keys() - self._told:  # gone while nobody told us
                    del self._held[revision]
                    self._router.set_share(revision, Share())
                self._welcome(hosts, gateway)
                self.welcomed.set()
            case "restarting":
                self._patience_s = RESTART_S
            case other:
                raise BadFrame(f"unknown frame {other:.40}")

    def woke(self, wake: Wake) -> None:
        """A cold start is over. Lost while the connection is down."""
        self._send(wake_frame(wake))

    def lost(self) -> None:
        self._transport = None
        self._over.set()

    async def _drained(self, number: int, address: Address) -> None:
        await self._drain.drained(address, deadline_s=DRAIN_S)
        self._send(encode("drained", id=number))

    async def _mind_being_alone(self) -> None:
        alone_since = 0.0
        while True:
            await self._clock.sleep(0.25)
            now = self._clock.now()
            if self._transport is not None:
                alone_since = 0.0
            elif alone_since == 0.0:
                alone_since = now
            elif now - alone_since >= self._patience_s:
                for revision, share in self._held.items():
                    self._router.set_share(revision, Share(leaving=share.own | share.leaving))

    def _unsent(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def _send(self, data: bytes) -> bool:
        """False: there is no connection."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True


def _nobody_logs(template: str, probes: bool) -> None:
    """What a link without a gateway does with the settings of the request log."""


class _Line(asyncio.Protocol):
    def __init__(self, link: Link) -> None:
        self._link = link
        self._reader = FrameReader()
        self._transport = cast(asyncio.Transport, None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost()

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._link.take(frame)
        except BadFrame as error:
            log.warning("the control process does not speak our protocol", error=str(error))
            self._transport.abort()

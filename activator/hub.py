"""The control process's end: where several activators report, and from where they learn how pods are divided.

Each activator keeps one connection (activator.frames). Its load goes to the autoscaler the moment it is read; nothing here waits
for a tick. Who is connected is a member; activator.ledger says which pods are whose, and the members are told in the same turn of
the loop. A member whose connection ends keeps its pods for GRACE_S, unless it is known to be dead (`gone`).
Implements tanebi.kubelet.drain.Drain over all members and the control process's own router. Caller: activator.shared.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import anyio
from anyio.abc import TaskStatus

from activator.backend import Backend, Share
from activator.drain import GatewayDrain
from activator.frames import (
    REQUEST_LOG,
    BadFrame,
    Frame,
    FrameReader,
    address_of,
    encode,
    holds_of,
    key_of,
    lines_of,
    loaded_of,
    number_of,
    sent_at,
    share_frame,
    stats_of,
    text_of,
    wake_of,
)
from activator.lateness import Lateness
from activator.ledger import Ledger
from activator.merge import Merge
from activator.requestlog import HandOn
from activator.router import Router
from autoscaler.api.wake import Wake
from tanebi.api.meta import Key
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.http.pool import Address

log = get_logger("hub")

GRACE_S: Final = 5.0  # more than activator.link.ALONE_S: a member that hears nothing has stopped before its pods are given away
HELLO_S: Final = 5.0
GATHER_S: Final = 5.0  # how long members of an earlier run of the control process are waited for
MEMBERS_MAX: Final = 64
UNSENT_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Member:
    """An activator that is, or was a moment ago, connected."""

    name: str
    peer: Address
    pid: int
    line: _Line | None
    loaded: dict[Key, tuple[str, int]] = field(default_factory=dict)
    lost_at: float = 0.0
    lateness: Lateness = field(default_factory=Lateness)
    logs: bool = False  # it knows how to log requests


class Hub:
    """Inert until `run`; the router's changes are taken in from construction on."""

    def __init__(
        self,
        router: Router,
        merge: Merge,
        clock: Clock,
        *,
        token: str,
        hosts: Callable[[], Iterable[str]],
        gateway: Callable[[], Address],
    ) -> None:
        """`hosts`: names that this process answers itself, at `gateway`."""
        self._router = router
        self._merge = merge
        self._clock = clock
        self._token = token
        self._hosts = hosts
        self._gateway = gateway
        self._ledger = Ledger(closed=True)
        self._members: dict[str, Member] = {}
        self._lines: set[_Line] = set()
        self._awaited: set[str] = set()
        self._gathered = anyio.Event()
        self._drains: dict[int, tuple[set[str], anyio.Event]] = {}
        self._drain_number = 0
        self._local_drain = GatewayDrain(router)
        self._changed = anyio.Event()
        self.woken: Callable[[Wake], None] = lambda wake: None
        self.joined: Callable[[], None] = lambda: None  # a member is here, or here again
        self.logged: HandOn = lambda lines: None
        self._request_log = encode(REQUEST_LOG, template="", probes=False)
        self.address: Address = ("", 0)

    @property
    def members(self) -> Mapping[str, Member]:
        return self._members

    def listed(self, backend: Backend) -> None:
        """The endpoints of one revision have changed (activator.backend.Hooks.listed)."""
        if backend.facts.concurrency and backend.metered:
            listed = [a for a, pod in backend.pods.items() if not pod.facts.terminating]
            self._publish(self._ledger.set_pods(backend.key, listed))

    def holds(self, ingress: Key, uid: str, generation: int) -> bool:
        """Whether every member's table contains this generation."""
        for member in self._members.values():
            known, loaded = member.loaded.get(ingress, ("", -1))
            if member.line is not None and (known != uid or loaded < generation):
                return False
        return True

    def gone(self, name: str) -> None:
        """The activator's process has ended: nothing of it can reach a pod any more."""
        member = self._members.pop(name, None)
        if member is None:
            return
        if member.line is not None:
            member.line.close()
        for drain in list(self._drains):
            self._drained(name, drain)
        self._publish(self._ledger.leave(name))

    def log_requests(self, template: str, *, probes: bool) -> None:
        """Every member is to log the requests that it carries by `template`; empty: not to."""
        self._request_log = encode(REQUEST_LOG, template=template, probes=probes)
        for name, member in self._members.items():
            if member.logs:
                self._send(name, self._request_log)

    def restarting(self) -> None:
        """We shall be back in a moment: keep what you have."""
        for name in self._members:
            self._send(name, encode("restarting"))

    async def wait_members(self, names: Iterable[str]) -> None:
        """Return when all of `names` are connected."""
        wanted = set(names)
        while not wanted <= {m.name for m in self._members.values() if m.line is not None}:
            await self._changed.wait()

    async def run(
        self,
        *,
        sock: socket.socket,
        awaited: Iterable[str] = (),
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve `sock`, which listens, until cancelled. `awaited`: members that may hold pods from before."""
        self._awaited = set(awaited)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Line(self), sock=sock)
        self.address = server.sockets[0].getsockname()[:2]
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._gather)
                tasks.start_soon(self._sweep)
                task_status.started()
                await anyio.sleep_forever()
        finally:
            server.close()
            for line in list(self._lines):
                line.close()

    def restore(self, address: Address) -> None:
        """See tanebi.kubelet.drain.Drain."""
        for name, member in self._members.items():
            if member.line is not None:
                self._send(name, encode("restore", a=list(address)))
        self._local_drain.restore(address)

    async def drained(self, address: Address, *, deadline_s: float) -> bool:
        """See tanebi.kubelet.drain.Drain."""
        self._drain_number += 1
        number, over = self._drain_number, anyio.Event()
        asked = {m.name for m in self._members.values() if m.line is not None}
        if asked:
            self._drains[number] = (asked, over)
            for name in tuple(asked):
                self._send(name, encode("drain", id=number, a=list(address)))
        else:
            over.set()
        began = self._clock.now()
        try:
            here = await self._local_drain.drained(address, deadline_s=deadline_s)
            with anyio.move_on_after(max(0.0, began + deadline_s - self._clock.now())) as scope:
                await over.wait()
        finally:
            self._drains.pop(number, None)
        return here and not scope.cancelled_caught

    # --- from the lines ------------------------------------------------------------------------

    def opened(self, line: _Line) -> None:
        self._lines.add(line)
        if len(self._lines) > MEMBERS_MAX:
            line.close()

    def lost(self, line: _Line) -> None:
        self._lines.discard(line)
        member = line.member
        if member is None or member.line is not line:
            return
        member.line, member.lost_at = None, self._clock.now()
        for drain in list(self._drains):
            self._drained(member.name, drain)
        self._merge.forget(member.name)
        log.warning("activator lost", name=member.name)

    def hello(self, line: _Line, frame: Frame) -> None:
        """Raises BadFrame."""
        token = text_of(frame.get("token")).encode()
        if not hmac.compare_digest(token, self._token.encode()):
            raise BadFrame("wrong token")
        name = text_of(frame.get("name"))
        known = self._members.get(name)
        if known is not None and known.line is not None:
            known.line.close()
        member = Member(name, address_of(frame.get("peer")), number_of(frame.get("pid")), line)
        line.member = self._members[name] = member
        knows = frame.get("knows")
        member.logs = isinstance(knows, list) and REQUEST_LOG in knows
        changed = self._ledger.join(name, holds_of(frame))
        for revision in self._ledger.revisions:
            self._tell(member, revision)
        if member.logs:
            line.send(self._request_log)
        hosts = [str(host) for host in self._hosts()]
        line.send(encode("welcome", hosts=hosts, gateway=list(self._gateway())))
        self._publish(changed)
        self._awaited.discard(name)
        if not self._awaited:
            self._gathered.set()
        self._notify()
        self.joined()

    def take(self, member: Member, frame: Frame) -> None:
        """Raises BadFrame."""
        now = self._clock.now()
        match frame["t"]:
            case "poke":
                self._merge.poke(key_of(frame.get("r")), now)
            case "stats":
                sent = sent_at(frame)
                at = now if sent is None else member.lateness.placed(sent, now)
                self._merge.report(member.name, stats_of(frame), at)
            case "woke":
                self.woken(wake_of(frame))
            case "lines":
                self.logged(lines_of(frame))
            case "released":
                revision, address = key_of(frame.get("r")), address_of(frame.get("a"))
                self._publish(self._ledger.released(member.name, revision, address))
            case "loaded":
                for key, uid, generation in loaded_of(frame):
                    member.loaded[key] = (uid, generation)
            case "unloaded":
                member.loaded.pop(key_of(frame.get("r")), None)
            case "drained":
                self._drained(member.name, number_of(frame.get("id")))
            case other:
                raise BadFrame(f"unknown frame {other:.40}")

    def _drained(self, name: str, number: int) -> None:
        asked, over = self._drains.get(number, (set(), None))
        asked.discard(name)
        if over is not None and not asked:
            over.set()

    # --- to the members ------------------------------------------------------------------------

    def _publish(self, revisions: Iterable[Key]) -> None:
        for revision in revisions:
            for member in self._members.values():
                self._tell(member, revision)
            self._router.set_share(revision, self._share("", revision))

    def _share(self, name: str, revision: Key) -> Share:
        """The control process itself, without a name, owns nothing and sends to who does."""
        found = self._ledger.share(name, revision)
        peers = tuple(self._members[m].peer for m in found.others if m in self._members)
        return Share(found.own, found.leaving, peers)

    def _tell(self, member: Member, revision: Key) -> None:
        self._send(member.name, share_frame(revision, self._share(member.name, revision)))

    def _send(self, name: str, data: bytes) -> None:
        line = self._members[name].line
        if line is not None:
            line.send(data)

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    # --- time ----------------------------------------------------------------------------------

    async def _gather(self) -> None:
        with anyio.move_on_after(GATHER_S if self._awaited else 0):
            await self._gathered.wait()
        self._publish(self._ledger.open())

    async def _sweep(self) -> None:
        """The lost are dead after a while, and who does not say hello has nothing to say."""
        while True:
            await self._clock.sleep(1.0)
            now = self._clock.now()
            for member in list(self._members.values()):
                if member.line is None and now - member.lost_at >= GRACE_S:
                    log.warning("activator given up", name=member.name)
                    self.gone(member.name)
            for line in list(self._lines):
                if line.member is None and now - line.since >= HELLO_S:
                    line.close()

    def now(self) -> float:
        return self._clock.now()


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reader = FrameReader()
        self._transport = cast(asyncio.Transport, None)
        self.member: Member | None = None
        self.since = hub.now()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._hub.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.lost(self)

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
        except BadFrame as error:
            log.warning("activator refused", error=str(error))
            self.close()

    def _take(self, frame: dict[str, Any]) -> None:
        if self.member is not None:
            if self.member.line is self:
                self._hub.take(self.member, frame)
        elif frame["t"] == "hello":
            self._hub.hello(self, frame)
        else:
            raise BadFrame("who are you?")

    def send(self, data: bytes) -> None:
        if self._transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.close()  # it does not read; it will be told everything when it comes back
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

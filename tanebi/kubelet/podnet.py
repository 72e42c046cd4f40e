"""A network for pods that run as processes: each gets namespaces of its own, with an address of the platform's block.

Which place is whose, what waits, and what a place is given when a pod takes it. The namespaces and the lines to them are made by
hands: this process's own where we are root (tanebi.kubelet.hands), else those of a process that owns a user namespace
(tanebi.kubelet.kept).

Some places are made ahead and wait, so that none is made while a request does. What it takes: nf_tables, and the rights of root
or a user namespace.

Caller: tanebi.kubelet.processpods. Made by tanebi.up.
"""

from __future__ import annotations

import contextlib
import os
import socket
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, Protocol, TypeVar

import anyio

from tanebi.api.core.pod import Pod
from tanebi.base.clock import Clock
from tanebi.base.errors import TanebiError
from tanebi.base.log import get_logger
from tanebi.kubelet.addresses import Addresses, blocks, routes_of, without_ours
from tanebi.kubelet.hands import LocalHands
from tanebi.kubelet.lines import Block, Dress
from tanebi.kubelet.namespaces import Conversation, Namespaces
from tanebi.kubelet.netlink import Forwarded
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.resolvconf import (
    hostname,
    hosts_file,
    resolving,
    switch_file,
)
from tanebi.kubelet.runtime import Enter
from tanebi.kubelet.tokens import MOUNT_PATH

AHEAD: Final = 4  # places that wait
REFILL_S: Final = 0.25  # after one was taken: whoever took it is starting a program
AGAIN_S: Final = 10.0
RESOLV, HOSTS, SWITCH = "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"

T = TypeVar("T")

_log = get_logger("network")


class NetworkUnavailable(TanebiError):
    """This machine does not let us give pods a network of their own. The message says what it refused."""


class Hands(Protocol):
    """What makes places. Raises OSError where something is refused."""

    @property
    def can_show(self) -> bool:
        """Whether folders can be laid over the one where clients look for their service account."""

    @property
    def no_views(self) -> str:
        """Why a program in a place cannot have a view (tanebi.kubelet.view); empty: it can."""

    async def start(self, forwarded: Sequence[Forwarded]) -> None:
        """The platform's side; `forwarded` says what the gateway's address answers."""

    async def make(self, address: IPv4Address) -> Namespaces:
        """A pod's namespaces, joined to the platform."""

    async def visit(self, inside: Namespaces, dress: Dress | None, work: Callable[[Enter], T]) -> T:
        """Give the place what it is to have; then what `work` returns or raises."""

    def drop(self, inside: Namespaces) -> None:
        """The kernel takes them down when nobody is in them any more."""

    def let_in(self, address: IPv4Address) -> None:
        """What comes from the interface that leads to `address`, an engine's, reaches the platform by the gateway too."""

    @property
    def dns(self) -> Sequence[socket.socket]:
        """Where names are asked at the gateway's address, by UDP and TCP; none: `forwarded` says."""

    def rules(self) -> Conversation:
        """With the kernel, about the packet rules of the network that the lines lead to. For one taker, who closes it."""

    def path(self, inside: Namespaces) -> str:
        """Where another program of the same user finds the network, as long as it is not dropped."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where one pod's processes live."""

    inside: Namespaces
    address: str


class PodNetwork:
    """Made by `opened`. `take` and `release` are for one pod by its uid."""

    def __init__(self, claim: _Claim, hands: Hands, *, clock: Clock, domain: str) -> None:
        self._claim = claim
        self._hands = hands
        self._clock = clock
        self._domain = domain
        self._turn = _Turn(claim.block.folder / "next")
        self._addresses = Addresses(claim.block.net, self._turn.read())
        self._waiting: deque[Place] = deque()
        self._places: dict[str, Place] = {}
        self._dresses: dict[str, Dress] = {}  # by address: what the place gets at the next visit
        self._showing: set[str] = set()  # addresses
        self._taken = anyio.Event()
        self._keeper: Place | None = None
        self._machine = machine_text()

    @property
    def gateway(self) -> IPv4Address:
        """Where pods reach the platform."""
        return self._addresses.gateway

    @property
    def dns(self) -> Sequence[socket.socket]:
        """Where names are asked at the gateway's address, by UDP and TCP; none: at what was forwarded."""
        return self._hands.dns

    @property
    def no_views(self) -> str:
        """Why pods cannot have views of files and rights; empty: they can."""
        return self._hands.no_views

    @property
    def node_address(self) -> str:
        """The machine's own address as pods see it, and as it is for the machine itself."""
        return POD_IP if self.dns else str(self.gateway)

    def rules(self) -> Conversation:
        """With the kernel, about the packet rules of the network that pods' lines lead to. For one taker, who closes it."""
        return self._hands.rules()

    @property
    def block(self) -> IPv4Network:
        return self._claim.block.net

    def place(self, pod_uid: str) -> Place | None:
        return self._places.get(pod_uid)

    async def take(self, pod: Pod) -> Place:
        """The pod's place; the same one when asked again. Raises OSError, Unavailable."""
        uid = pod.metadata.uid
        if uid not in self._places:
            place = self._waiting.popleft() if self._waiting else await self._make()
            self._taken.set()
            self._places[uid] = place
            self._dresses[place.address] = self._named(pod, place.address)
        return self._places[uid]

    def path(self, place: Place) -> str:
        """Where another program of the same user finds the place's network."""
        return self._hands.path(place.inside)

    async def within(self, place: Place, work: Callable[[Enter], T]) -> T:
        """Start a program in a pod's namespaces. Raises what `work` raises.

        The first visit gives the pod its names: a visit of its own would cost a start another change of threads.
        """
        dress = self._dresses.pop(place.address, None)
        return await self._hands.visit(place.inside, dress, work)

    def show(self, pod_uid: str, folder: Path) -> None:
        """From the next visit on, `folder` is where the pod's programs look for their service account. Once for each pod."""
        place = self._places.get(pod_uid)
        if place is not None and self._hands.can_show and place.address not in self._showing:
            self._showing.add(place.address)
            dress = self._dresses.get(place.address, Dress())
            self._dresses[place.address] = replace(dress, shown=(str(folder), MOUNT_PATH))

    def let_in(self, address: str) -> None:
        """What comes from the interface that leads to `address`, an engine's, reaches the platform by the gateway too."""
        self._hands.let_in(IPv4Address(address))

    def release(self, pod_uid: str) -> None:
        """The pod has ended. The kernel takes its network down, in its own time."""
        place = self._places.pop(pod_uid, None)
        if place is not None:
            self._forget(place)

    async def start(self, forwarded: Sequence[Forwarded]) -> None:
        """The platform's side, and one place that holds the gateway's address. Raises OSError."""
        await self._hands.start(forwarded)
        self._keeper = await self._make()

    async def refill(self) -> None:
        """Keep places waiting, until cancelled."""
        while True:
            self._taken = anyio.Event()
            try:
                while len(self._waiting) < AHEAD:
                    self._waiting.append(await self._make())
            except (OSError, TanebiError) as error:
                _log.warning("no place made ahead", why=str(error))
                await self._clock.sleep(AGAIN_S)
                continue
            await self._taken.wait()
            await self._clock.sleep(REFILL_S)

    def close(self) -> None:
        keeper = [self._keeper] if self._keeper else []
        for place in (*self._places.values(), *self._waiting, *keeper):
            self._forget(place)
        self._turn.close()
        self._hands.close()
        self._claim.lock.close()

    async def _make(self) -> Place:
        address = self._addresses.take()
        self._turn.write(self._addresses.next)
        try:
            with anyio.CancelScope(shield=True):  # what was made must be known, or nobody closes it
                made = await self._hands.make(address)
        except OSError:
            self._addresses.release(address)
            raise
        return Place(made, str(address))

    def _forget(self, place: Place) -> None:
        self._hands.drop(place.inside)
        self._dresses.pop(place.address, None)
        self._showing.discard(place.address)
        self._addresses.release(IPv4Address(place.address))

    def _named(self, pod: Pod, address: str) -> Dress:
        """What the pod calls itself, and by which names it finds others."""
        found = resolving(pod, self.gateway, self._domain, self._machine)
        files = {RESOLV: found.text(), HOSTS: hosts_file(pod, address)}
        return Dress(hostname(pod), files)


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    forwarded: Sequence[Forwarded],
    clock: Clock,
    domain: str,
    hands: Callable[[Block], Hands] = LocalHands,
) -> AsyncIterator[PodNetwork]:
    """A network, or NetworkUnavailable. `folder` is absolute; `forwarded` says what the gateway's address answers."""
    try:
        claim = _claim(folder)
        try:
            network = PodNetwork(claim, hands(claim.block), clock=clock, domain=domain)
        except OSError:
            claim.lock.close()
            raise
    except OSError as error:
        raise NetworkUnavailable("no-pod-network", str(error)) from error
    try:
        try:
            await network.start(forwarded)
        except OSError as error:
            raise NetworkUnavailable("no-pod-network", str(error)) from error
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(network.refill)
            yield network
            tasks.cancel_scope.cancel()
    finally:
        network.close()


@dataclass(frozen=True, slots=True)
class _Claim:
    """A block of addresses that is ours as long as `lock` is open."""

    block: Block
    lock: socket.socket


def _claim(folder: Path) -> _Claim:
    """A name in the machine's abstract socket space is a lock that ends with its holder. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    routes = without_ours(routes_of(Path("/proc/net/route").read_text()))
    lines = [name.partition("x")[0] for _, name in socket.if_nameindex()]
    for block in blocks(routes, first=zlib.crc32(os.fsencode(folder))):
        if _line_name(block) in lines:
            continue  # its last holder's pods are still on their way out
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lock.bind(f"\0tanebi-network-{block}")
        except OSError:
            lock.close()
            continue
        return _Claim(Block(block, _line_name(block), folder, _files_of_a_pod()), lock)
    raise OSError("every block of addresses is in use by another platform")


def _line_name(block: IPv4Network) -> str:
    """What the interfaces of a block's pods begin with."""
    return f"tnb{int(block[0]) >> 10 & 0xFFF:x}"


def _files_of_a_pod() -> dict[str, str]:
    """What a pod sees in the place of the machine's files: only of those that are there."""
    switch = Path(SWITCH)
    own = switch_file(switch.read_text()) if switch.exists() else ""
    wanted = {RESOLV: "", HOSTS: ""} | ({SWITCH: own} if own else {})
    return {target: content for target, content in wanted.items() if Path(target).exists()}


def machine_text() -> str:
    """The machine's own resolv.conf."""
    path = Path(RESOLV)
    return path.read_text() if path.exists() else ""


class _Turn:
    """Where the handing out of addresses is, kept over restarts. Written in place: a new file costs a disk's time."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def read(self) -> int:
        said = os.pread(self._file, 16, 0).strip()
        return int(said) if said.isdigit() else 0

    def write(self, turn: int) -> None:
        with contextlib.suppress(OSError):  # then addresses begin again where they did this time
            os.pwrite(self._file, b"%-8d\n" % turn, 0)

    def close(self) -> None:
        os.close(self._file)

"""A network for pods that run as processes: each gets namespaces of its own, with an address of the platform's block.

A line of two interfaces (veth) joins a pod to the machine, without a bridge: the machine's end carries the gateway's address,
which is the same for all, and a route to the pod. So nothing has a life of its own: the lines go with the pods' namespaces, the
packet rules with the socket that made them, the block with the socket that is its lock. A killed platform leaves nothing.

Some places are made ahead and wait, so that none is made while a request does. What it takes: the rights of root and nf_tables.

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
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final, TypeVar

import anyio

from tanebi.api.core.pod import Pod
from tanebi.base.clock import Clock
from tanebi.base.errors import TanebiError
from tanebi.base.log import get_logger
from tanebi.kubelet import namespaces, netlink
from tanebi.kubelet.addresses import Addresses, blocks, interface_to, routes_of, without_ours
from tanebi.kubelet.namespaces import Conversation, Namespaces, Visitor
from tanebi.kubelet.netlink import Forwarded
from tanebi.kubelet.resolvconf import (
    hostname,
    hosts_file,
    resolving,
    switch_file,
)
from tanebi.kubelet.tokens import MOUNT_PATH

AHEAD: Final = 4  # places that wait
REFILL_S: Final = 0.25  # after one was taken: whoever took it is starting a program
AGAIN_S: Final = 10.0
POD_SIDE: Final = "eth0"
RESOLV, HOSTS, SWITCH = "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"
_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")

T = TypeVar("T")

_log = get_logger("network")


class NetworkUnavailable(TanebiError):
    """This machine does not let us give pods a network of their own. The message says what it refused."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one pod's processes live."""

    inside: Namespaces
    address: str


class PodNetwork:
    """Made by `opened`. `take` and `release` are for one pod by its uid."""

    def __init__(
        self,
        folder: Path,
        *,
        claim: _Claim,
        home: Namespaces,
        clock: Clock,
        domain: str,
    ) -> None:
        self._folder = folder
        self._claim = claim
        self._home = home
        self._clock = clock
        self._domain = domain
        self._turn = _Turn(folder / "next")
        self._addresses = Addresses(claim.block, self._turn.read())
        self._maker = Visitor("tanebi-places", home)
        self._starter = Visitor("tanebi-starts", home)
        self._route = Conversation(netlink.NETLINK_ROUTE)
        self._rules = Conversation(netlink.NETLINK_NETFILTER)
        self._waiting: deque[Place] = deque()
        self._places: dict[str, Place] = {}
        self._unnamed: dict[str, Pod] = {}  # by address: pods whose place has not been visited yet
        self._unseen: dict[str, Path] = {}  # by address: what is to be shown at the next visit
        self._showing: set[str] = set()  # addresses
        self._taken = anyio.Event()
        self._keeper: Place | None = None
        self._files = _files_of_a_pod()
        self._machine = machine_text()
        self._let_in: set[str] = set()  # interfaces of others
        self._can_show = False

    @property
    def gateway(self) -> IPv4Address:
        """Where pods reach the platform."""
        return self._addresses.gateway

    @property
    def block(self) -> IPv4Network:
        return self._claim.block

    def place(self, pod_uid: str) -> Place | None:
        return self._places.get(pod_uid)

    async def take(self, pod: Pod) -> Place:
        """The pod's place; the same one when asked again. Raises OSError, Unavailable."""
        uid = pod.metadata.uid
        if uid not in self._places:
            place = self._waiting.popleft() if self._waiting else await self._make()
            self._taken.set()
            self._places[uid] = place
            self._unnamed[place.address] = pod
        return self._places[uid]

    async def within(self, place: Place, work: Callable[[], T]) -> T:
        """Do something short in a pod's namespaces: start a program, make a socket. Raises what `work` raises.

        The first visit gives the pod its names: a visit of its own would cost a start another change of threads.
        """
        pod = self._unnamed.pop(place.address, None)
        folder = self._unseen.pop(place.address, None)

        def named() -> T:
            if pod is not None:
                self._name(pod, place.address)
            if folder is not None:
                namespaces.show(folder, Path(MOUNT_PATH))
            return work()

        return await self._starter.run(place.inside, named)

    def show(self, pod_uid: str, folder: Path) -> None:
        """From the next visit on, `folder` is where the pod's programs look for their service account. Once for each pod."""
        place = self._places.get(pod_uid)
        if place is not None and self._can_show and place.address not in self._showing:
            self._showing.add(place.address)
            self._unseen[place.address] = folder

    def let_in(self, address: str) -> None:
        """What comes from the interface that leads to `address`, an engine's, reaches the platform by the gateway too."""
        routes = Path("/proc/net/route").read_text()
        interface = interface_to(IPv4Address(address), routes)
        if interface and interface not in self._let_in:
            _allow_loopback(interface)
            self._let_in.add(interface)

    def release(self, pod_uid: str) -> None:
        """The pod has ended. The kernel takes its network down, in its own time."""
        place = self._places.pop(pod_uid, None)
        if place is not None:
            self._forget(place)

    async def start(self, forwarded: Sequence[Forwarded]) -> None:
        """The machine's side, and one place that holds the gateway's address. Raises OSError."""
        rules = netlink.machine_rules(
            self._claim.name, self._claim.block, self._addresses.gateway, forwarded
        )
        self._rules.do(rules)
        if _FORWARDING.read_text().strip() == "0":
            _FORWARDING.write_text("1\n")
        self._can_show = _made_to_show()
        self._keeper = await self._make()
        await self._starter.at_home(bool)  # its thread is there when it is needed

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
        for part in (self._maker, self._starter, self._route, self._rules, self._turn):
            part.close()
        for interface in self._let_in:
            with contextlib.suppress(OSError):  # it may be gone
                _allow_loopback(interface, allowed=False)
        self._home.close()
        self._claim.lock.close()

    async def _make(self) -> Place:
        address = self._addresses.take()
        self._turn.write(self._addresses.next)
        try:
            with anyio.CancelScope(shield=True):  # what was made must be known, or nobody closes it
                made = await self._maker.at_home(partial(self._build, address))
        except OSError:
            self._addresses.release(address)
            raise
        return Place(made, str(address))

    def _build(self, address: IPv4Address) -> Namespaces:
        """In the maker's thread, which is in the new namespaces from the first line on."""
        inside = namespaces.make(self._files, self._folder, self._home)
        try:
            name = f"{self._claim.name}x{int(address) - int(self.block[0]):x}"
            namespaces.enter(self._home)
            self._route.do([netlink.new_veth(name, POD_SIDE, inside.net)])
            ours = socket.if_nametoindex(name)
            _allow_loopback(name)
            self._route.do(
                [netlink.new_address(ours, self.gateway, address), netlink.link_up(ours)]
            )
            namespaces.enter(inside)
            self._furnish(address)
        except OSError:
            inside.close()
            raise
        return inside

    def _furnish(self, address: IPv4Address) -> None:
        """The pod's side of its network."""
        theirs = socket.if_nametoindex(POD_SIDE)
        _allow_loopback(POD_SIDE)
        with contextlib.closing(Conversation(netlink.NETLINK_ROUTE)) as route:
            route.do(
                [
                    netlink.link_up(socket.if_nametoindex("lo")),
                    netlink.new_address(theirs, address, self.gateway),
                    netlink.link_up(theirs),
                    netlink.new_default_route(theirs, self.gateway),
                ]
            )
        with contextlib.closing(Conversation(netlink.NETLINK_NETFILTER)) as rules:
            rules.do(netlink.pod_rules("tanebi"))

    def _forget(self, place: Place) -> None:
        place.inside.close()
        self._unnamed.pop(place.address, None)
        self._unseen.pop(place.address, None)
        self._showing.discard(place.address)
        self._addresses.release(IPv4Address(place.address))

    def _name(self, pod: Pod, address: str) -> None:
        """Inside: what the pod calls itself, and by which names it finds others. Raises OSError."""
        socket.sethostname(hostname(pod))
        contents = {
            RESOLV: resolving(pod, self.gateway, self._domain, self._machine).text(),
            HOSTS: hosts_file(pod, address),
        }
        for target in self._files.keys() & contents:
            Path(target).write_text(contents[target])


@asynccontextmanager
async def opened(
    folder: Path, *, forwarded: Sequence[Forwarded], clock: Clock, domain: str
) -> AsyncIterator[PodNetwork]:
    """A network, or NetworkUnavailable. `folder` is absolute; `forwarded` says what the gateway's address answers."""
    try:
        claim, home = _claim(folder), namespaces.current()
        network = PodNetwork(folder, claim=claim, home=home, clock=clock, domain=domain)
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

    block: IPv4Network
    name: str
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
        return _Claim(block, _line_name(block), lock)
    raise OSError("every block of addresses is in use by another platform")


def _line_name(block: IPv4Network) -> str:
    """What the interfaces of a block's pods begin with."""
    return f"tnb{int(block[0]) >> 10 & 0xFFF:x}"


def _made_to_show() -> bool:
    """Whether there is a folder over which a pod's own can be laid; it stays empty, and is never removed: others may use it."""
    try:
        Path(MOUNT_PATH).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("no place for service accounts in pods", path=MOUNT_PATH, why=error.strerror)
        return False
    return True


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


def _allow_loopback(interface: str, *, allowed: bool = True) -> None:
    """Packets that rules send on to 127.0.0.1 may come in here."""
    setting = Path(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet")
    setting.write_text(f"{int(allowed)}\n")


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

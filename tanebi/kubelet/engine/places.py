"""Where pods live in the engine: a container that holds the network and the name, and some of them that wait.

Making one takes a quarter of a second, most of it the bridge; a pod that comes from zero has no time for that. Where we are root
on the machine of a Podman, places are made ahead under no name, and get the pod's host name and resolv.conf when they are taken.
Elsewhere each is made when it is needed: also with Docker, whose containers copy the host name that a place was made with.

The network is the platforms' common one. Whoever finds it pruned makes it again, and the last one to leave removes it.
Caller: tanebi.kubelet.engine.pods.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kubelet import namespaces
from tanebi.kubelet.addresses import interface_to
from tanebi.kubelet.engine import pause, spec
from tanebi.kubelet.engine.connect import EngineDoor
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.healing import heal
from tanebi.kubelet.podnet import NetworkUnavailable, PodNetwork, machine_text
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.resolvconf import DOMAIN, Resolving, hostname, hosts_file, resolving

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

NETWORK: Final = "tanebi"
AHEAD: Final = 2
REFILL_S: Final = 1.0  # after one was taken: whoever took it is starting a container
AGAIN_S: Final = 10.0
MENDS: Final = 3  # of what a place needs, before it is given up
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

_log = get_logger("engine")


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that holds a place: its id and address, and what it takes to name it."""

    container: str
    address: str
    pid: int = 0
    resolv: str = ""
    hosts: str = ""
    uts: str = ""  # where its UTS namespace is, when that is of this machine


Enclosed = Callable[[], Awaitable[PodNetwork]]


class Places:
    """`name(parts)` is a container's name; `used` is called before the first thing of ours is made in the engine.

    `enclosed` gives pods their networks where the engine's own are not reached from this machine, as those of an ordinary user's
    Podman; it may raise NetworkUnavailable.
    """

    def __init__(
        self,
        door: EngineDoor,
        *,
        network: PodNetwork | None,
        enclosed: Enclosed | None,
        clock: Clock,
        platform: str,
        limits: spec.Limits,
        machine: str,
        name: Callable[..., str],
        used: Callable[[], None],
    ) -> None:
        self._door = door
        self._network = network
        self._enclosed = enclosed
        self._bridge = ""  # of the engine's network, once something is in it
        self._clock = clock
        self._platform = platform
        self._limits = limits
        self._arch = _ARCHITECTURES.get(machine, machine)
        self._name = name
        self._used = used
        self._common: spec.Place | None = None
        self._lock = anyio.Lock()
        self._waiting: deque[Holder] = deque()
        self._numbers = itertools.count()
        self._taken = anyio.Event()
        self._ahead = True  # until it turns out that places cannot be named afterwards

    @property
    def in_use(self) -> bool:
        """Whether anything of this run is, or was, in the engine."""
        return self._common is not None

    @property
    def by_podman(self) -> bool:
        return self._common is not None and self._common.podman

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def common(self, client: EngineClient) -> spec.Place:
        """What all containers share: the network and the sandbox image, made once. Raises EngineError, EngineGone."""
        async with self._lock:
            if self._common is None:
                self._used()
                await heal(client, self._clock)
                await self._furnish(client)
                self._common = spec.Place(self._platform, NETWORK, self._limits, client.podman)
            return self._common

    async def take(self, pod: Pod) -> Holder:
        """Raises EngineError, EngineGone."""
        client = await self._door.client()
        if self._enclosed is not None:
            self._network = await self._entered(self._enclosed)
        common = await self.common(client)
        self._taken.set()
        if pod.spec.host_network or spec.sysctls(pod) or pod.spec.host_ipc:
            return await self._make(client, common, pod)
        while self._waiting:
            holder = self._waiting.popleft()
            try:
                await self._give_name(holder, pod)
                return _with_uts(holder)
            except OSError as error:  # it has ended, or the engine is elsewhere
                _log.info("place not used", container=holder.container, why=str(error))
                await client.remove(holder.container)
        made = await self._make(client, common, pod)
        return _with_uts(made) if os.geteuid() == 0 and _can_be_named(made) else made

    def release(self, pod_uid: str) -> None:
        """The pod's sandbox is gone."""
        if self._enclosed is not None and self._network is not None:
            self._network.release(pod_uid)

    def wake(self) -> None:
        """There will be pods."""
        if self._common is None:
            self._taken.set()

    async def refill(self) -> None:
        """Keep places waiting from the first use on, until cancelled."""
        while self._ahead and os.geteuid() == 0:
            await self._taken.wait()
            self._taken = anyio.Event()
            await self._clock.sleep(REFILL_S)
            try:
                while self._ahead and len(self._waiting) < AHEAD:
                    await self._add()
            except (EngineError, EngineGone) as error:
                _log.info("no place made ahead", why=error.message)
                await self._clock.sleep(AGAIN_S)
                self._taken.set()

    def forget(self) -> None:
        """Places that waited are removed with all that is the platform's."""
        self._waiting.clear()

    async def remove_network(self) -> None:
        """If no platform has anything in it. Another one that begins just now makes it again.

        Podmans of different storages share their networks and do not see each other's containers: the bridge tells."""
        try:
            client = await self._door.client()
            if not await client.containers({spec.PLATFORM_LABEL: ""}) and not _ports_of(
                self._bridge
            ):
                await client.remove_network(NETWORK)
        except (EngineError, EngineGone) as error:
            _log.info("network not removed", why=error.message)

    async def close(self) -> None:
        """Remove the places that wait. What the engine does not remove is found at the next start."""
        while self._waiting:
            holder = self._waiting.popleft()
            try:
                await (await self._door.client()).remove(holder.container)
            except (EngineError, EngineGone) as error:
                _log.warning("place not removed", container=holder.container, why=error.message)

    async def _add(self) -> None:
        with anyio.CancelScope(shield=True):  # what is made must be known
            client = await self._door.client()
            common = await self.common(client)
            if not common.podman:
                self._ahead = False
                return
            holder = await self._make(client, common, None)
            if holder.address and _can_be_named(holder):
                self._waiting.append(holder)
            else:
                self._ahead = False
                await client.remove(holder.container)

    async def _make(self, client: EngineClient, common: spec.Place, pod: Pod | None) -> Holder:
        """Raises EngineError, EngineGone."""
        for _ in range(MENDS):
            try:
                return await self._make_now(client, common, pod)
            except EngineGone:
                if not await heal(client, self._clock):
                    raise
            except EngineError as error:
                # Another platform may have removed the network as the last one, and made it again by now.
                gone = NETWORK in error.message and "not found" in error.message
                if not (await self._furnish(client) or gone or await heal(client, self._clock)):
                    raise
                _log.info("mended, making the place again", why=error.message)
        return await self._make_now(client, common, pod)

    async def _make_now(self, client: EngineClient, common: spec.Place, pod: Pod | None) -> Holder:
        name = self._name(pod.metadata.uid if pod else f"place-{next(self._numbers)}")
        dns = self._resolving(pod) if pod is not None else None
        address, path = await self._own_network(pod)
        body = spec.sandbox_body(pod, pause.TAG, common, dns=dns, network=path)
        container = await client.create_anew(name, body)
        await client.start(container)
        found = await client.inspect(container)
        if pod is not None and pod.spec.host_network:
            return Holder(container, POD_IP)
        holder = _holder(container, found, common.network, address)
        if self._enclosed is None:
            self._bridge = self._bridge or _interface_to(holder.address)
        if self._network is not None:
            self._network.let_in(holder.address)
        if pod is not None and _can_be_named(holder):
            await anyio.to_thread.run_sync(partial(self._write_names, holder, pod))
        return holder

    async def _own_network(self, pod: Pod | None) -> tuple[str, str]:
        """The address and the file of a network that is not the engine's; empty: it is. Raises EngineGone."""
        if self._enclosed is None or self._network is None or pod is None or pod.spec.host_network:
            return "", ""
        try:
            place = await self._network.take(pod)
        except (OSError, Unavailable) as error:
            raise EngineGone(f"no network for the pod: {error}") from error
        return place.address, self._network.path(place)

    async def _entered(self, enclosed: Enclosed) -> PodNetwork:
        """Raises EngineGone."""
        try:
            return await enclosed()
        except NetworkUnavailable as error:
            raise EngineGone(f"no network for pods of this engine: {error.message}") from error

    def _resolving(self, pod: Pod) -> Resolving | None:
        """None: as the engine has it."""
        if self._network is None:
            return None
        return resolving(pod, self._network.gateway, DOMAIN, machine_text())

    async def _give_name(self, holder: Holder, pod: Pod) -> None:
        """Raises OSError."""
        await anyio.to_thread.run_sync(partial(self._write_names, holder, pod))
        await namespaces.named(holder.pid, hostname(pod))

    def _write_names(self, holder: Holder, pod: Pod) -> None:
        """In place: these files are mounted in the pod's containers."""
        if (names := self._resolving(pod)) is not None:
            with open(holder.resolv, "r+") as file:
                file.write(names.text())
                file.truncate()
        with open(holder.hosts, "r+") as file:
            file.write(hosts_file(pod, holder.address))
            file.truncate()

    async def _furnish(self, client: EngineClient) -> bool:
        """Make what all places need. False: it was all there."""
        made = False
        if await client.image(pause.TAG) is None:
            made = True
            try:
                await client.load(pause.archive(self._arch))
            except KeyError as error:
                raise EngineError(501, f"no sandbox program for processor {error}") from error
        if self._enclosed is None and await client.network(NETWORK) is None:
            made = True
            try:
                await client.create_network(
                    {"Name": NETWORK, "Driver": "bridge", "CheckDuplicate": True}
                )
            except EngineError as error:
                if error.status != HTTPStatus.CONFLICT:  # another platform was faster
                    raise
        return made


def _holder(container: str, found: Obj, network: str, address: str) -> Holder:
    return Holder(
        container,
        address or str(found["NetworkSettings"]["Networks"][network]["IPAddress"]),
        int((found.get("State") or {}).get("Pid") or 0),
        str(found.get("ResolvConfPath") or ""),
        str(found.get("HostsPath") or ""),
    )


def _interface_to(address: str) -> str:
    """Of this machine; empty where the engine is on another one, or its network is."""
    try:
        return interface_to(IPv4Address(address), Path("/proc/net/route").read_text())
    except (OSError, ValueError):
        return ""


def _ports_of(bridge: str, interfaces: Path = Path("/sys/class/net")) -> list[str]:
    """What is joined to it."""
    found = interfaces / bridge / "brif"
    return sorted(port.name for port in found.iterdir()) if bridge and found.is_dir() else []


def _with_uts(holder: Holder) -> Holder:
    return replace(holder, uts=f"/proc/{holder.pid}/ns/uts")


def _can_be_named(holder: Holder) -> bool:
    """Whether its process and its files are of this machine."""
    files = (f"/proc/{holder.pid}/ns/uts", holder.resolv, holder.hosts)
    return holder.pid > 0 and all(path and Path(path).exists() for path in files)

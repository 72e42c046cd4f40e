"""The data plane of a platform: in this process, or (`--activators N`) in processes of its own that this one feeds and
supervises.

With activators of their own, this process keeps what deliveries need: a router, its own way to pods without
containerConcurrency, and the handlers that answer here (the broker), at a port of the loopback that only the activators call.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import TaskStatus

from activator.certificates import Certificates
from activator.hub import Hub
from activator.merge import Merge
from activator.role import Activator
from autoscaler.api.stat import StatSink
from autoscaler.api.wake import Wake
from tanebi.apiserver import pki
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.files import write_atomically
from tanebi.base.rng import Rng, new_token
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.http.pool import Address
from tanebi.http.tls import KeyPair
from tanebi.kube.cache import Cache
from tanebi.kubelet.drain import Drain
from tanebi.up.handover import Handover
from tanebi.up.options import ActivatorOptions, UpOptions, command
from tanebi.up.sockets import listen
from tanebi.up.supervisor import Spec, Supervisor

LOOPBACK: Final = "127.0.0.1"
MEMBERS_S: Final = 30.0
DRAIN_S: Final = 10.0  # what requests under way get before a restart


class PlanePart:
    """The port is taken at once; nothing is served before `start`."""

    def __init__(
        self,
        options: UpOptions,
        data: DataDir,
        clock: Clock,
        rng: Rng,
        *,
        cache: Cache,
        sink: StatSink,
        woken: Callable[[Wake], None],
        handover: Handover | None = None,
    ) -> None:
        """`woken` is told of each cold start, wherever it was served."""
        self._woken = woken
        self._handover = handover = handover or Handover()
        self._host = options.host
        self._clock = clock
        self._data = data
        count = options.activators
        self.sockets = handover.taken("gateway")
        if len(self.sockets) != max(1, count):
            self.sockets = listen(options.host, options.gateway_port, max(1, count))
        self._inner: dict[str, socket.socket] = {}
        for name in ("hub", "own") if count else ():  # for the activators
            (self._inner[name],) = handover.taken(name) or listen(LOOPBACK, 0, 1)
        self.port: int = self.sockets[0].getsockname()[1]
        self._served = (self._inner["own"] if count else self.sockets[0]).dup()
        self._handed = False
        self._merge = Merge(sink)
        self.activator = Activator(
            options.host,
            self.port,
            cache=cache,
            sink=self._merge.source("") if count else sink,
            clock=clock,
            rng=rng,
            sock=self._served,
            divided=count > 0,
            public_port=lambda: self.port,
            tls=None
            if options.tls_port is None
            else (options.tls_port, certificates(options, data.pki, clock)),
        )
        self.activator.gateway.woken = woken
        self.hub: Hub | None = None
        self.supervisor: Supervisor | None = None
        if count:
            self._divide()

    def _divide(self) -> None:
        gateway = self.activator.gateway
        self.hub = Hub(
            gateway.router,
            self._merge,
            self._clock,
            token=ensure_token(self._data.activator_token),
            hosts=lambda: gateway.router.mounted,
            gateway=self._inner["own"].getsockname,
        )
        self.hub.woken = self._woken
        gateway.listed = self.hub.listed
        self.activator.others_hold = self.hub.holds

    @property
    def url(self) -> str:
        return (
            f"http://[{self._host}]:{self.port}"
            if ":" in self._host
            else f"http://{self._host}:{self.port}"
        )

    @property
    def tls_url(self) -> str | None:
        """Where https is served; None: nowhere."""
        port = self.activator.gateway.tls_port
        return (
            None
            if port is None
            else f"https{self.url.removeprefix('http').rpartition(':')[0]}:{port}"
        )

    @property
    def words(self) -> str:
        """For a person."""
        urls = self.url if self.tls_url is None else f"{self.url} {self.tls_url}"
        return urls if self.hub is None else f"{urls} (activators: {len(self.sockets)})"

    @property
    def drain(self) -> Drain:
        return self.hub if self.hub is not None else self.activator.drain

    def described(self) -> list[dict[str, Any]]:
        """The activators for endpoints.json: pid, and where each tells its metrics."""
        if self.hub is None:
            return []
        return [
            {"name": m.name, "pid": m.pid, "metrics": f"http://{m.peer[0]}:{m.peer[1]}/metrics"}
            for _, m in sorted(self.hub.members.items())
        ]

    def on_joined(self, callback: Callable[[], None]) -> None:
        """`callback` runs when an activator is here, or here again: what is `described` has changed."""
        if self.hub is not None:
            self.hub.joined = callback

    async def start_others(self, stages: Stages) -> None:
        """Start the activators: they come up while the rest does. The API must be served."""
        if self.hub is None:
            return
        await self.activator.gateway.listen()
        known = self._handover.children
        await stages.start(partial(self.hub.run, sock=self._inner["hub"].dup(), awaited=known))
        specs = [self._spec(number, sock) for number, sock in enumerate(self.sockets)]
        self.supervisor = Supervisor(specs, self._clock, on_exit=self.hub.gone)
        await stages.start(partial(self.supervisor.run, adopt=dict(known)))

    async def start(self, stages: Stages) -> None:
        """Serve. Returns when every activator does."""
        await stages.start(self.activator.run)
        if self.hub is None:
            return
        with anyio.move_on_after(MEMBERS_S) as scope:
            await self.hub.wait_members(self.names)
        if scope.cancelled_caught:
            raise UserError(
                "activators-missing",
                f"the activators did not start within {MEMBERS_S:g} s",
                hint="their errors are above; `--activators 0` serves requests from this process",
            )

    async def hand_over(self, addresses: Iterable[Address]) -> Handover:
        """Before a restart. Requests under way are finished; those that come are held, by the activators or by the sockets."""
        self._handed = True
        sockets = {"gateway": self.sockets, **{name: [sock] for name, sock in self._inner.items()}}
        if self.hub is None or self.supervisor is None:
            await self.activator.gateway.drain()
            return Handover(sockets)
        self.hub.restarting()
        self.supervisor.release()
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                tasks.start_soon(partial(self.hub.drained, address, deadline_s=DRAIN_S))
        return Handover(sockets, self.supervisor.pids)

    def close(self) -> None:
        """Let the ports go, unless they were handed over."""
        self._served.close()
        for sock in () if self._handed else (*self.sockets, *self._inner.values()):
            sock.close()

    async def start_last(self, stages: Stages) -> None:
        """At the end requests under way are finished first, while all that they need still runs."""
        if self.supervisor is not None:
            await stages.start(self.supervisor.stop_at_end)
        else:
            await stages.start(partial(_at_end, self.activator.gateway.drain))

    @property
    def names(self) -> list[str]:
        return [f"activator-{number}" for number in range(len(self.sockets))]

    def _spec(self, number: int, sock: socket.socket) -> Spec:
        assert self.hub is not None
        name = self.names[number]
        options = ActivatorOptions(
            name=name,
            control=self.hub.address,
            token_file=self._data.activator_token,
            kubeconfig=self._data.kubeconfig,
            host=self._host,
            port=self.port,
            listen_fd=sock.fileno(),
        )
        return Spec(name, command(options), (sock.fileno(),))


async def _at_end(
    work: Callable[[], Any], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    task_status.started()
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await work()


def ensure_token(path: Path) -> str:
    """The token of this data directory's activators, made on first use. It is kept, so that those that outlive a restart are
    known.
    """
    try:
        known = path.read_text().strip()
    except FileNotFoundError:
        known = ""
    if not known:
        known = new_token()
        write_atomically(path, known.encode())
    return known


def certificates(options: UpOptions, folder: Path, clock: Clock) -> Certificates:
    """What clients of https are shown. Raises UserError when the given files are of no use."""

    def mint(name: str) -> KeyPair:
        return KeyPair(*pki.mint(folder, name, now=clock.wall()))

    given = None
    where = options.tls_cert, options.tls_key
    try:
        if options.tls_cert is not None and options.tls_key is not None:
            given = KeyPair(options.tls_cert.read_bytes(), options.tls_key.read_bytes())
        return Certificates(mint=mint, given=given)
    except (OSError, ValueError) as error:
        raise UserError(
            "tls-pair-invalid",
            f"{where[0]} and {where[1]} are not a certificate and its private key",
            hint="both in PEM, the certificate with its chain, the key without a password",
        ) from error

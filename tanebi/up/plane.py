"""The data plane of a platform: in this process, or (`--activators N`) in processes of its own that this one feeds and
supervises.

With activators of their own, this process keeps what deliveries need: a router, its own way to pods without
containerConcurrency, and the handlers that answer here (the broker), at a port of the loopback that only the activators call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import TaskStatus

from activator.certificates import Certificates
from activator.hub import Hub
from activator.inside import can_tell, is_inside
from activator.merge import Merge
from activator.requestlog import HandOn
from activator.role import Activator
from autoscaler.api.stat import StatSink
from autoscaler.api.wake import Wake
from tanebi.apiserver import pki
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.rng import Rng
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.http.pool import Address
from tanebi.http.tls import KeyPair
from tanebi.kube.cache import Cache
from tanebi.kubelet.drain import Drain
from tanebi.up.children import Children
from tanebi.up.handover import Handover
from tanebi.up.options import UpOptions

LOOPBACK: Final = "127.0.0.1"
MEMBERS_S: Final = 30.0
DRAIN_S: Final = 10.0  # what requests under way get before a restart


class PlanePart:
    """Nothing is served before `start`."""

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
        children: Children,
        logged: HandOn,
    ) -> None:
        """`woken` is told of each cold start, `logged` of lines of the request log, wherever they were served."""
        self._logged = logged
        self.request_log = ("", False)  # the template in force, and whether probes are logged
        self._woken = woken
        self._children = children
        self._host = options.host
        self._clock = clock
        count = options.activators
        self.port = children.port
        self._served = (children.inner["own"] if count else children.sockets[0]).dup()
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
            inside=is_inside if can_tell(options.host) else None,
        )
        self.activator.gateway.woken = woken
        self.hub: Hub | None = None
        if count:
            self._divide()

    def _divide(self) -> None:
        gateway = self.activator.gateway
        self.hub = Hub(
            gateway.router,
            self._merge,
            self._clock,
            token=self._children.token(),
            hosts=lambda: gateway.router.mounted,
            gateway=self._children.inner["own"].getsockname,
        )
        self.hub.woken = self._woken
        self.hub.logged = self._logged
        self._children.on_exit = self.hub.gone
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
        port = self.tls_port
        return (
            None
            if port is None
            else f"https{self.url.removeprefix('http').rpartition(':')[0]}:{port}"
        )

    @property
    def tls_port(self) -> int | None:
        """Once it listens."""
        return self.activator.gateway.tls_port

    @property
    def words(self) -> str:
        """For a person."""
        urls = self.url if self.tls_url is None else f"{self.url} {self.tls_url}"
        return urls if self.hub is None else f"{urls} (activators: {len(self._children.names)})"

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

    def log_requests(self, template: str, *, probes: bool) -> None:
        """By this template, wherever requests are served; empty: not."""
        self.request_log = template, probes
        self.activator.log_requests(template, probes=probes, hand_on=self._logged)
        if self.hub is not None:
            self.hub.log_requests(template, probes=probes)

    def on_joined(self, callback: Callable[[], None]) -> None:
        """`callback` runs when an activator is here, or here again: what is `described` has changed."""
        if self.hub is not None:
            self.hub.joined = callback

    async def start_others(self, stages: Stages) -> None:
        """Let the activators come up while the rest does. The API must be served."""
        if self.hub is None:
            return
        await self.activator.gateway.listen()
        sock, known = self._children.inner["hub"].dup(), self._children.adopted
        await stages.start(partial(self.hub.run, sock=sock, awaited=known))
        self._children.open_gate()

    async def start(self, stages: Stages) -> None:
        """Serve. Returns when every activator does."""
        await stages.start(self.activator.run)
        if self.hub is None:
            return
        with anyio.move_on_after(MEMBERS_S) as scope:
            await self.hub.wait_members(self._children.names)
        if scope.cancelled_caught:
            raise UserError(
                "activators-missing",
                f"the activators did not start within {MEMBERS_S:g} s",
                hint="their errors are above; `--activators 0` serves requests from this process",
            )

    async def hand_over(self, addresses: Iterable[Address]) -> Handover:
        """Before a restart. Requests under way are finished; those that come are held, by the activators or by the sockets."""
        self._children.release()
        if self.hub is None:
            await self.activator.gateway.drain()
            return self._children.kept
        self.hub.restarting()
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                tasks.start_soon(partial(self.hub.drained, address, deadline_s=DRAIN_S))
        return self._children.kept

    def close(self) -> None:
        self._served.close()

    async def start_last(self, stages: Stages) -> None:
        """At the end requests under way are finished first, while all that they need still runs."""
        if self._children.supervisor is not None:
            await stages.start(self._children.supervisor.stop_at_end)
        else:
            await stages.start(partial(_at_end, self.activator.gateway.drain))


async def _at_end(
    work: Callable[[], Any], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    task_status.started()
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await work()


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

"""`tanebi activator`: the data plane in a process of its own.

The same part as in the platform's own process, fed over the network: it watches routes, revisions and endpoints through the
Kubernetes API, and tells the control process its load (activator.link). Caller: tanebi.cli.activator.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio

from activator.feed import KINDS
from activator.inside import is_inside
from activator.link import Link
from activator.role import Activator
from tanebi.api.validators import build
from tanebi.base.clock import Clock, SystemClock
from tanebi.base.errors import UserError
from tanebi.base.limits import raise_file_limit
from tanebi.base.log import configure, get_logger
from tanebi.base.parent import die_with
from tanebi.base.rng import system_rng
from tanebi.base.settings import environment
from tanebi.base.stages import Stages, first_cause
from tanebi.http.pool import Address
from tanebi.http.ways import Door
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.direct import of_kubeconfig
from tanebi.kube.transport import Transport
from tanebi.up.options import ActivatorOptions

log = get_logger("activator")

WELCOME_S: Final = 30.0
GATE_S: Final = 120.0
GC_YOUNG_MAX: Final = 20_000  # see tanebi.up.run


def run(options: ActivatorOptions) -> int:
    """Serve until SIGTERM or SIGINT. Raises TanebiError when it cannot start."""
    if options.parent is not None:
        die_with(options.parent)
    env = environment()
    gc.set_threshold(GC_YOUNG_MAX)
    gc.enable()
    raise_file_limit()
    configure(level=env.get("TANEBI_LOG_LEVEL", "warning"), json=env.get("TANEBI_LOG") == "json")
    try:
        anyio.run(_serve, options, backend_options={"use_uvloop": True})
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    return 0


async def _serve(options: ActivatorOptions) -> None:
    clock = SystemClock()
    link = Link(clock, token=_token(options.token_file), name=options.name)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        build((*(kind.model for kind in KINDS),))
        if options.gate_fd is not None:
            await _opened(options.gate_fd)
        async with _connected(options.kubeconfig) as transport, Stages() as stages:
            for name in options.ways:
                await stages.start(Door(name, clock).serve)
            kube = Kube(transport, field_manager="tanebi-activator")
            cache = Cache(kube, clock)
            role = _role(options, clock, cache, link)
            for kind in KINDS:
                cache.watch(kind)
            await stages.start(cache.run)
            await cache.wait_synced(*KINDS)
            await role.gateway.listen()
            with role.gateway.router.listening(
                lambda: link.table_changed(role.gateway.router.table)
            ):
                await stages.start(
                    lambda task_status: link.run(options.control, task_status=task_status)
                )
                with anyio.move_on_after(WELCOME_S) as scope:
                    await link.welcomed.wait()
                if scope.cancelled_caught:
                    raise UserError(
                        "control-missing",
                        f"no control process answers at {options.control[0]}:{options.control[1]}",
                        hint="check the address and the token file",
                    )
                await stages.start(role.run)
                gc.freeze()
                await anext(aiter(signals))
                await role.gateway.drain()


async def _opened(gate: int) -> None:
    """Return when the platform is there: it closes its end of the pipe then."""
    with anyio.move_on_after(GATE_S) as scope:
        await anyio.wait_readable(gate)
    os.close(gate)
    if scope.cancelled_caught:
        raise UserError("control-missing", f"the platform did not come up within {GATE_S:g} s")


@asynccontextmanager
async def _connected(kubeconfig: Path | None) -> AsyncIterator[Transport]:
    """The quick way to a platform of ours; the official client, an extra, for anything else."""
    direct = of_kubeconfig(kubeconfig) if kubeconfig is not None else None
    if direct is not None:
        yield direct
        return
    network: Any = importlib.import_module("tanebi.kube.network")
    async with network.connect(kubeconfig) as transport:
        yield transport


def _role(options: ActivatorOptions, clock: Clock, cache: Cache, link: Link) -> Activator:
    sock = socket.socket(fileno=options.listen_fd) if options.listen_fd is not None else None
    role = Activator(
        options.host,
        options.port,
        cache=cache,
        sink=link,
        clock=clock,
        rng=system_rng(),
        sock=sock,
        peer_host=options.peer_host,
        divided=True,
        inside=is_inside if options.tell_outside else None,
    )
    gateway = role.gateway
    gateway.released = link.released
    gateway.woken = link.woke
    link.request_log = lambda template, probes: role.log_requests(
        template, probes=probes, hand_on=link.log_lines
    )
    served: dict[str, Address] = {}

    def welcome(hosts: Sequence[str], control: Address) -> None:
        new = [host for host in hosts if served.get(host) != control]
        if new:
            served.update(dict.fromkeys(new, control))
            gateway.router.mount_elsewhere(new, control)

    link.attach(gateway.router, lambda: gateway.peer_address, welcome)
    return role


def _token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise UserError(
            "token-unreadable",
            f"cannot read the token in {path}: {error.strerror}",
            hint="it is the file activator-token of the control process's data directory",
        ) from error

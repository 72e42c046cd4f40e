"""A hub and activators on real sockets, in one process."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio.abc import TaskGroup
from prometheus_client import CollectorRegistry

from activator.backend import Backend
from activator.facts import EndpointFacts, RevisionFacts
from activator.gateway import Gateway
from activator.hub import Hub
from activator.link import Link
from activator.merge import Merge
from activator.table import Path, Split, Table
from autoscaler.api.stat import StatSink
from tanebi.api.meta import Key
from tanebi.base.clock import SystemClock
from tanebi.http.pool import Address
from tanebi.http.server import ServerLimits
from tanebi.testing.http import Client, connect
from tanebi.testing.waiting import wait_until

HOST = "hello.default.localhost"
REVISION = Key("default", "hello-00001")
TOKEN = "secret"
LIMITS = ServerLimits(drain_s=0.2)


@dataclass
class Child:
    gateway: Gateway
    link: Link
    scope: anyio.CancelScope
    welcomes: list[tuple[Sequence[str], Address]] = field(default_factory=list)

    @property
    def backend(self) -> Backend:
        return self.gateway.router.revisions[REVISION]


@dataclass
class Linked:
    hub: Hub
    control: Gateway
    tasks: TaskGroup
    facts: RevisionFacts
    children: dict[str, Child] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    async def child(self, name: str, *, token: str = TOKEN, welcomed: bool = True) -> Child:
        clock = SystemClock()
        link = Link(clock, token=token, name=name)
        gateway = made(link, peer_host="127.0.0.1")
        gateway.released = link.released
        described(gateway, self.facts)
        child = self.children[name] = Child(gateway, link, anyio.CancelScope())
        link.attach(
            gateway.router,
            lambda: gateway.peer_address,
            lambda hosts, control: child.welcomes.append((hosts, control)),
        )

        async def run() -> None:
            with child.scope:
                async with anyio.create_task_group() as tasks:
                    await tasks.start(gateway.run)
                    await tasks.start(link.run, self.hub.address)
                    with gateway.router.listening(lambda: link.table_changed(gateway.router.table)):
                        await anyio.sleep_forever()

        self.tasks.start_soon(run)
        if welcomed:
            await link.welcomed.wait()
        return child

    async def client(self, child: Child) -> Client:
        client = await connect(child.gateway.address)
        self.clients.append(client)
        return client

    def pods(self, *addresses: Address) -> None:
        """The revision's pods are these, as everybody's watch tells."""
        for gateway in (self.control, *(child.gateway for child in self.children.values())):
            gateway.router.revisions[REVISION].set_endpoints(
                {a: EndpointFacts(a, ready=True, terminating=False) for a in addresses}
            )


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.setblocking(False)
    return sock


def made(sink: StatSink, *, peer_host: str | None = None) -> Gateway:
    return Gateway(
        "127.0.0.1",
        0,
        clock=SystemClock(),
        rng=random.Random(3),
        sink=sink,
        limits=LIMITS,
        peer_host=peer_host,
        divided=True,
        registry=CollectorRegistry(),
    )


def described(gateway: Gateway, facts: RevisionFacts) -> None:
    gateway.router.set_revision(REVISION, facts)
    gateway.router.set_table(
        Table(
            {HOST: (Path("", (Split(REVISION, 100),), 100),)}, {Key("default", "hello"): ("u", 1)}
        )
    )


@asynccontextmanager
async def linked(
    sink: StatSink, *names: str, facts: RevisionFacts | None = None, awaited: Sequence[str] = ()
) -> AsyncIterator[Linked]:
    facts = facts or RevisionFacts(concurrency=1)
    merge = Merge(sink)
    control = made(merge.source(""))
    hub = Hub(
        control.router,
        merge,
        SystemClock(),
        token=TOKEN,
        hosts=lambda: control.router.mounted,
        gateway=lambda: control.address,
    )
    control.listed = hub.listed
    described(control, facts)
    async with anyio.create_task_group() as tasks:
        await tasks.start(control.run)
        await tasks.start(partial(hub.run, sock=listening(), awaited=awaited))
        found = Linked(hub, control, tasks, facts)
        try:
            for name in names:
                await found.child(name)
            await wait_until(lambda: set(names) <= set(hub.members))
            yield found
        finally:
            for client in found.clients:
                client.close()
            tasks.cancel_scope.cancel()

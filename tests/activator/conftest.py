"""A gateway on a real socket with one revision behind it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from activator.backend import Backend
from activator.facts import EndpointFacts, RevisionFacts
from activator.gateway import Gateway
from activator.table import Path, Split, Table
from autoscaler.api.stat import Stat
from tanebi.api.meta import Key
from tanebi.base.clock import SystemClock
from tanebi.http.pool import Address
from tanebi.http.server import ServerLimits
from tanebi.testing.http import Client, connect

HOST = "hello.default.localhost"
REVISION = Key("default", "hello-00001")


@dataclass
class Sink:
    """Implements autoscaler.api.stat.StatSink and remembers."""

    pokes: list[Key] = field(default_factory=list)
    reports: list[Stat] = field(default_factory=list)

    def report(self, stats: Sequence[Stat], now: float) -> None:
        self.reports += stats

    def poke(self, revision: Key, now: float) -> None:
        self.pokes.append(revision)


@dataclass
class World:
    """A running gateway with one revision, `hello`."""

    gateway: Gateway
    backend: Backend
    sink: Sink
    clients: list[Client] = field(default_factory=list)

    async def client(self) -> Client:
        client = await connect(self.gateway.address)
        self.clients.append(client)
        return client

    def pods(self, *addresses: Address, ready: bool = True, h2c: bool = False) -> None:
        """The revision's pods are these."""
        self.backend.set_endpoints({a: EndpointFacts(a, ready, False, h2c) for a in addresses})


@asynccontextmanager
async def running(
    facts: RevisionFacts | None = None, *, limits: ServerLimits | None = None
) -> AsyncIterator[World]:
    sink = Sink()
    limits = limits or ServerLimits(drain_s=0.2)
    gateway = Gateway(
        "127.0.0.1", 0, clock=SystemClock(), rng=random.Random(7), sink=sink, limits=limits
    )
    backend = gateway.router.set_revision(REVISION, facts or RevisionFacts())
    gateway.router.set_table(Table({HOST: (Path("", (Split(REVISION, 100),), 100),)}))
    async with anyio.create_task_group() as tasks:
        await tasks.start(gateway.run)
        found = World(gateway, backend, sink)
        try:
            yield found
        finally:
            for client in found.clients:
                client.close()
            tasks.cancel_scope.cancel()


@pytest.fixture
def world() -> Callable[..., AbstractAsyncContextManager[World]]:
    """Call it: `async with world(facts, limits=…) as w:`."""
    return running


@pytest.fixture
def host() -> str:
    return HOST


@pytest.fixture
def revision() -> Key:
    return REVISION


@pytest.fixture
def sink() -> Sink:
    return Sink()

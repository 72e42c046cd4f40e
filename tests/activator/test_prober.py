"""New pods are found within milliseconds."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import anyio
import pytest

from activator.backend import Backend, Hooks
from activator.facts import EndpointFacts, ProbeSpec, RevisionFacts
from activator.prober import FIRST_DELAY_S, LONGEST_DELAY_S, STEADY_ATTEMPTS, Prober, delay_s
from tanebi.api.meta import Key
from tanebi.base.clock import SystemClock
from tanebi.http.pool import Address
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


def backend(prober: Prober, probe: ProbeSpec | None = None) -> Backend:
    hooks = Hooks(lambda key: None, prober.probe, lambda address: None)
    facts = RevisionFacts(probe=probe or ProbeSpec())
    return Backend(Key("ns", "r"), facts, chance=random.Random(1), hooks=hooks)


def starting(made: Backend, *addresses: Address) -> None:
    made.set_endpoints({a: EndpointFacts(a, False, False) for a in addresses})


def test_gently_slower() -> None:
    assert delay_s(0) == delay_s(STEADY_ATTEMPTS - 1) == FIRST_DELAY_S
    delays = [delay_s(i) for i in range(200)]
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY_S


async def test_a_pod_is_usable_soon_after_it_listens() -> None:
    prober = Prober(SystemClock())
    made = backend(prober)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address = sock.getsockname()
        starting(made, address)  # asked for before run
        async with anyio.create_task_group() as tasks:
            await tasks.start(prober.run)
            await anyio.sleep(0.1)
            assert not made.throttler.targets
            sock.listen()
            began = asyncio.get_running_loop().time()
            await wait_until(lambda: made.throttler.targets)
            assert asyncio.get_running_loop().time() - began < 0.2
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("status", "usable"), [(200, True), (302, True), (404, False), (503, False)]
)
async def test_http_probes_want_2xx_or_3xx(status: int, usable: bool) -> None:
    seen: list[bytes] = []

    def respond(head: bytes, body: bytes) -> bytes:
        seen.append(head)
        return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status

    prober = Prober(SystemClock())
    spec = ProbeSpec("http", "/ready", ((b"X-A", b"b"),))
    async with serving(answering(respond)) as address:
        assert await prober.attempt(address, spec) is usable
    assert seen[0].startswith(b"GET /ready HTTP/1.1\r\nHost: ")
    assert b"User-Agent: Knative-Activator-Probe\r\n" in seen[0]
    assert b"X-A: b\r\n" in seen[0]


async def test_silence_is_no_answer() -> None:
    async def app(reader: Any, writer: Any) -> None:
        await reader.read(-1)

    async with serving(app) as address:
        assert not await Prober(SystemClock()).attempt(address, ProbeSpec("http"))


async def test_a_pod_that_is_gone_is_no_longer_asked() -> None:
    prober = Prober(SystemClock())
    made = backend(prober)
    async with serving(answering(lambda head, body: ok(b""))) as gone:
        pass
    async with anyio.create_task_group() as tasks:
        await tasks.start(prober.run)
        starting(made, gone)
        await anyio.sleep(0.03)
        assert prober._asking
        made.set_endpoints({})
        await wait_until(lambda: not prober._asking)
        tasks.cancel_scope.cancel()


async def test_many_pods_at_once() -> None:
    prober = Prober(SystemClock())
    made = backend(prober)
    async with anyio.create_task_group() as tasks, serving(answering(lambda h, b: ok(b""))) as one:
        await tasks.start(prober.run)
        addresses = [(f"127.0.0.{i}", one[1]) for i in range(1, 100)]
        starting(made, one, *addresses)
        await wait_until(lambda: [t.address for t in made.throttler.targets] == [one])
        made.set_endpoints({})
        tasks.cancel_scope.cancel()

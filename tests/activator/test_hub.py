"""What the control process promises several activators, on real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from activator.frames import encode
from autoscaler.api.stat import Stat
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until
from tests.activator.linked import HOST, REVISION, linked

pytestmark = pytest.mark.anyio


async def test_a_wrong_token_is_refused(sink: Any) -> None:
    async with linked(sink) as home:
        child = await home.child("x", token="guessed", welcomed=False)
        await wait_until(lambda: child.link._transport is None)
        assert home.hub.members == {}
        assert not child.link.welcomed.is_set()


async def test_nothing_is_taken_from_who_said_no_hello(sink: Any) -> None:
    async with linked(sink) as home:
        reader, writer = await asyncio.open_connection(*home.hub.address)
        writer.write(encode("poke", r=list(REVISION)))
        assert await reader.read() == b""
        writer.close()
        assert sink.pokes == []


async def test_pods_are_divided_and_every_request_finds_its_pod(sink: Any) -> None:
    busy: list[int] = []
    most: list[int] = []

    async def handler(reader: Any, writer: Any) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            busy.append(1)
            most.append(len(busy))
            await asyncio.sleep(0.005)
            busy.pop()
            writer.write(ok(b"hi"))

    async with serving(handler) as pod, linked(sink, "x", "y", "z") as home:
        home.pods(pod)
        clients = [await home.client(child) for child in home.children.values() for _ in range(4)]
        for client in clients:
            client.get(host=HOST)
        answers = [await client.answer() for client in clients]
        assert [a.body for a in answers] == [b"hi"] * len(clients)
        assert max(most) == 1, "containerConcurrency was exceeded"


async def test_a_pod_is_free_again_when_its_activator_is_dead(sink: Any) -> None:
    async with (
        serving(answering(lambda head, body: ok(b"hi"))) as pod,
        linked(sink, "x", "y") as home,
    ):
        home.pods(pod)
        owner, other = home.children["x"], home.children["y"]
        await wait_until(
            lambda: owner.backend.throttler.targets and other.backend.throttler.targets
        )
        if owner.backend.throttler.targets[0].peer:
            owner, other = other, owner
        name = owner.link._name
        owner.scope.cancel()
        home.hub.gone(name)
        client = await home.client(other)
        client.get(host=HOST)
        assert (await client.answer()).body == b"hi"


async def test_reports_and_pokes_reach_the_sink(sink: Any) -> None:
    async with linked(sink, "x") as home:
        home.children["x"].link.report([Stat(REVISION, 2.0, 3.0)], 0.0)
        home.children["x"].link.poke(REVISION, 0.0)
        await wait_until(lambda: sink.pokes == [REVISION])
        assert Stat(REVISION, 2.0, 3.0) in sink.reports


async def test_an_ingress_is_in_effect_when_everybody_has_it(sink: Any) -> None:
    async with linked(sink, "x", "y") as home:
        key = next(iter(home.control.router.table.loaded))
        await wait_until(lambda: home.hub.holds(key, "u", 1))
        assert not home.hub.holds(key, "u", 2)
        assert not home.hub.holds(key, "another", 1)


async def test_a_drain_waits_for_every_activator(sink: Any) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def slow(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        entered.set()
        await go.wait()
        writer.write(ok(b"late"))

    async with serving(slow) as pod, linked(sink, "x", "y") as home:
        home.pods(pod)
        client = await home.client(home.children["y"])
        client.get(host=HOST)
        await entered.wait()
        over = anyio.Event()

        async def drain() -> None:
            await home.hub.drained(pod, deadline_s=10)
            over.set()

        home.tasks.start_soon(drain)
        await wait_until(
            lambda: all(p.draining for c in home.children.values() for p in c.backend.pods.values())
        )
        assert not over.is_set()
        assert not await home.hub.drained(pod, deadline_s=0.05), "a request is still there"
        go.set()
        assert (await client.answer()).body == b"late"
        await over.wait()
        assert await home.hub.drained(pod, deadline_s=0.05)
        home.hub.restore(pod)
        await wait_until(
            lambda: (
                not any(p.draining for c in home.children.values() for p in c.backend.pods.values())
            )
        )


async def test_members_of_an_earlier_run_speak_first(sink: Any) -> None:
    async with linked(sink, awaited=("x", "y")) as home:
        home.control.router.revisions[REVISION].set_endpoints({})
        home.pods(("127.0.0.1", 1))
        await home.child("x")
        assert home.children["x"].link._held == {}
        await home.child("y")
        await wait_until(lambda: any(c.link._held for c in home.children.values()))


async def test_members_are_told_of_the_request_log_and_hand_lines_on(sink: Any) -> None:
    async with linked(sink, "x") as home:
        told: list[tuple[str, bool]] = []
        lines: list[Any] = []
        home.hub.logged = lines.extend
        link = home.children["x"].link
        link.request_log = lambda template, probes: told.append((template, probes))
        home.hub.log_requests("t", probes=True)
        await wait_until(lambda: told == [("t", True)])
        link.log_lines([("ns", "p", "text")])
        await wait_until(lambda: lines == [("ns", "p", "text")])
        link._transport.abort()  # type: ignore[union-attr]
        await wait_until(lambda: told == [("t", True)] * 2)


async def test_an_older_member_is_not_told(sink: Any) -> None:
    async with linked(sink) as home:
        home.hub.log_requests("t", probes=False)
        reader, writer = await asyncio.open_connection(*home.hub.address)
        writer.write(encode("hello", token="secret", name="old", peer=["h", 1], pid=1, holds=[]))
        assert b'"welcome"' in await reader.readline()
        home.hub.log_requests("", probes=False)
        home.hub.restarting()
        assert b'"restarting"' in await reader.readline()
        writer.close()

"""An activator that loses the control process, and finds it again."""

from __future__ import annotations

from typing import Any

import pytest

from activator.backend import Share
from activator.hub import Hub
from activator.link import Link
from tanebi.base.clock import SystemClock
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until
from tests.activator.linked import HOST, REVISION, linked

pytestmark = pytest.mark.anyio


def cut(hub: Hub) -> None:
    for member in hub.members.values():
        assert member.line is not None
        member.line.close()


async def test_it_comes_back_and_keeps_its_pods_meanwhile(sink: Any) -> None:
    async with (
        serving(answering(lambda head, body: ok(b"hi"))) as pod,
        linked(sink, "x") as home,
    ):
        child = home.children["x"]
        home.pods(pod)
        await wait_until(lambda: child.backend.throttler.targets)
        cut(home.hub)
        client = await home.client(child)
        client.get(host=HOST)
        assert (await client.answer()).body == b"hi"
        await wait_until(lambda: len(child.welcomes) == 2)
        assert home.hub.members["x"].line is not None
        assert [t.address for t in child.backend.throttler.targets] == [pod]


async def test_a_poke_that_could_not_be_sent_is_sent_later(sink: Any) -> None:
    async with linked(sink, "x") as home:
        child = home.children["x"]
        cut(home.hub)
        await wait_until(lambda: child.link._transport is None)
        child.link.poke(REVISION, 0.0)
        await wait_until(lambda: REVISION in sink.pokes)


async def test_alone_it_leaves_divided_pods_to_others(
    sink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activator.link.RETRY_FIRST_S", 60.0)
    monkeypatch.setattr("activator.link.RETRY_MAX_S", 60.0)
    async with linked(sink, "x") as home:
        child = home.children["x"]
        home.pods(("127.0.0.1", 9))
        await wait_until(lambda: child.backend.throttler.targets)
        child.link._patience_s = 0.1
        cut(home.hub)
        await wait_until(lambda: not child.backend.throttler.targets)
        assert child.link._held[REVISION].own == {("127.0.0.1", 9)}


async def test_hosts_that_the_control_process_answers_are_told(sink: Any) -> None:
    async with linked(sink, "x") as home:
        ((hosts, control),) = home.children["x"].welcomes
        assert (list(hosts), control) == ([], home.control.address)


def test_without_a_connection_nothing_is_lost_that_matters() -> None:
    link = Link(SystemClock(), token="t", name="x")
    link.report([], 0.0)
    link.poke(REVISION, 0.0)
    link.log_lines([("ns", "p", "a"), ("ns", "p", "b")])
    assert link.lost_lines == 2
    link.request_log("t", False)
    assert list(link._pokes) == [REVISION]
    assert link._held == {}
    assert Share() == Share(frozenset(), frozenset(), ())

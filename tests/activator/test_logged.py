"""Requests that leave a line, on real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from activator.facts import EndpointFacts, RevisionFacts
from activator.logged import LoggedExchange
from activator.proxy import Exchange
from activator.table import Path, Split, Table
from tanebi.api.meta import Key
from tanebi.testing.h2 import connect_h2
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until
from tests.activator.linked import HOST, linked
from tests.activator.test_courier import courier_of, send
from tests.activator.test_requestlog import Kept

pytestmark = pytest.mark.anyio

TEMPLATE = (
    "{{.Revision.PodName}} {{.Request.Method}} {{.Request.RequestURI}} {{.Request.Proto}}"
    ' {{.Response.Code}} {{.Response.Size}} {{.Request.Header.Get "x-n"}}'
)


def pod(w: Any, address: tuple[str, int]) -> None:
    w.backend.set_endpoints({address: EndpointFacts(address, True, False, pod="p")})


async def test_only_while_it_is_wanted(world: Any, host: str) -> None:
    kept = Kept(TEMPLATE)
    async with world() as w, serving(answering(lambda head, body: ok(b"hi"))) as app:
        pod(w, app)
        client = await w.client()
        for log, kind in ((None, Exchange), (kept.log, LoggedExchange), (None, Exchange)):
            w.gateway.log_requests(log)
            assert w.gateway._around.exchange is kind
            client.get("/a", host=host)
            assert (await client.answer()).body == b"hi"
    assert kept.lines == [("default", "p", "p GET /a HTTP/1.1 200 2 ")]


async def test_each_of_those_that_come_at_once(world: Any, host: str) -> None:
    kept = Kept(TEMPLATE)
    async with world() as w, serving(answering(lambda head, body: ok(b"hi"))) as app:
        pod(w, app)
        w.gateway.log_requests(kept.log)
        client = await w.client()
        for number in range(3):
            client.get(f"/{number}", host=host, extra=f"X-N: {number}\r\n")
        for _ in range(3):
            await client.answer()
    assert [text for _, _, text in kept.lines] == [
        f"p GET /{number} HTTP/1.1 200 2 {number}" for number in range(3)
    ]


async def test_http2_is_told_and_where_it_came_from(world: Any, host: str) -> None:
    kept = Kept("{{.Request.Proto}} {{.Request.Host}} {{.Request.RemoteAddr}} {{.Response.Size}}")
    async with world() as w, serving(answering(lambda head, body: ok(b"hi"))) as app:
        pod(w, app)
        w.gateway.log_requests(kept.log)
        client = await connect_h2(w.gateway.address)
        assert (await client.get(host=host)).body == b"hi"
        own = client.writer.get_extra_info("sockname")
        client.close()
    assert [text for _, _, text in kept.lines] == [f"HTTP/2.0 {host} {own[0]}:{own[1]} 2"]


async def test_refusals_have_no_pod(world: Any, host: str) -> None:
    kept = Kept(TEMPLATE)
    async with world(RevisionFacts(timeout_s=0.05)) as w:
        w.gateway.log_requests(kept.log)
        client = await w.client()
        client.get(host=host)
        answer = await client.answer()
        assert answer.status == 503
    assert kept.lines == [("default", "", f" GET / HTTP/1.1 503 {len(answer.body)} ")]


async def test_a_plain_service_leaves_none(world: Any) -> None:
    kept = Kept(TEMPLATE)
    service = Key("default", "plain")
    async with world() as w, serving(answering(lambda head, body: ok(b"hi"))) as app:
        w.gateway.log_requests(kept.log)
        path = Path("", (Split(service, 100, port=80),), 100)
        w.gateway.router.set_table(Table({"plain.example": (path,)}))
        backend = w.gateway.router.set_service(service, {80: "http"})[80]
        backend.set_endpoints({app: EndpointFacts(app, True, False)})
        client = await w.client()
        client.get(host="plain.example")
        assert (await client.answer()).status == 200
    assert kept.lines == []


@pytest.mark.parametrize("probes", [False, True])
async def test_probes_leave_one_only_when_asked(world: Any, host: str, probes: bool) -> None:
    kept = Kept(TEMPLATE, probes=probes)
    async with world() as w:
        pod(w, ("127.0.0.1", 9))
        w.gateway.log_requests(kept.log)
        client = await w.client()
        client.get(host=host, extra="User-Agent: kube-probe/1.32\r\n")
        assert (await client.answer()).status == 200
    assert kept.lines == ([("default", "p", "p GET / HTTP/1.1 200 0 ")] if probes else [])


async def test_of_two_activators_the_one_that_has_the_pod_logs(sink: Any) -> None:
    async with (
        serving(answering(lambda head, body: ok(b"hi"))) as app,
        linked(sink, "x", "y") as home,
    ):
        home.pods(app)
        kept = {name: Kept(TEMPLATE) for name in home.children}
        for name, child in home.children.items():
            child.gateway.log_requests(kept[name].log)
            await wait_until(lambda child=child: child.backend.throttler.targets)  # type: ignore[misc]
        for child in home.children.values():
            client = await home.client(child)
            client.get("/a", host=HOST)
            assert (await client.answer()).status == 200
        for one in kept.values():
            one.log.flush()
        owner = next(n for n, c in home.children.items() if not c.backend.throttler.targets[0].peer)
        assert {name: len(one.lines) for name, one in kept.items()} == {
            name: 2 if name == owner else 0 for name in kept
        }


async def test_a_delivery_leaves_one_too(world: Any, host: str) -> None:
    kept = Kept(TEMPLATE)
    async with world() as w, serving(answering(lambda head, body: ok(b"hi"))) as app:
        pod(w, app)
        courier = courier_of(w)
        courier.log = kept.log
        assert (await send(courier, f"http://{host}/e")).status == 200
        kept.log.flush()
    assert kept.lines == [("default", "p", "p POST /e HTTP/1.1 200 2 ")]


async def test_a_probes_line_names_the_revision_that_answered(
    world: Any, host: str, revision: Key
) -> None:
    kept = Kept("{{.Revision.Name}} {{.Response.Code}}", probes=True)
    other = Key("default", "hello-00002")
    async with world() as w:
        pod(w, ("127.0.0.1", 9))  # the other one has none: its answer is 503
        w.gateway.router.set_revision(other, RevisionFacts())
        half = Path("", (Split(revision, 50), Split(other, 100)), 100)
        w.gateway.router.set_table(Table({host: (half,)}))
        w.gateway.log_requests(kept.log)
        client = await w.client()
        answers = []
        for _ in range(20):
            client.get(
                host=host, extra="User-Agent: Knative-Activator-Probe\r\nK-Network-Probe: queue\r\n"
            )
            answers.append((await client.answer()).status)
        w.gateway.log_requests(None)
    assert set(answers) == {200, 503}
    answered_by = {200: revision.name, 503: other.name}
    assert [text for _, _, text in kept.lines] == [f"{answered_by[a]} {a}" for a in answers]

"""The front door: routes, probes, mounted handlers, and starting and stopping."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from activator.gateway import Gateway
from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.http.messages import HttpRequest, HttpResponse
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Handler:
    body_max = 10

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        return HttpResponse(202, ((b"X-A", b"b"),), b"taken")


async def test_an_unknown_host_gets_a_helpful_404(world: Any) -> None:
    async with world() as w:
        client = await w.client()
        client.get(host="nobody.example:80")
        answer = await client.answer()
        assert answer.status == 404
        assert b'no service answers to the host "nobody.example"' in answer.body
        assert b"tanebi get ksvc" in answer.body


async def test_a_route_to_a_revision_that_does_not_exist(
    world: Any, host: str, revision: Any
) -> None:
    async with world() as w:
        w.gateway.router.remove_revision(revision)
        client = await w.client()
        client.get(host=host)
        answer = await client.answer()
        assert (answer.status, b"no revision serves" in answer.body) == (404, True)


@pytest.mark.parametrize(
    ("extra", "status", "body"),
    [
        ("K-Network-Probe: activator\r\n", 200, b"activator"),
        ("K-Network-Probe: other\r\n", 400, b"unexpected probe header value: other\n"),
        ("User-Agent: kube-probe/1.32\r\n", 200, b""),
        ("User-Agent: curl/8\r\n", 503, b"activator request timeout\n"),
    ],
)
async def test_probes(world: Any, host: str, extra: str, status: int, body: bytes) -> None:
    from activator.facts import RevisionFacts

    async with world(RevisionFacts(timeout_s=0.2)) as w:
        client = await w.client()
        client.get("/healthz", host=host, extra=extra)
        answer = await client.answer()
        assert (answer.status, answer.body) == (status, body)


async def test_a_mounted_handler_answers_in_the_process(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost", "broker.ns.svc.cluster.local"], handler)
        client = await w.client()
        for host in ("Broker.ns.svc.cluster.local:80", "localhost:1", "127.0.0.1"):
            client.send(
                b"POST /ns/b?x HTTP/1.1\r\nHost: %b\r\nce-Id: 1\r\nContent-Length: 2\r\n\r\nhi"
                % host.encode()
            )
            answer = await client.answer()
            assert (answer.status, answer.body, answer.header("x-a")) == (202, b"taken", b"b")
        first = handler.seen[0]
        assert (first.method, first.host, first.target, first.body) == (
            "POST",
            "broker.ns.svc.cluster.local",
            "/ns/b?x",
            b"hi",
        )
        assert (b"ce-Id", b"1") in list(first.headers)


async def test_url_and_address(world: Any) -> None:
    async with world() as w:
        host, port = w.gateway.address
        assert w.gateway.url == f"http://{host}:{port}"
        assert port > 0


async def test_a_taken_port(sink: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway = Gateway(
            "127.0.0.1",
            taken.getsockname()[1],
            clock=SystemClock(),
            rng=random.Random(1),
            sink=sink,
        )
        with pytest.raises(UserError, match="cannot listen"):
            await gateway.run()


async def test_a_request_under_way_survives_the_stop(world: Callable[..., Any], host: str) -> None:
    from tanebi.http.server import ServerLimits

    entered, go = anyio.Event(), anyio.Event()

    async def app(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        entered.set()
        await go.wait()
        writer.write(ok(b"late"))

    async with serving(app) as address, world(limits=ServerLimits(drain_s=5)) as w:
        w.pods(address)
        client = await w.client()
        client.get(host=host)
        await entered.wait()
        async with anyio.create_task_group() as tasks:

            async def finish() -> None:
                await anyio.sleep(0.3)
                go.set()

            tasks.start_soon(finish)
            assert (await client.answer()).body == b"late"


async def test_load_is_reported_every_second_and_once_with_zero(
    world: Any, host: str, revision: Any
) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=host)
        await client.answer()
        await wait_until(lambda: len(w.sink.reports) >= 2, 5)
        await anyio.sleep(1.1)
        first, second = w.sink.reports
        assert first.revision == second.revision == revision
        assert 0 < first.requests <= 1.1
        assert (second.concurrency, second.requests) == (0, 0)


async def test_a_bug_in_one_request_does_not_end_the_gateway(world: Any, host: str) -> None:
    async def bug() -> None:
        raise RuntimeError("a bug")

    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        w.pods(app)
        await w.gateway.spawn(bug())
        client = await w.client()
        client.get(host=host)
        assert (await client.answer()).body == b"x"

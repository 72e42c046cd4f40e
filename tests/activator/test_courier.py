"""One request wherever a URL leads."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from activator.courier import Courier
from activator.facts import RevisionFacts
from tanebi.base.clock import SystemClock
from tanebi.http.errors import CapacityTimeout, ConnectFailed, ExchangeTimeout, ResponseTooLarge
from tanebi.http.messages import HttpRequest, HttpResponse
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Handler:
    body_max = 100

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        if request.target == "/slow":
            await anyio.sleep_forever()
        return HttpResponse(202, (), b"x" * 50)


async def send(courier: Courier, url: str, body: bytes = b"data", **change: Any) -> HttpResponse:
    limits = {"wait_s": 2.0, "timeout_s": 2.0, "response_max": 1000, **change}
    return await courier.send("POST", url, ((b"ce-id", b"1"),), body, **limits)


def courier_of(w: Any) -> Courier:
    return Courier(w.gateway.router, SystemClock(), upstreams=w.gateway.upstreams)


async def test_a_broker_is_answered_in_the_process(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["broker-ingress.ns.svc.cluster.local"], handler)
        url = "http://Broker-ingress.ns.svc.cluster.local/ns/b?x"
        answer = await send(courier_of(w), url)
        assert answer.status == 202
        assert (handler.seen[0].host, handler.seen[0].target, handler.seen[0].body) == (
            "broker-ingress.ns.svc.cluster.local",
            "/ns/b?x",
            b"data",
        )
        assert (await send(courier_of(w), url, b"x" * 101)).status == 413
        with pytest.raises(ResponseTooLarge):
            await send(courier_of(w), url, response_max=10)
        with pytest.raises(ExchangeTimeout):
            await send(courier_of(w), url.replace("/ns/b?x", "/slow"), timeout_s=0.05)


async def test_a_service_here_is_woken_and_waits_for_room(
    world: Any, host: str, revision: Any
) -> None:
    heads: list[bytes] = []

    def respond(head: bytes, body: bytes) -> bytes:
        heads.append(head)
        return ok(body)

    async with world(RevisionFacts(concurrency=1)) as w, serving(answering(respond)) as app:
        courier = courier_of(w)
        with pytest.raises(CapacityTimeout):
            await send(courier, f"http://{host}/x", wait_s=0.05)
        assert w.sink.pokes == [revision]
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(send, courier, f"http://{host}/x")
            await wait_until(lambda: w.backend.throttler.waiting == 5)
            w.pods(app)
        assert len(heads) == 5
        assert heads[0].startswith(f"POST /x HTTP/1.1\r\nHost: {host}\r\nce-id: 1\r\n".encode())
        assert (w.backend.throttler.in_flight, w.backend.meter.concurrency) == (0, 0)


async def test_a_pod_that_refuses_is_left_for_another(world: Any, host: str) -> None:
    async with serving(answering(lambda head, body: ok(b""))) as gone:
        pass
    async with world() as w, serving(answering(lambda head, body: ok(b"other"))) as app:
        w.pods(gone)
        async with anyio.create_task_group() as tasks:
            got: list[HttpResponse] = []

            async def wait() -> None:
                got.append(await send(courier_of(w), f"http://{host}/"))

            tasks.start_soon(wait)
            await wait_until(lambda: w.backend.throttler.waiting == 1)
            w.pods(gone, app)
        assert got[0].body == b"other"


async def test_other_addresses_are_dialled_as_they_are(world: Any) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(head))) as app:
        courier = courier_of(w)
        answer = await send(courier, f"http://127.0.0.1:{app[1]}/out")
        assert answer.body.startswith(b"POST /out HTTP/1.1\r\n")
        courier.close()
    with pytest.raises(ConnectFailed):
        await send(courier, f"http://127.0.0.1:{app[1]}/out")
    with pytest.raises(ValueError, match="not an absolute"):
        await send(courier, "nonsense")

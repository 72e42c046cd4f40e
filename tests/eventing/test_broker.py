"""The broker service from the ingress to the subscriber, on a real log."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from eventing.api.kinds import BROKER, TRIGGER
from eventing.broker import BrokerService
from eventing.log import Name
from eventing.sqlitelog import SqliteEventLog
from tanebi.api.meta import Key, Obj
from tanebi.base.clock import SystemClock
from tanebi.http.errors import ConnectFailed, ResponseTooLarge
from tanebi.http.messages import HttpRequest, HttpResponse
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

SINK, DLS = "http://sink/", "http://dls/"
FAST = {"backoffPolicy": "linear", "backoffDelay": "PT0.001S"}
Make = Callable[..., Obj]
Serve = Callable[[], AbstractAsyncContextManager[BrokerService]]


@pytest.fixture
def serve(tmp_path: Path, world: Any, peer: Any) -> Serve:
    """Starts the service, on the same file each time."""

    @asynccontextmanager
    async def served() -> AsyncIterator[BrokerService]:
        clock = SystemClock()
        log = SqliteEventLog(tmp_path / "events.db", clock)
        service = BrokerService(world, log, sender=peer, clock=clock)
        async with anyio.create_task_group() as tg:
            await tg.start(service.run)
            yield service
            tg.cancel_scope.cancel()

    return served


def post(
    *, id: str = "1", path: str = "/shop/default", body: bytes = b'{"n": 1.50}', **attributes: str
) -> HttpRequest:
    said = {"specversion": "1.0", "id": id, "source": "/s", "type": "order", **attributes}
    headers = [(f"ce-{k}".encode(), v.encode()) for k, v in said.items()]
    headers.append((b"Content-Type", b"application/json"))
    return HttpRequest("POST", "broker-ingress", path, headers, body)


async def test_an_event_reaches_its_subscriber_unchanged(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger())
    async with serve() as service:
        answer = await service.ingress.handle(post(time="2026-01-01T00:00:00.10+01:00", n="%C3%A9"))
        assert answer.status == 202
        await wait_until(lambda: peer.at(SINK))
        await wait_until(lambda: service.backlog(Key("shop", "audit")) == 0)
    (got,) = peer.received
    assert got.body == b'{"n": 1.50}'
    assert got.headers["content-type"] == "application/json"
    assert got.headers["ce-time"] == "2026-01-01T00:00:00.10+01:00"
    assert got.headers["ce-n"] == "%C3%A9"
    assert got.headers["prefer"] == "reply"
    assert got.headers["kn-namespace"] == "shop"
    assert "ce-knativearrivaltime" in got.headers
    assert "ce-knativebrokerttl" not in got.headers


async def test_filters_choose(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(filter={"attributes": {"type": "payment"}}))
    world.put(TRIGGER, make_trigger("all", uid="t-2", to="http://all/"))
    async with serve() as service:
        await service.ingress.handle(post(id="1"))
        await service.ingress.handle(post(id="2", type="payment"))
        await wait_until(lambda: len(peer.received) == 3)
    assert [r.event.attributes["id"] for r in peer.at(SINK)] == ["2"]
    assert [r.event.attributes["id"] for r in peer.at("http://all/")] == ["1", "2"]


async def test_a_reply_enters_the_broker_with_one_hop_less(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    def reply(got: Any) -> HttpResponse:
        headers = [
            (b"ce-specversion", b"1.0"),
            (b"ce-id", b"r-1"),
            (b"ce-source", b"/orders"),
            (b"ce-type", b"order.done"),
        ]
        return HttpResponse(200, headers, b"done")

    peer.answers[SINK] = reply
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(filter={"attributes": {"type": "order"}}))
    world.put(
        TRIGGER,
        make_trigger(
            "done", uid="t-2", to="http://done/", filter={"attributes": {"type": "order.done"}}
        ),
    )
    async with serve() as service:
        await service.ingress.handle(post())
        (got,) = await wait_until(lambda: peer.at("http://done/"))
        assert (got.body, got.event.attributes["source"]) == (b"done", "/orders")


async def test_a_loop_of_replies_ends(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    """Each reply matches the trigger again: the hop limit stops it, and the last one is a dead letter."""
    peer.answers[SINK] = lambda got: HttpResponse(
        200, [(f"ce-{k}".encode(), v.encode()) for k, v in got.event.attributes.items()], b"x"
    )
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(dls=DLS, delivery=FAST))
    async with serve() as service:
        answer = await service.ingress.handle(post(knativebrokerttl="4"))
        assert answer.status == 202
        (dead,) = await wait_until(lambda: peer.at(DLS))
        assert dead.headers["ce-knativeerrorcode"] == "400"
        assert len(peer.at(SINK)) == 3
        assert (await service.ingress.handle(post(knativebrokerttl="1"))).status == 400


async def test_retries_then_the_dead_letter_sink(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    peer.answers[SINK] = lambda got: HttpResponse(500, (), b"broken")
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(dls=DLS, delivery={"retry": 2, **FAST}))
    async with serve() as service:
        await service.ingress.handle(post())
        (dead,) = await wait_until(lambda: peer.at(DLS))
        assert len(peer.at(SINK)) == 3
        assert dead.body == b'{"n": 1.50}'
        assert dead.headers["ce-knativeerrordest"] == SINK
        assert dead.headers["ce-knativeerrorcode"] == "500"
        assert base64.b64decode(dead.headers["ce-knativeerrordata"]) == b"broken"
        await wait_until(lambda: service.backlog(Key("shop", "audit")) == 0)


@pytest.mark.parametrize(
    "answer",
    [HttpResponse(422), HttpResponse(400, (), b"no"), HttpResponse(302)],
    ids=lambda answer: str(answer.status),
)
async def test_what_is_not_retriable_goes_to_the_sink_at_once(
    serve: Serve,
    world: Any,
    peer: Any,
    make_broker: Make,
    make_trigger: Make,
    answer: HttpResponse,
) -> None:
    peer.answers[SINK] = lambda got: answer
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(dls=DLS, delivery={"retry": 5, **FAST}))
    async with serve() as service:
        await service.ingress.handle(post())
        await wait_until(lambda: peer.at(DLS))
        assert len(peer.at(SINK)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        ConnectFailed("connect-failed", "nobody listens"),
        ResponseTooLarge("too-large", "the answer is longer than 10 MiB"),
        ValueError("a bug in the sender, or a URL it cannot use"),
        HttpResponse(200, (), b"<html>garbage"),
        HttpResponse(200, ((b"ce-specversion", b"1.0"),), b""),
    ],
)
async def test_failures_of_every_kind_are_retried_and_buried(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make, answer: Any
) -> None:
    peer.answers[SINK] = lambda got: answer
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(delivery={"retry": 1, **FAST}))
    async with serve() as service:
        await service.ingress.handle(post())
        await wait_until(lambda: service.backlog(Key("shop", "audit")) == 0)
        assert len(peer.at(SINK)) == 2
        letters = service.dead_letters(Name("shop", "audit", "t-1"), limit=5)
        (dead,) = await letters
        assert dead.event.data == b'{"n": 1.50}'
        assert dead.failure.url == SINK


async def test_a_failing_sink_of_dead_letters_is_retried_and_then_buried(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    peer.answers[SINK] = lambda got: HttpResponse(500)
    peer.answers[DLS] = lambda got: HttpResponse(503)
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(dls=DLS, delivery={"retry": 2, **FAST}))
    async with serve() as service:
        await service.ingress.handle(post())
        await wait_until(lambda: service.backlog(Key("shop", "audit")) == 0)
        assert (len(peer.at(SINK)), len(peer.at(DLS))) == (3, 3)
        (dead,) = await service.dead_letters(Name("shop", "audit", "t-1"), limit=5)
        assert dead.failure.status == 500, "what failed first is what matters"


async def test_a_hung_subscriber_does_not_hold_up_another(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    async def never() -> HttpResponse:
        await anyio.sleep_forever()
        raise AssertionError

    peer.answers["http://hung/"] = lambda got: never()
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger())
    world.put(TRIGGER, make_trigger("hung", uid="t-2", to="http://hung/"))
    async with serve() as service:
        for number in range(500):
            assert (await service.ingress.handle(post(id=str(number)))).status == 202
        await wait_until(lambda: len(peer.at(SINK)) == 500)
        assert service.backlog(Key("shop", "hung")) == 500
        assert len(peer.at("http://hung/")) <= 16


async def test_the_order_of_creation_does_not_matter(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    async with serve() as service:
        assert (await service.ingress.handle(post())).status == 404
        world.put(TRIGGER, make_trigger(to=""))
        world.put(BROKER, make_broker())
        assert (await service.ingress.handle(post(id="2"))).status == 202
        assert service.backlog(Key("shop", "audit")) == 1, "it waits for its subscriber"
        world.put(TRIGGER, make_trigger())
        await wait_until(lambda: peer.at(SINK))
        assert peer.received[0].event.attributes["id"] == "2"


async def test_what_was_accepted_is_delivered_after_a_restart(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(to=""))
    async with serve() as service:
        for number in range(50):
            assert (await service.ingress.handle(post(id=str(number)))).status == 202
    world.put(TRIGGER, make_trigger())
    async with serve() as service:
        await wait_until(lambda: len(peer.received) == 50)
        await wait_until(lambda: service.backlog(Key("shop", "audit")) == 0)
    async with serve() as service:
        await anyio.sleep(0.05)
        assert len(peer.received) == 50


async def test_a_recreated_trigger_begins_at_the_end(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(to=""))
    async with serve() as service:
        await service.ingress.handle(post(id="1"))
        world.remove(TRIGGER, "shop", "audit")
        assert service.backlog(Key("shop", "audit")) is None
        world.put(TRIGGER, make_trigger(uid="t-9"))
        await service.ingress.handle(post(id="2"))
        await wait_until(lambda: peer.received)
    assert [r.event.attributes["id"] for r in peer.received] == ["2"]


async def test_a_deleted_broker_takes_its_events_with_it(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(to=""))
    async with serve() as service:
        await service.ingress.handle(post(id="1"))
        world.remove(BROKER, "shop", "default")
        assert (await service.ingress.handle(post(id="2"))).status == 404
        world.put(BROKER, make_broker(uid="b-2"))
        world.put(TRIGGER, make_trigger())
        await service.ingress.handle(post(id="3"))
        await wait_until(lambda: peer.received)
    assert [r.event.attributes["id"] for r in peer.received] == ["3"]


async def test_objects_deleted_while_nobody_watched_are_forgotten(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(BROKER, make_broker("gone", uid="b-2"))
    world.put(TRIGGER, make_trigger(to=""))
    world.put(TRIGGER, make_trigger("old", uid="t-2", to=""))
    async with serve() as service:
        await service.ingress.handle(post())
    world.remove(BROKER, "shop", "gone")
    world.remove(TRIGGER, "shop", "old")
    async with serve() as service:
        assert service.backlog(Key("shop", "audit")) == 1
        assert service.known() == ({Name("shop", "default", "b-1")}, {Name("shop", "audit", "t-1")})


async def test_brokers_of_another_class_are_ignored(
    serve: Serve, world: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker(cls="Kafka"))
    world.put(TRIGGER, make_trigger())
    async with serve() as service:
        assert (await service.ingress.handle(post())).status == 404
        assert service.backlog(Key("shop", "audit")) is None


async def test_the_brokers_delivery_holds_where_the_trigger_says_nothing(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    peer.answers[SINK] = lambda got: HttpResponse(500)
    world.put(BROKER, make_broker(delivery={"retry": 2, **FAST}))
    world.put(TRIGGER, make_trigger(dls=DLS))
    async with serve() as service:
        await service.ingress.handle(post())
        await wait_until(lambda: peer.at(DLS))
        assert len(peer.at(SINK)) == 3


async def test_structured_delivery(
    serve: Serve, world: Any, peer: Any, make_broker: Make, make_trigger: Make
) -> None:
    world.put(BROKER, make_broker())
    world.put(TRIGGER, make_trigger(delivery={"format": "json"}))
    async with serve() as service:
        await service.ingress.handle(post())
        (got,) = await wait_until(lambda: peer.at(SINK))
        assert got.headers["content-type"].startswith("application/cloudevents+json")
        assert b'"data":{"n": 1.50}' in got.body

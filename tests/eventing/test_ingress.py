"""The door for events: what is let in, and what is said to the rest."""

from __future__ import annotations

import pytest

from eventing.events import ARRIVAL, TTL, BadEvent, Event
from eventing.ingress import EVENT_BYTES_MAX, Ingress, Intake
from eventing.log import Name
from tanebi.api.meta import Key
from tanebi.base.errors import Unavailable
from tanebi.http.messages import HttpRequest, HttpResponse, header
from tanebi.testing.clock import FakeClock

pytestmark = pytest.mark.anyio

BROKER = Name("shop", "default", "b-1")
HEADERS = [
    (b"ce-specversion", b"1.0"),
    (b"ce-id", b"1"),
    (b"ce-source", b"/s"),
    (b"ce-type", b"t"),
]


class Appends:
    """As much of an event log as the ingress uses."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None

    async def append(self, owner: Name, event: Event) -> None:
        assert owner == BROKER
        if self.error is not None:
            raise self.error
        self.events.append(event)


@pytest.fixture
def log() -> Appends:
    return Appends()


@pytest.fixture
def ingress(log: Appends) -> Ingress:
    intake = Intake(log, FakeClock())  # type: ignore[arg-type]
    return Ingress(intake, brokers={Key("shop", "default"): BROKER}, ready=True)


def request(method: str = "POST", target: str = "/shop/default") -> HttpRequest:
    return HttpRequest(method, "broker-ingress", target, HEADERS, b"data")


def text(answer: HttpResponse) -> str:
    return answer.body.decode()


async def test_accepted(ingress: Ingress, log: Appends) -> None:
    assert await ingress.handle(request()) == HttpResponse(202)
    (event,) = log.events
    assert event.attributes[TTL] == "255"
    assert event.attributes[ARRIVAL] == "2026-01-01T00:00:00.000000Z"
    assert event.data == b"data"
    assert ingress.body_max == EVENT_BYTES_MAX


@pytest.mark.parametrize("target", ["/shop/default/", "/shop/default?x=/y"])
async def test_paths_that_lead_to_the_broker(ingress: Ingress, target: str) -> None:
    assert (await ingress.handle(request(target=target))).status == 202


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 404),
        ("", 404),
        ("/shop", 400),
        ("/shop/", 400),
        ("/shop/default/more", 400),
        ("//default", 400),
        ("shop/default", 400),
        ("/shop/other", 404),
        ("/other/default", 404),
    ],
)
async def test_paths_that_do_not(ingress: Ingress, target: str, status: int) -> None:
    answer = await ingress.handle(request(target=target))
    assert answer.status == status
    assert text(answer).endswith("\n")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods(ingress: Ingress, method: str) -> None:
    answer = await ingress.handle(request(method))
    assert answer.status == 405
    assert header(answer.headers, b"allow") == b"POST, OPTIONS"


async def test_webhook_handshake(ingress: Ingress) -> None:
    answer = await ingress.handle(request("OPTIONS"))
    assert answer.status == 200
    assert header(answer.headers, b"allow") == b"POST, OPTIONS"
    assert header(answer.headers, b"webhook-allowed-origin") == b"*"
    assert header(answer.headers, b"webhook-allowed-rate") == b"*"


@pytest.mark.parametrize("target", ["/", "/healthz"])
async def test_health(ingress: Ingress, target: str) -> None:
    assert (await ingress.handle(request("GET", target))).status == 200


async def test_no_event(ingress: Ingress) -> None:
    answer = await ingress.handle(HttpRequest("POST", "h", "/shop/default", (), b"{}"))
    assert (answer.status, text(answer)) == (400, "ce-specversion: missing\n")
    batch = [(b"content-type", b"application/cloudevents-batch+json")]
    answer = await ingress.handle(HttpRequest("POST", "h", "/shop/default", batch, b"[]"))
    assert answer.status == 415


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (Unavailable("log-full", "the event log is full", retry_after_s=9.2), 503, b"10"),
        (Unavailable("x", "busy", retry_after_s=0.0), 503, b"1"),
        (KeyError("gone"), 404, None),
    ],
)
async def test_what_cannot_be_stored_is_not_acknowledged(
    ingress: Ingress, log: Appends, error: Exception, status: int, retry_after: bytes | None
) -> None:
    log.error = error
    answer = await ingress.handle(request())
    assert answer.status == status
    assert header(answer.headers, b"retry-after") == retry_after


async def test_before_the_brokers_are_known(ingress: Ingress) -> None:
    ingress.ready = False
    assert (await ingress.handle(request(target="/a/b"))).status == 503
    assert (await ingress.handle(request())).status == 202


@pytest.mark.parametrize(("given", "stored"), [("7", "6"), ("2", "1"), ("many", "254")])
async def test_hops_are_counted_down(
    ingress: Ingress, log: Appends, given: str, stored: str
) -> None:
    event = Event({"specversion": "1.0", "id": "1", "source": "/", "type": "t", TTL: given})
    await ingress.intake.accept(BROKER, event)
    assert log.events[0].attributes[TTL] == stored


@pytest.mark.parametrize("given", ["1", "0", "-4"])
async def test_hops_run_out(ingress: Ingress, log: Appends, given: str) -> None:
    event = Event({"specversion": "1.0", "id": "1", "source": "/", "type": "t", TTL: given})
    with pytest.raises(BadEvent, match="too often"):
        await ingress.intake.accept(BROKER, event)
    assert not log.events

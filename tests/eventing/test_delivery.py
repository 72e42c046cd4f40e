"""The delivery machine, transition by transition."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing.delivery import (
    DONE,
    ERROR_DATA_MAX,
    START,
    Again,
    Bury,
    Done,
    Failure,
    Progress,
    Reply,
    Step,
    Target,
    answered,
    reply_not_stored,
    reply_refused,
    unanswered,
)
from eventing.events import TTL, Event
from eventing.retry import RetryPolicy
from tanebi.http.errors import PeerReset
from tanebi.http.messages import Headers, HttpResponse

WALL = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RetryPolicy(2, "exponential", 1.0)
TARGET = Target("http://sub/", "http://dls/", POLICY)
ALONE = Target("http://sub/", "", POLICY)
SENT = Event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", TTL: "9"})
CE = [(b"ce-specversion", b"1.0"), (b"ce-id", b"2"), (b"ce-source", b"/r"), (b"ce-type", b"r")]
FAILED = Failure("http://sub/", 500, "answered 500", b"why")


def after(
    status: int,
    *,
    headers: Headers = (),
    body: bytes = b"",
    progress: Progress = START,
    target: Target = TARGET,
) -> Step:
    return answered(target, progress, SENT, HttpResponse(status, headers, body), wall=WALL)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_taken(status: int) -> None:
    assert after(status) == DONE


def test_a_reply_carries_the_hop_limit_of_what_it_answers() -> None:
    step = after(200, headers=CE, body=b"data")
    assert isinstance(step, Reply)
    assert step.event.data == b"data"
    assert step.event.attributes["id"] == "2"
    assert step.event.ttl == 9


def test_202_never_carries_a_reply() -> None:
    assert after(202, headers=CE, body=b"data") == DONE


@pytest.mark.parametrize(
    ("headers", "body"),
    [((), b"ok"), (CE[:2], b""), ([(b"content-type", b"application/cloudevents+json")], b"{")],
)
def test_a_malformed_reply_counts_as_502(headers: Headers, body: bytes) -> None:
    assert after(200, headers=headers, body=body) == Again(Progress(1), 1.0)
    last = after(200, headers=headers, body=body, progress=Progress(2))
    assert isinstance(last, Again)
    assert last.progress.failure is not None
    assert (last.progress.failure.status, last.progress.failure.body) == (502, body)


def test_retries_then_the_sink_then_the_grave() -> None:
    assert after(500) == Again(Progress(1), 1.0)
    assert after(500, progress=Progress(1)) == Again(Progress(2), 2.0)
    given_up = after(500, progress=Progress(2), body=b"why")
    assert given_up == Again(Progress(0, FAILED), 0.0)
    assert after(500, progress=Progress(0, FAILED)) == Again(Progress(1, FAILED), 1.0)
    assert after(500, progress=Progress(2, FAILED)) == Bury(FAILED)
    assert after(500, progress=Progress(2), body=b"why", target=ALONE) == Bury(FAILED)


@pytest.mark.parametrize("status", [302, 400, 401, 413, 422])
def test_what_is_not_retriable_is_given_up_at_once(status: int) -> None:
    failure = Failure("http://sub/", status, f"answered {status}")
    assert after(status) == Again(Progress(0, failure), 0.0)
    assert after(status, target=ALONE) == Bury(failure)
    assert after(status, progress=Progress(0, FAILED)) == Bury(FAILED)


def test_the_sinks_answer_is_not_read_as_a_reply() -> None:
    assert after(200, headers=CE, body=b"x", progress=Progress(0, FAILED)) == DONE
    assert after(200, body=b"garbage", progress=Progress(0, FAILED)) == DONE


def test_no_answer() -> None:
    error = PeerReset("peer-reset", "the connection ended early")
    assert unanswered(TARGET, START, error, wall=WALL) == Again(Progress(1), 1.0)
    step = unanswered(ALONE, Progress(2), error, wall=WALL)
    assert step == Bury(Failure("http://sub/", None, "the connection ended early"))


def test_retry_after_is_heeded_where_asked_for() -> None:
    target = Target("http://sub/", "", RetryPolicy(3, retry_after_max_s=60.0))
    assert after(429, headers=[(b"Retry-After", b"9")], target=target) == Again(Progress(1), 9.0)


def test_replies_that_cannot_enter() -> None:
    refused = reply_refused(TARGET, 400, "too many hops")
    assert isinstance(refused, Again)
    assert refused.progress.failure == Failure("http://sub/", 400, "too many hops")
    assert reply_not_stored(TARGET, START, "full", wall=WALL) == Again(Progress(1), 1.0)


def test_extensions_of_a_dead_letter() -> None:
    assert FAILED.extensions() == {
        "knativeerrordest": "http://sub/",
        "knativeerrorcode": "500",
        "knativeerrordata": base64.b64encode(b"why").decode(),
    }
    assert Failure("http://sub/", None, "no answer").extensions() == {
        "knativeerrordest": "http://sub/"
    }
    long = after(400, body=b"x" * 5000, target=ALONE)
    assert isinstance(long, Bury)
    assert len(long.failure.extensions()["knativeerrordata"]) == ERROR_DATA_MAX


@given(st.lists(st.sampled_from([200, 202, 302, 400, 404, 422, 429, 500, 503])), st.booleans())
def test_every_delivery_ends_and_within_its_attempts(statuses: list[int], sink: bool) -> None:
    target = TARGET if sink else ALONE
    progress, sends = START, 0
    for status in [*statuses, *[500] * 10]:
        step = after(status, progress=progress, target=target)
        sends += 1
        if isinstance(step, Done | Bury):
            break
        assert isinstance(step, Again)
        progress = step.progress
    else:
        raise AssertionError("never ends")
    assert sends <= (POLICY.retries + 1) * (2 if sink else 1)

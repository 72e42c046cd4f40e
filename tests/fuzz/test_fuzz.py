"""A slice of each fuzzer, and that the judges see what they should. `make fuzz` runs a million inputs."""

from __future__ import annotations

import pytest

from activator.proxy import Exchange
from tanebi.http.upstream import UpstreamConnection
from tests.fuzz.codec import check_answer, check_requests
from tests.fuzz.exchanges import check


def test_exchanges() -> None:
    for i in range(1500):
        check(f"suite:{i}")


def test_requests() -> None:
    for i in range(3000):
        check_requests(f"suite:{i}")


def test_answers() -> None:
    for i in range(3000):
        check_answer(f"suite:{i}")


def test_a_slot_that_is_not_released_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activator.backend.Backend.release", lambda backend, target: None)
    with pytest.raises(AssertionError, match=r"not released|all have left"):
        for i in range(200):
            check(f"broken:{i}")


def test_a_request_accounted_twice_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Exchange._account

    def twice(exchange: Exchange) -> None:
        account(exchange)
        exchange._backend.counts.by_class[0] += 1

    monkeypatch.setattr(Exchange, "_account", twice)
    with pytest.raises(AssertionError, match="accounted otherwise than once"):
        for i in range(200):
            check(f"broken:{i}")


def test_a_reader_that_takes_too_much_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UpstreamConnection, "_read_rare", lambda connection, headers, seen: seen)
    with pytest.raises(AssertionError, match=r"answer|h11 refuses"):
        for i in range(2000):
            check_answer(f"broken:{i}")

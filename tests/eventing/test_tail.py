"""The newest events in memory."""

from __future__ import annotations

from eventing.events import Event
from eventing.tail import TAIL_BYTES_MAX, TAIL_EVENTS_MAX, Tail


def event(number: int) -> Event:
    return Event({"id": str(number)})


def test_it_knows_what_it_has() -> None:
    tail = Tail(5)
    assert 5 not in tail
    for number in range(5, 10):
        tail.append(event(number), 10)
    assert 4 not in tail
    assert 10 not in tail
    assert tail[7].attributes["id"] == "7"
    assert tail.get(4) is None
    tail.drop_through(6)
    assert (tail.first, len(tail)) == (7, 3)
    tail.drop_through(100)
    assert (tail.first, len(tail)) == (10, 0)
    tail.append(event(10), 10)
    assert 10 in tail


def test_it_is_bounded_in_bytes() -> None:
    tail = Tail(1)
    tail.append(event(1), TAIL_BYTES_MAX)
    tail.append(event(2), 1)
    assert (tail.first, len(tail)) == (2, 1)
    tail.append(event(3), 2 * TAIL_BYTES_MAX)
    assert (tail.first, len(tail)) == (4, 0)


def test_it_is_bounded_in_number() -> None:
    tail = Tail(1)
    for number in range(1, TAIL_EVENTS_MAX + 3):
        tail.append(event(number), 1)
    assert (tail.first, len(tail)) == (3, TAIL_EVENTS_MAX)

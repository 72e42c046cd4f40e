"""A trigger's place: a table of moves, and a machine that plays crashes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from eventing.cursor import LEAD_MAX, RETRIES_MAX, Cursor
from eventing.delivery import START, Failure, Progress

FAILURE = Failure("http://x/", 500, "answered 500")


def test_position_follows_the_oldest_open_event() -> None:
    cursor = Cursor(10)
    assert cursor.take_new(14) == [11, 12, 13, 14]
    cursor.done(12)
    cursor.done(14)
    assert (cursor.position, cursor.backlog(14)) == (10, 2)
    cursor.done(11)
    assert cursor.position == 12
    changes = cursor.take_changes(0.0)
    assert (changes.position, changes.retries, changes.resolved) == (12, {}, ())
    assert not cursor.take_changes(0.0)
    cursor.done(13)
    assert cursor.position == 14


def test_a_retry_lets_the_position_pass() -> None:
    cursor = Cursor(0)
    cursor.take_new(1)
    cursor.again(1, Progress(1), 5.0)
    changes = cursor.take_changes(0.0)
    assert (changes.position, changes.retries) == (1, {1: (Progress(1), 5.0)})
    assert (cursor.retries, cursor.backlog(1), cursor.next_due()) == (1, 1, 5.0)
    assert cursor.take_due(4.9, 10) == []
    assert cursor.take_due(5.0, 10) == [(1, Progress(1))]
    cursor.done(1)
    changes = cursor.take_changes(0.0)
    assert (changes.position, changes.resolved) == (None, (1,))
    assert cursor.backlog(1) == 0


def test_a_retry_that_ends_before_it_was_written_is_only_removed() -> None:
    cursor = Cursor(0)
    cursor.take_new(1)
    cursor.again(1, Progress(1), 0.0)
    cursor.take_due(0.0, 1)
    cursor.bury(1, FAILURE)
    changes = cursor.take_changes(0.0)
    assert (changes.retries, changes.resolved, changes.buried) == ({}, (1,), {1: FAILURE})


def test_events_with_a_retry_entry_are_not_handed_out_as_new() -> None:
    cursor = Cursor(0)
    cursor.load(2, Progress(1), 9.0)
    assert cursor.backlog(3) == 3
    assert cursor.take_new(3) == [1, 3]
    cursor.done(1)
    assert cursor.position == 2


def test_a_retry_that_ends_before_the_reader_comes_by_is_not_new_again() -> None:
    cursor = Cursor(0)
    cursor.load(2, Progress(1), 0.0)
    cursor.take_due(0.0, 1)
    cursor.done(2)
    assert cursor.take_new(2) == [1]
    assert cursor.backlog(2) == 1


def test_a_failing_subscriber_stops_new_events() -> None:
    cursor = Cursor(0)
    for seq in range(1, RETRIES_MAX + 1):
        cursor.take_new(seq)
        cursor.again(seq, Progress(1), 1.0)
    assert cursor.new_max() == 0
    assert cursor.held_back
    cursor.take_due(1.0, 1)
    cursor.done(1)
    assert cursor.new_max() == 1


def test_a_hung_head_is_parked() -> None:
    cursor = Cursor(0)
    last = LEAD_MAX + 10
    for seq in cursor.take_new(last):
        if seq not in (1, 5):
            cursor.done(seq)
    changes = cursor.take_changes(3.0)
    assert changes.retries == {1: (START, 3.0), 5: (START, 3.0)} or 1 in changes.retries
    assert changes.position == cursor.position >= last - LEAD_MAX
    assert cursor.take_due(9.0, 5) == [], "it is still in flight"
    cursor.done(1)
    assert 1 in cursor.take_changes(3.0).resolved


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["take", "due", "done", "again", "bury", "write", "crash"]),
        st.integers(0, 7),
    ),
    max_size=80,
)


@settings(max_examples=300)
@given(MOVES)
def test_no_event_is_lost_whatever_happens(moves: list[tuple[str, int]]) -> None:
    """`disk` plays the tables; after each crash the cursor starts from there. Every event ends done or buried."""
    end = 20
    position, retries, buried = 0, dict[int, Progress](), set[int]()
    cursor, open_, ended = Cursor(0), list[int](), set[int]()

    def write() -> None:
        nonlocal position
        changes = cursor.take_changes(0.0)
        position = position if changes.position is None else changes.position
        for seq, (progress, _) in changes.retries.items():
            retries[seq] = progress
        for seq in changes.resolved:
            retries.pop(seq, None)
        buried.update(changes.buried)

    def restart() -> Cursor:
        fresh = Cursor(position)
        for seq, progress in retries.items():
            fresh.load(seq, progress, 0.0)
        return fresh

    def take(count: int) -> None:
        through = min(end, cursor.next + count)
        open_.extend(cursor.take_new(through))

    for move, which in moves:
        seq = open_.pop(which % len(open_)) if open_ and move in ("done", "again", "bury") else None
        match move:
            case "take":
                take(which)
            case "due":
                open_.extend(s for s, _ in cursor.take_due(1.0, which))
            case "done" if seq is not None:
                cursor.done(seq)
                ended.add(seq)
            case "again" if seq is not None:
                cursor.again(seq, Progress(1), 1.0)
            case "bury" if seq is not None:
                cursor.bury(seq, FAILURE)
            case "write":
                write()
            case "crash":
                cursor, open_ = restart(), []
        assert cursor.backlog(end) >= 0
    while open_ or cursor.next <= end or cursor.next_due() is not None:
        take(end)
        open_.extend(s for s, _ in cursor.take_due(1.0, end))
        while open_:
            seq = open_.pop()
            cursor.done(seq)
            ended.add(seq)
    write()
    assert ended | buried == set(range(1, end + 1))
    assert (position, retries, cursor.backlog(end)) == (end, {}, 0)

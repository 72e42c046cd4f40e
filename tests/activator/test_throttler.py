"""Admission to one revision: policies, and the promises as a state machine."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activator.breaker import Verdict
from activator.throttler import Target, Throttler


def throttler(concurrency: int, pods: int, queue_max: int = 100) -> Throttler[int]:
    made: Throttler[int] = Throttler(concurrency, random.Random(3), queue_max=queue_max)
    for i in range(pods):
        made.add(("10.0.0.1", i))
    return made


def taken(made: Throttler[int], count: int) -> list[int]:
    """The ports that `count` offers go to."""
    found = [made.offer(i) for i in range(count)]
    return [t.address[1] for t in found if isinstance(t, Target)]


def test_up_to_three_the_first_with_room() -> None:
    assert taken(throttler(2, 3), 7) == [0, 0, 1, 1, 2, 2]


def test_above_three_in_turn() -> None:
    assert taken(throttler(4, 3), 6) == [0, 1, 2, 0, 1, 2]


def test_without_a_limit_the_less_busy_of_two() -> None:
    made = throttler(0, 4)
    counts = Counter(taken(made, 400))
    assert sum(counts.values()) == 400
    assert max(counts.values()) - min(counts.values()) <= 10


def test_nothing_goes_where_there_is_no_pod() -> None:
    made = throttler(0, 0, queue_max=1)
    assert made.capacity == 0
    assert [made.offer(1), made.offer(2)] == [Verdict.QUEUED, Verdict.FULL]
    target, granted = made.add(("a", 1))
    assert granted == [(1, target)]


def test_a_closed_target_takes_nothing_and_its_requests_count_no_more() -> None:
    made = throttler(1, 1)
    first = made.offer(1)
    assert isinstance(first, Target)
    made.close(first)
    assert made.offer(2) is Verdict.QUEUED
    assert list(made.release(first)) == []
    assert first.in_flight == 0
    assert made.reopen(first) == [(2, first)]
    assert made.reopen(first) == []


def test_a_release_without_a_grant_is_a_bug() -> None:
    made = throttler(1, 1)
    with pytest.raises(AssertionError, match="without a grant"):
        made.release(made.targets[0])


class Machine(RuleBasedStateMachine):
    """containerConcurrency is never exceeded, no wake-up is lost, the queue is bounded and fair, slots are released once."""

    concurrency = 2

    def __init__(self) -> None:
        super().__init__()
        self.made: Throttler[int] = Throttler(self.concurrency, random.Random(1), queue_max=5)
        self.held: list[tuple[int, Target]] = []
        self.queue: list[int] = []
        self.closed: list[Target] = []
        self.number = 0

    def granted(self, grants: list[tuple[int, Target]]) -> None:
        for who, target in grants:
            assert self.queue.pop(0) == who, "not first in, first out"
            self.held.append((who, target))

    @rule(again=st.booleans())
    def offer(self, again: bool) -> None:
        self.number += 1
        found = self.made.offer(self.number, first=again)
        if isinstance(found, Target):
            self.held.append((self.number, found))
        elif found is Verdict.QUEUED:
            self.queue.insert(0 if again else len(self.queue), self.number)
        else:
            assert len(self.queue) >= 5

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.held))
        self.held.remove(entry)
        self.granted(list(self.made.release(entry[1])))

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.queue))
        self.queue.remove(who)
        assert self.made.cancel(who)

    @precondition(lambda self: len(self.made.targets) < 4)
    @rule()
    def add(self) -> None:
        self.number += 1
        self.granted(self.made.add(("a", self.number))[1])

    @precondition(lambda self: self.made.targets)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(list(self.made.targets)))
        self.made.close(target)
        self.closed.append(target)

    @precondition(lambda self: self.closed)
    @rule()
    def reopen(self) -> None:
        self.granted(self.made.reopen(self.closed.pop()))

    @invariant()
    def promises(self) -> None:
        counts = Counter(target for _, target in self.held)
        for target in (*self.made.targets, *self.closed):
            assert target.in_flight == counts[target]
            assert not self.concurrency or target.peer or target.in_flight <= self.concurrency
        room = any(
            not self.concurrency or t.peer or t.in_flight < self.concurrency
            for t in self.made.targets
        )
        assert not (room and self.queue), "somebody waits although there is room"
        assert self.made.waiting == len(self.queue)


class Unlimited(Machine):
    concurrency = 0


class InTurn(Machine):
    concurrency = 5


class BesideOthers(Machine):
    """Other activators come and go beside pods of our own: they take any number, and nobody waits while one is there."""

    @precondition(lambda self: len(self.made.targets) < 4)
    @rule()
    def add_peer(self) -> None:
        self.number += 1
        self.granted(self.made.add(("peer", self.number), peer=True)[1])


TestMachine = Machine.TestCase
TestBesideOthers = BesideOthers.TestCase
TestUnlimited = Unlimited.TestCase
TestInTurn = InTurn.TestCase
for case in (TestMachine, TestBesideOthers, TestUnlimited, TestInTurn):
    case.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)

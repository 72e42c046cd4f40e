"""Tokens and a queue: bounded, first in first out, nobody waits beside a free token."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activator.breaker import Breaker, Verdict


def test_admits_queues_and_refuses() -> None:
    breaker: Breaker[str] = Breaker(queue_max=2, tokens=1)
    verdicts = [breaker.offer(who) for who in "abcd"]
    assert verdicts == [Verdict.ADMITTED, Verdict.QUEUED, Verdict.QUEUED, Verdict.FULL]
    assert len(breaker) == 2
    assert breaker.add(1) == ["b"]
    assert breaker.add(5) == ["c"]
    assert breaker.tokens == 4
    breaker.remove(4)
    assert breaker.offer("e") is Verdict.QUEUED


def test_one_who_lost_its_place_waits_in_front_even_of_a_full_queue() -> None:
    breaker: Breaker[str] = Breaker(queue_max=1)
    breaker.offer("a")
    assert breaker.offer("again", first=True) is Verdict.QUEUED
    assert breaker.add(2) == ["again", "a"]


def test_cancel() -> None:
    breaker: Breaker[str] = Breaker()
    breaker.offer("a")
    assert "a" in breaker
    assert breaker.cancel("a")
    assert not breaker.cancel("a")
    assert breaker.add(1) == []


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.breaker: Breaker[int] = Breaker(queue_max=3)
        self.queue: list[int] = []
        self.next = 0
        self.added = self.removed = self.admitted = 0

    @rule()
    def offer(self) -> None:
        self.next += 1
        verdict = self.breaker.offer(self.next)
        self.admitted += verdict is Verdict.ADMITTED
        if verdict is Verdict.QUEUED:
            self.queue.append(self.next)
        assert (verdict is Verdict.FULL) == (len(self.queue) == 3 and self.next not in self.queue)

    @rule(tokens=st.integers(0, 4))
    def add(self, tokens: int) -> None:
        self.added += tokens
        admitted = self.breaker.add(tokens)
        assert admitted == self.queue[: len(admitted)]
        self.queue = self.queue[len(admitted) :]
        self.admitted += len(admitted)

    @precondition(lambda self: self.breaker.tokens > 0)
    @rule()
    def remove(self) -> None:
        self.removed += 1
        self.breaker.remove(1)

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(self.queue))
        assert self.breaker.cancel(who)
        self.queue.remove(who)

    @invariant()
    def tokens_add_up_and_nobody_waits_in_vain(self) -> None:
        assert self.breaker.tokens == self.added - self.removed - self.admitted >= 0
        assert not (self.breaker.tokens and len(self.breaker))
        assert len(self.breaker) == len(self.queue) <= 3


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

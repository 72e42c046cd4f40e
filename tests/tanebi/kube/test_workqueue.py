from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tanebi.api.meta import Key
from tanebi.kube.workqueue import BACKOFF_FIRST_S, BACKOFF_MAX_S, STALE_TIMERS_MAX, WorkQueue

A, B, C = Key("ns", "a"), Key("ns", "b"), Key("ns", "c")


def done(
    queue: WorkQueue, key: Key, *, after_s: float | None = None, now: float = 0.0
) -> list[Key]:
    return queue.done(key, ok=True, after_s=after_s, now=now)


def test_a_key_starts_at_once_and_only_once() -> None:
    queue = WorkQueue(2)
    assert queue.add(A) == [A]
    assert queue.add(A) == []
    assert queue.add(B) == [B]


def test_a_key_added_while_it_runs_runs_once_more() -> None:
    queue = WorkQueue(2)
    queue.add(A)
    queue.add(A)
    queue.add(A)
    assert done(queue, A) == [A]
    assert done(queue, A) == []


def test_no_more_run_than_allowed_and_in_order() -> None:
    queue = WorkQueue(1)
    assert queue.add(A) == [A]
    assert queue.add(C) == []
    assert queue.add(B) == []
    assert queue.add(C) == []
    assert len(queue) == 2
    assert done(queue, A) == [C]
    assert done(queue, C) == [B]


def test_a_timed_rerun() -> None:
    queue = WorkQueue(1)
    queue.add(A)
    assert queue.next_wakeup() is None
    done(queue, A, after_s=3.0, now=10.0)
    assert queue.next_wakeup() == 13.0
    assert queue.due(12.9) == []
    assert queue.due(13.0) == [A]
    assert queue.next_wakeup() is None


def test_the_latest_result_decides_the_timer() -> None:
    queue = WorkQueue(1)
    queue.add(A)
    done(queue, A, after_s=3.0, now=10.0)
    queue.add(A)
    done(queue, A, after_s=None, now=11.0)
    assert queue.due(20.0) == []
    queue.add(A)
    done(queue, A, after_s=1.0, now=20.0)
    queue.add(A)
    done(queue, A, after_s=5.0, now=20.0)
    assert queue.due(24.0) == []
    assert queue.due(25.0) == [A]


def test_failures_back_off_and_success_forgives() -> None:
    queue = WorkQueue(1)
    queue.add(A)
    waits = []
    for _ in range(25):
        queue.done(A, ok=False, after_s=None, now=0.0)
        at = queue.next_wakeup()
        assert at is not None
        waits.append(at)
        assert queue.due(at) == [A]
    assert waits[:3] == [BACKOFF_FIRST_S, 2 * BACKOFF_FIRST_S, 4 * BACKOFF_FIRST_S]
    assert waits[-1] == BACKOFF_MAX_S
    done(queue, A)
    queue.add(A)
    queue.done(A, ok=False, after_s=None, now=0.0)
    assert queue.next_wakeup() == BACKOFF_FIRST_S


def test_what_is_forgotten_does_not_come_back() -> None:
    queue = WorkQueue(1)
    queue.add(A)
    queue.done(A, ok=False, after_s=None, now=0.0)
    queue.forget(A)
    assert queue.due(BACKOFF_MAX_S) == []
    queue.add(A)
    queue.done(A, ok=False, after_s=None, now=0.0)
    assert queue.due(BACKOFF_FIRST_S) == [A]


def test_done_without_a_start_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="done without start"):
        done(WorkQueue(1), A)


KEYS = st.sampled_from([Key("ns", name) for name in "abcdef"])


class Machine(RuleBasedStateMachine):
    """Against a model: what runs, what must still run, what is timed."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue(running_max=3)
        self.now = 0.0
        self.running: set[Key] = set()
        self.wanted: set[Key] = set()  # added and not started since
        self.timed: dict[Key, float] = {}
        self.fails: dict[Key, int] = {}

    def started(self, keys: list[Key]) -> None:
        for key in keys:
            assert key not in self.running, "twice at once"
            assert key in self.wanted, "started without a reason"
            self.wanted.remove(key)
            self.running.add(key)

    @rule(key=KEYS)
    def add(self, key: Key) -> None:
        self.wanted.add(key)
        self.started(self.queue.add(key))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), ok=st.booleans(), after_s=st.none() | st.sampled_from([0.0, 0.5, 2.0]))
    def finish(self, data: st.DataObject, ok: bool, after_s: float | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.remove(key)
        self.timed.pop(key, None)
        self.fails[key] = 0 if ok else self.fails.get(key, 0) + 1
        delay = after_s if ok else BACKOFF_FIRST_S * 2.0 ** (self.fails[key] - 1)
        if delay is not None:
            self.timed[key] = self.now + min(delay, BACKOFF_MAX_S)
        self.started(self.queue.done(key, ok=ok, after_s=after_s, now=self.now))

    @rule(seconds=st.sampled_from([0.0, 0.005, 0.1, 1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        fired = {key for key, at in self.timed.items() if at <= self.now}
        self.wanted |= fired
        for key in fired:
            del self.timed[key]
        self.started(self.queue.due(self.now))

    @rule(key=KEYS)
    def forget(self, key: Key) -> None:
        self.queue.forget(key)
        self.timed.pop(key, None)
        self.fails.pop(key, None)

    @invariant()
    def no_lost_wake_up(self) -> None:
        if len(self.running) < 3:
            assert self.wanted <= self.running, "a key waits although a worker is free"

    @invariant()
    def bounded(self) -> None:
        assert len(self.running) <= 3
        assert len(self.queue._timers) <= 2 * len(self.queue._due_at) + STALE_TIMERS_MAX + 1

    @invariant()
    def the_next_wake_up_is_never_late(self) -> None:
        if self.timed:
            at = self.queue.next_wakeup()
            assert at is not None
            assert at <= min(self.timed.values())


Machine.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestMachine = Machine.TestCase

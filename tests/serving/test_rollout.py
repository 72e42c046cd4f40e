"""Gradual rollout: Knative's vectors, and what holds at every moment of any rollout."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.rollout import (
    NANO,
    Part,
    Rollout,
    Share,
    from_json,
    is_done,
    next_step_ns,
    observe_ready,
    step,
    to_json,
    without,
)


def part(*shares: tuple[str, int], percent: int = 100, name: str = "c", tag: str = "") -> Part:
    return Part(name, tag, percent, tuple(Share(*share) for share in shares))


def whole(revision: str, percent: int = 100) -> Rollout:
    return (part((revision, percent), percent=percent),)


def shares(rollout: Rollout, at: int = 0) -> dict[str, int]:
    return {share.revision: share.percent for share in rollout[at].shares}


@pytest.mark.parametrize(
    ("percent", "duration_s", "took_s", "steps", "size", "step_s"),
    [
        (100, 120, 0.3, 99, 1, 119 / 99),
        (100, 120, 10, 11, 9, 10.0),
        (100, 60, 5, 11, 9, 5.0),
        (100, 120, 9.2, 11, 9, 10.0),
        (2, 120, 1, 1, 1, 119.0),
        (100, 3, 10, 1, 99, 1.0),
        (50, 60, 7, 53 / 7, 6, 7.0),
    ],
)
def test_steps(
    percent: int, duration_s: float, took_s: float, steps: float, size: int, step_s: float
) -> None:
    began = (replace(part(("a", percent - 1), ("b", 1), percent=percent), start_ns=NANO),)
    now = NANO + int(took_s * NANO)
    (found,) = observe_ready(began, now_ns=now, duration_s=duration_s)
    assert found.step_percent == size
    assert found.step_ns == pytest.approx(step_s * NANO, abs=2)
    assert found.next_ns == now + found.step_ns
    assert (percent - 1) / steps == pytest.approx(size, abs=0.5)


def test_ready_again_changes_no_steps() -> None:
    began = (replace(part(("a", 99), ("b", 1)), start_ns=1, step_ns=5, next_ns=9, step_percent=7),)
    assert observe_ready(began, now_ns=100 * NANO, duration_s=50) == began
    assert observe_ready(whole("a"), now_ns=100, duration_s=50) == whole("a")


def test_nothing_before_is_nothing_to_roll() -> None:
    assert step(whole("a"), (), now_ns=1) == whole("a")
    assert step(whole("a"), whole("a"), now_ns=1) == whole("a")
    assert next_step_ns(whole("a")) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([("a", 100)], {"a": 99, "b": 1}),
        ([("z", 60), ("a", 40)], {"z": 60, "a": 39, "b": 1}),
        ([("z", 99), ("a", 1)], {"z": 99, "b": 1}),
        ([("y", 1), ("z", 98), ("a", 1)], {"y": 1, "z": 98, "b": 1}),
    ],
)
def test_a_new_revision_begins_with_one_percent(
    before: list[tuple[str, int]], after: dict[str, int]
) -> None:
    found = step(whole("b"), (part(*before),), now_ns=7)
    assert shares(found) == after
    assert (found[0].start_ns, found[0].step_ns, next_step_ns(found)) == (7, 0, None)
    assert step(whole("b"), found, now_ns=10**15) == found, "not before the gateway has followed"


@pytest.mark.parametrize(
    ("before", "size", "after"),
    [
        ([("a", 99), ("b", 1)], 9, {"a": 90, "b": 10}),
        ([("z", 50), ("a", 5), ("b", 45)], 9, {"z": 46, "b": 54}),
        ([("z", 50), ("a", 9), ("b", 41)], 9, {"z": 50, "b": 50}),
        ([("a", 4), ("b", 96)], 9, {"b": 100}),
        ([("z", 3), ("a", 3), ("b", 94)], 99, {"b": 100}),
    ],
)
def test_a_step_takes_from_the_second_newest_backwards(
    before: list[tuple[str, int]], size: int, after: dict[str, int]
) -> None:
    timing = {"start_ns": 1, "step_ns": 10, "next_ns": 20, "step_percent": size}
    rolling = (replace(part(*before), **timing),)
    assert step(whole("b"), rolling, now_ns=19) == rolling
    found = step(whole("b"), rolling, now_ns=20)
    assert shares(found) == after
    assert next_step_ns(found) == (None if is_done(found) else 30)
    if is_done(found):
        assert found == whole("b")


@pytest.mark.parametrize(
    ("percent", "after"),
    [
        (80, {"z": 30, "a": 30, "b": 20}),
        (50, {"a": 30, "b": 20}),
        (20, {"b": 20}),
        (10, {"b": 10}),
        (1, {"b": 1}),
    ],
)
def test_less_for_the_target_is_taken_from_the_oldest(percent: int, after: dict[str, int]) -> None:
    before = (part(("z", 50), ("a", 30), ("b", 20)),)
    assert shares(step(whole("b", percent), before, now_ns=5)) == after


def test_more_for_the_target_goes_to_the_newest() -> None:
    before = (part(("a", 30), ("b", 20), percent=50),)
    assert shares(step(whole("b", 70), before, now_ns=5)) == {"a": 30, "b": 40}
    before = (part(("a", 50), percent=50),)
    assert shares(step(whole("b", 70), before, now_ns=5)) == {"a": 69, "b": 1}


def test_tags_and_configurations_roll_apart() -> None:
    wanted = (part(("b", 100)), part(("b", 100), tag="t"), part(("x", 100), name="d", tag="t"))
    before = (part(("a", 100)), part(("b", 100), tag="t"))
    found = step(wanted, before, now_ns=3)
    assert [shares(found, at) for at in range(3)] == [{"a": 99, "b": 1}, {"b": 100}, {"x": 100}]


def test_one_percent_is_not_rolled() -> None:
    assert step(whole("b", 1), whole("a", 1), now_ns=3) == whole("b", 1)


def test_a_deleted_revision_leaves_its_share_to_the_newest() -> None:
    rolling = (replace(part(("z", 50), ("a", 30), ("b", 20)), start_ns=1, step_ns=2),)
    assert shares(without(rolling, {"z", "b"}.__contains__)) == {"z": 50, "b": 50}
    assert without(rolling, {"b"}.__contains__) == whole("b")
    assert without(rolling, {"z", "a", "b"}.__contains__) == rolling


@given(
    percent=st.integers(2, 100),
    duration_s=st.integers(1, 600),
    took_s=st.floats(0.001, 30),
    arrivals=st.lists(st.integers(0, 40), max_size=3),
)
def test_a_rollout_keeps_the_sum_and_ends(
    percent: int, duration_s: int, took_s: float, arrivals: list[int]
) -> None:
    """Whenever further revisions come: the sum is kept, only the newest grows, and in the end it has everything."""
    newest, state, now = 0, whole("r0", percent), 0
    coming = sorted(arrivals)
    for count in range(1000):
        if coming and count >= coming[0]:
            coming.pop(0)
            newest += 1
        wanted = whole(f"r{newest}", percent)
        found = step(wanted, state, now_ns=max(1, now))
        assert sum(share.percent for share in found[0].shares) == percent
        assert all(share.percent > 0 for share in found[0].shares)
        assert found[0].shares[-1].revision == f"r{newest}"
        assert step(wanted, found, now_ns=max(1, now)) == found, "twice at one time changes nothing"
        assert from_json(to_json(found)) == found
        now += max(1, int(took_s * NANO))
        state = observe_ready(found, now_ns=now, duration_s=duration_s)
        now = max(now, next_step_ns(state) or now)
        if is_done(state) and not coming:
            break
    assert state == whole(f"r{newest}", percent)


@given(percent=st.integers(2, 100), duration_s=st.integers(5, 600), took_s=st.floats(0.001, 4))
def test_it_takes_about_as_long_as_asked(percent: int, duration_s: int, took_s: float) -> None:
    state = step(whole("b", percent), whole("a", percent), now_ns=1)
    now = int(took_s * NANO)
    state = observe_ready(state, now_ns=now, duration_s=duration_s)
    one_step_s = state[0].step_ns / NANO
    while not is_done(state):
        now = next_step_ns(state) or 0
        state = step(whole("b", percent), state, now_ns=now)
    # Sizes are whole percents: rounding up ends it earlier, down later, by half of the steps at most.
    assert 0 < now / NANO <= took_s + 1.5 * duration_s + 2 * one_step_s


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"configurations":[{}]}', "{", '"x"'])
def test_what_is_no_state_is_begun_anew(text: str) -> None:
    assert from_json(text) is None


def test_the_annotation_is_knatives() -> None:
    rolling = replace(
        part(("a", 99), ("b", 1), tag="t"), start_ns=5, step_ns=6, next_ns=7, step_percent=8
    )
    assert to_json((rolling,)) == (
        '{"configurations":[{"configurationName":"c","tag":"t","percent":100,"revisions":'
        '[{"revisionName":"a","percent":99},{"revisionName":"b","percent":1}],'
        '"stepParams":{"starttime":5,"nextStepTime":7,"stepDuration":6,"stepSize":8}}]}'
    )

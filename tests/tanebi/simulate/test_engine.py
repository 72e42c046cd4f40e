"""Promises of the simulator: no request is lost, no pod is overfull, a seed repeats itself, more work costs no less."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanebi.simulate.distribution import parse_distribution
from tanebi.simulate.engine import simulate
from tanebi.simulate.result import Result
from tanebi.simulate.setting import PLAIN, changed
from tanebi.simulate.traffic import Traffic, generate, traffic_rng

SECOND = parse_distribution("1s")
words = st.builds(
    "container-concurrency={},{}".format,
    st.sampled_from([0, 1, 2, 10]),
    st.sampled_from(
        [
            "target=5",
            "max-scale=2",
            "min-scale=2,window=10s",
            "metric=rps,target=10",
            "scale-down-delay=20s",
            "metric-aggregation-algorithm=weighted-exponential",
            "activation-scale=4,scale-to-zero-pod-retention-period=30s",
        ]
    ),
)
shapes = st.sampled_from(
    ["poisson:rate=3", "step:high=15", "ramp:high=25", "spike:high=60,for=5s", "poisson:rate=0.05"]
)


def run(setting: str, shape: str, *, seed: int = 1, duration_s: float = 120) -> Result:
    times = parse_distribution("exp:300ms")
    traffic = generate(shape, duration_s, times, traffic_rng(seed))
    boot = parse_distribution("uniform:500ms,4s")
    return simulate(changed(PLAIN, setting), traffic, boot, seed=seed)


def trace(*requests: tuple[float, float], duration_s: float = 10) -> Traffic:
    at, took = array("d", [r[0] for r in requests]), array("d", [r[1] for r in requests])
    return Traffic("trace", at, took, duration_s)


@settings(max_examples=10, deadline=None)
@given(words, shapes, st.integers(0, 100))
def test_whatever_is_tried(setting: str, shape: str, seed: int) -> None:
    result = run(setting, shape, seed=seed)
    limit = changed(PLAIN, setting).concurrency
    assert result.arrivals == result.answered + result.refused
    assert len(result.latencies) == result.answered
    assert list(result.latencies) == sorted(result.latencies)
    assert not limit or result.busiest_pod <= limit
    assert "max-scale=2" not in setting or max(result.samples.wanted) <= 2
    assert sum(result.samples.arrived) == result.arrivals
    assert result.pod_seconds >= sum(result.samples.ready) - len(result.samples.ready)
    assert all(change.why and change.before != change.after for change in result.changes)
    assert result == run(setting, shape, seed=seed)


@settings(max_examples=5, deadline=None)
@given(st.sampled_from([1, 4, 10]), st.lists(st.integers(1, 40), min_size=2, max_size=2))
def test_more_load_never_costs_fewer_pod_seconds(limit: int, rates: list[int]) -> None:
    """Evenly spaced requests of one length, pods that start at once."""
    costs = []
    for rate in sorted(rates):
        shape = f"step:low={rate},high={rate}"
        traffic = generate(shape, 200, parse_distribution("500ms"), traffic_rng(0))
        setting = changed(PLAIN, f"container-concurrency={limit}")
        costs.append(simulate(setting, traffic, parse_distribution("0s")).pod_seconds)
    assert costs[0] <= costs[1]


def test_one_request_pays_the_cold_start() -> None:
    result = simulate(PLAIN, trace((5.0, 0.2)), SECOND)
    assert list(result.latencies) == pytest.approx([1.2])
    assert (result.wakes, result.pods_started, result.waited_cold) == (1, 1, 1)
    assert next((c.at, c.before, c.after) for c in result.changes) == (5.0, 0, 1)
    assert result.samples.wanted[-1] == 0  # and sleeps again
    asleep_at = result.changes[-1].at
    assert result.pod_seconds == pytest.approx(asleep_at - 5.0)


def test_a_pod_that_is_there_answers_at_once() -> None:
    result = simulate(changed(PLAIN, "min-scale=1"), trace((5.0, 0.2)), SECOND)
    assert list(result.latencies) == pytest.approx([0.2])
    assert (result.wakes, result.waited, result.changes) == (0, 0, [])
    assert result.pod_seconds == result.ended_at


def test_requests_queue_at_a_full_pod_in_order() -> None:
    setting = changed(PLAIN, "min-scale=1,max-scale=1,container-concurrency=1")
    result = simulate(setting, trace((1.0, 1.0), (1.1, 1.0), (1.2, 1.0)), SECOND)
    assert list(result.latencies) == pytest.approx([1.0, 1.9, 2.8])
    assert (result.waited, result.queue_most, result.busiest_pod) == (2, 2, 1)


def test_a_full_queue_refuses() -> None:
    setting = changed(PLAIN, "min-scale=1,max-scale=1,container-concurrency=1")
    flood = trace(*((1.0, 0.01) for _ in range(10_500)))
    result = simulate(setting, flood, SECOND)
    assert (result.queue_most, result.refused, result.answered) == (10_000, 499, 10_001)


def test_it_runs_until_the_last_answer() -> None:
    result = simulate(PLAIN, trace((1.0, 200.0)), SECOND, tail_s=5)
    assert result.ended_at >= 202
    assert result.answered == 1


def test_a_pod_that_leaves_ends_what_it_has() -> None:
    """A long request holds its pod beyond the scale-down; its seconds count."""
    setting = changed(PLAIN, "container-concurrency=1,window=6s,max-scale=5")
    crowd = [(1.0, 0.5) for _ in range(5)] + [(1.0, 0.1) for _ in range(20)]
    result = simulate(setting, trace(*crowd, (2.5, 60.0)), SECOND)
    assert result.answered == result.arrivals
    assert result.busiest_pod == 1
    assert result.pod_seconds > 60


def test_two_settings_meet_the_same_traffic() -> None:
    one, other = (run(words, "poisson:rate=5", seed=3) for words in ("target=1", "target=50"))
    assert one.samples.arrived == other.samples.arrived[: len(one.samples.arrived)]
    assert one.pods_most > other.pods_most


def test_a_request_has_the_time_that_its_revision_gives_it() -> None:
    setting = changed(PLAIN, "min-scale=1,max-scale=1,container-concurrency=1,timeout-seconds=2")
    result = simulate(setting, trace((1.0, 1.5), (1.1, 1.0), (1.2, 0.05), (9.0, 1.0)), SECOND)
    # The second is cut off while it is served; the third waits for its end and makes it just in time.
    assert list(result.latencies) == pytest.approx([1.0, 1.5, 1.95])
    assert (result.answered, result.refused) == (3, 1)


def test_a_new_revision_starts_its_initial_pods() -> None:
    setting = changed(PLAIN, "initial-scale=3,window=10s")
    result = simulate(setting, trace((0.5, 0.1)), SECOND, from_deploy=True)
    assert list(result.latencies) == pytest.approx([0.6])
    assert (result.pods_started, result.wakes) == (3, 0)
    assert (result.samples.wanted[0], result.samples.ready[0]) == (3, 0)
    assert result.changes[0].at >= 1.0  # nothing is taken away before the initial scale is reached
    assert result.samples.wanted[-1] == 0


def test_a_new_revision_that_needs_no_pod_has_none() -> None:
    free = replace(
        PLAIN,
        annotations={"autoscaling.knative.dev/initial-scale": "0"},
        settings=replace(PLAIN.settings, allow_zero_initial_scale=True),
    )
    result = simulate(free, trace((5.0, 0.1)), SECOND, from_deploy=True)
    assert result.samples.wanted[0] == 0
    assert list(result.latencies) == pytest.approx([1.1])


def test_whoever_waits_too_long_gives_up() -> None:
    never = parse_distribution("1h")
    result = simulate(PLAIN, trace((1.0, 1.0), (200.0, 1.0)), never)
    assert (result.answered, result.refused) == (0, 2)
    assert 500 <= result.ended_at < 510

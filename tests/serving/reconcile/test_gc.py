"""Which revisions go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api import CONFIGURATION, REVISION, SERVICE
from serving.api.config_gc import GarbageCollection, parse
from serving.reconcile.gc import Collection, collect, stale_in_s
from tanebi.api.meta import rfc3339
from tanebi.testing.planning import FixedConfigs

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = 3600.0
CONFIG = CONFIGURATION.view(
    {"status": {"latestReadyRevisionName": "ready", "latestCreatedRevisionName": "made"}}
)


def revision(
    name: str,
    *,
    age_h: float = 100,
    unused_h: float | None = None,
    state: str = "reserve",
    **more: str,
) -> Any:
    made = rfc3339(NOW - timedelta(hours=age_h))
    annotations = dict(more)
    if unused_h is not None:
        used = rfc3339(NOW - timedelta(hours=unused_h))
        annotations["serving.knative.dev/routingStateModified"] = used
    labels = {"serving.knative.dev/routingState": state}
    meta = {"name": name, "creationTimestamp": made, "labels": labels, "annotations": annotations}
    return REVISION.view({"metadata": meta})


def gone(revisions: Any, **rules: Any) -> list[str]:
    settings = {
        "min-non-active-revisions": "0",
        **{k.replace("_", "-"): v for k, v in rules.items()},
    }
    return [r.metadata.name for r in collect(CONFIG, revisions, parse(settings), NOW).gone]


def test_old_and_long_unused_ones_go_the_longest_unused_first() -> None:
    revisions = [revision("a", unused_h=20), revision("b", unused_h=30), revision("c", unused_h=1)]
    assert gone(revisions) == ["b", "a"]


@pytest.mark.parametrize(
    "kept",
    [
        revision("young", age_h=47),
        revision("a", unused_h=14),
        revision("a", state="active"),
        revision("a", state="pending"),
        revision("a", state=""),
        revision("ready"),
        revision("made"),
        revision("a", **{"serving.knative.dev/no-gc": "true"}),
    ],
    ids=[
        "young",
        "used",
        "active",
        "pending",
        "unlabelled",
        "latest ready",
        "latest made",
        "no-gc",
    ],
)
def test_what_stays(kept: Any) -> None:
    assert gone([kept]) == []


def test_the_minimum_stays() -> None:
    revisions = [
        revision(name, unused_h=hours) for name, hours in (("a", 90), ("b", 80), ("c", 70))
    ]
    assert gone(revisions, min_non_active_revisions="2") == ["a"]
    assert gone(revisions, min_non_active_revisions="3") == []


def test_beyond_the_maximum_the_longest_unused_go_whatever_their_age() -> None:
    revisions = [
        revision(name, age_h=1, unused_h=h) for name, h in (("a", 0.9), ("b", 0.5), ("c", 0.1))
    ]
    assert gone(revisions, max_non_active_revisions="1") == ["a", "b"]
    assert gone(revisions, max_non_active_revisions="disabled") == []


def test_switched_off_bounds() -> None:
    young = [revision("a", age_h=1, unused_h=20)]
    assert gone(young, retain_since_create_time="disabled") == ["a"]
    unused = [revision("a", age_h=100, unused_h=1)]
    assert gone(unused, retain_since_last_active_time="disabled") == ["a"]
    off = {"retain_since_create_time": "disabled", "retain_since_last_active_time": "disabled"}
    assert gone(unused, **off) == []


def test_it_says_when_to_look_again() -> None:
    rules = parse({"min-non-active-revisions": "0"})
    waiting = collect(CONFIG, [revision("a", age_h=100, unused_h=14)], rules, NOW)
    assert waiting == Collection((), HOUR)
    off = GarbageCollection(None, None, 0, 5)
    assert collect(CONFIG, [revision("a")], off, NOW) == Collection()
    assert collect(CONFIG, [], rules, NOW) == Collection()


def test_garbled_stamps_count_as_absent() -> None:
    odd = revision("a", **{"serving.knative.dev/routingStateModified": "yesterday"})
    assert stale_in_s(odd, parse({}), NOW) == 0


@given(
    st.lists(st.tuples(st.floats(0, 200), st.floats(0, 200)), max_size=12),
    st.integers(0, 5),
    st.integers(5, 8),
)
def test_never_fewer_than_the_minimum_and_never_more_than_the_maximum(
    ages: list[tuple[float, float]], least: int, most: int
) -> None:
    revisions = [revision(f"r{i}", age_h=a, unused_h=u) for i, (a, u) in enumerate(ages)]
    rules = GarbageCollection(48 * HOUR, 15 * HOUR, least, most)
    left = len(revisions) - len(collect(CONFIG, revisions, rules, NOW).gone)
    assert min(len(revisions), least) <= left <= max(most, least)


def test_the_configuration_drops_them(serving: Any, ksvc: Any) -> None:
    data = {
        "min-non-active-revisions": "0",
        "retain-since-create-time": "0s",
        "retain-since-last-active-time": "0s",
    }
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.apply(SERVICE, ksvc(container={"env": [{"name": "A", "value": "2"}]}))
    serving.run()
    serving.world.configs = FixedConfigs({"config-gc": data})
    plan = serving.world.plan(serving.configuration, "default", "hello")
    first = serving.world.raw(REVISION, "default", "hello-00001")
    assert [(d.name, d.uid) for d in plan.drops] == [("hello-00001", first["metadata"]["uid"])]
    serving.settle()
    assert serving.world.raw(REVISION, "default", "hello-00001") is None

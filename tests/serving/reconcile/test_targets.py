"""From traffic to revisions: resolving, merging, consolidating, and what is said of a bad target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api import CONFIGURATION, REVISION, ROUTE
from serving.api.route_lifecycle import LIVING
from serving.reconcile.targets import Bad, Target, by_host, consolidate, mark_bad, resolve
from tanebi.testing.planning import PlanningWorld

READY = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
FAILED = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "False"}]}


@pytest.fixture
def world() -> PlanningWorld:
    world = PlanningWorld()
    for name, status in (("good", READY), ("broken", FAILED), ("young", {})):
        labels = {
            "serving.knative.dev/service": "svc",
            "serving.knative.dev/configuration": "cfg",
        }
        meta = {"name": name, "namespace": "default", "labels": labels}
        ports = [{"name": "h2c"}] if name == "good" else []
        spec = {"containers": [{"image": "x", "ports": ports}]}
        world.put(REVISION, {"metadata": meta, "spec": spec, "status": status})
    for name, status in (
        ("cfg", {"latestReadyRevisionName": "good"}),
        ("waits", {}),
        ("failed", FAILED),
        ("dangling", {"latestReadyRevisionName": "gone"}),
    ):
        world.put(
            CONFIGURATION, {"metadata": {"name": name, "namespace": "default"}, "status": status}
        )
    return world


def route(*traffic: Any, service: str = "") -> Any:
    labels = {"serving.knative.dev/service": service} if service else {}
    meta = {"name": "r", "namespace": "default", "labels": labels}
    return ROUTE.view({"metadata": meta, "spec": {"traffic": list(traffic)}})


def test_a_floating_target_follows_the_latest_ready(world: Any) -> None:
    floating = {"configurationName": "cfg", "latestRevision": True, "percent": 100}
    assert resolve(route(floating), world) == (
        [Target("", "good", "cfg", latest=True, percent=100, protocol="h2c")],
        None,
    )


@pytest.mark.parametrize(
    ("target", "bad", "text"),
    [
        (
            {"revisionName": "none"},
            Bad("missing", "Revision", "none"),
            ("False", "RevisionMissing", 'Revision "none" referenced in traffic not found.'),
        ),
        (
            {"configurationName": "none"},
            Bad("missing", "Configuration", "none"),
            (
                "False",
                "ConfigurationMissing",
                'Configuration "none" referenced in traffic not found.',
            ),
        ),
        (
            {"configurationName": "waits"},
            Bad("waiting", "Configuration", "waits"),
            (
                "Unknown",
                "RevisionMissing",
                'Configuration "waits" is waiting for a Revision to become ready.',
            ),
        ),
        (
            {"configurationName": "failed"},
            Bad("failed", "Configuration", "failed"),
            (
                "False",
                "RevisionMissing",
                'Configuration "failed" does not have any ready Revision.',
            ),
        ),
        (
            {"configurationName": "dangling"},
            Bad("missing", "Revision", "gone"),
            ("False", "RevisionMissing", 'Revision "gone" referenced in traffic not found.'),
        ),
        (
            {"revisionName": "young"},
            Bad("waiting", "Revision", "young"),
            ("Unknown", "RevisionMissing", 'Revision "young" is not yet ready.'),
        ),
        (
            {"revisionName": "broken"},
            Bad("failed", "Revision", "broken"),
            ("False", "RevisionMissing", 'Revision "broken" failed to become ready.'),
        ),
    ],
)
def test_bad_targets(world: Any, target: Any, bad: Bad, text: Any, now: Any) -> None:
    assert resolve(route({**target, "percent": 100}), world)[1] == bad
    conditions = LIVING.manage([], now=now)
    mark_bad(conditions, bad, "svc")
    said = conditions.get("AllTrafficAssigned")
    assert said is not None
    assert (said["status"], said["reason"], said["message"]) == text


def test_a_revision_of_another_service(world: Any, now: Any) -> None:
    bad = resolve(route({"revisionName": "good", "percent": 100}, service="mine"), world)[1]
    assert bad == Bad("foreign", "Revision", "good", "svc")
    conditions = LIVING.manage([], now=now)
    mark_bad(conditions, bad, "mine")
    assert conditions.get("Ready") is not None
    assert (conditions.get("Ready") or {})["message"] == (
        'Revision "good" belongs to Service "svc", not Service "mine".'
    )


def test_a_failure_outweighs_waiting(world: Any) -> None:
    waiting, missing = {"revisionName": "young"}, {"revisionName": "none"}
    for traffic in ((waiting, missing), (missing, waiting)):
        bad = resolve(route(*traffic), world)[1]
        assert bad is not None
        assert bad.problem == "missing"


def test_equal_targets_are_merged(world: Any) -> None:
    half = {"revisionName": "good", "latestRevision": False, "percent": 50}
    targets, bad = resolve(route(half, half), world)
    assert bad is None
    assert [t.percent for t in targets] == [100]


def target(revision: str, percent: int | None, tag: str = "") -> Target:
    return Target(tag, revision, "cfg", latest=False, percent=percent)


def test_hosts() -> None:
    groups = by_host([target("a", 90, "old"), target("b", 10), target("b", None, "new")])
    shares = {tag: [(t.revision, t.percent) for t in group] for tag, group in groups.items()}
    assert shares == {"": [("a", 90), ("b", 10)], "old": [("a", 100)], "new": [("b", 100)]}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), min_size=1))
def test_consolidating_keeps_the_sum_and_names_each_revision_once(shares: Any) -> None:
    merged = consolidate(target(name, percent) for name, percent in shares)
    assert len({t.revision for t in merged}) == len(merged)
    if len(merged) > 1:
        assert sum(t.percent or 0 for t in merged) == sum(percent for _, percent in shares)
    else:
        assert merged[0].percent == 100

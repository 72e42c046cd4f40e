"""Configuration: one revision a generation, newest made, newest ready, failures."""

from __future__ import annotations

from typing import Any

from serving.api import CONFIGURATION, REVISION, SERVICE
from serving.api.images import Missing
from serving.reconcile.configuration import generation_of


def test_the_first_revision(serving: Any, ksvc: Any) -> None:
    serving.apply(
        CONFIGURATION, ksvc(template_meta={"labels": {"a": "b"}, "annotations": {"c": "d"}})
    )
    plan = serving.world.plan(serving.configuration, "default", "hello")
    (revision,) = plan.children
    assert revision["metadata"]["name"] == "hello-00001"
    assert revision["metadata"]["labels"] == {
        "a": "b",
        "serving.knative.dev/configuration": "hello",
        "serving.knative.dev/configurationGeneration": "1",
        "serving.knative.dev/configurationUID": "uid-1",
        "serving.knative.dev/routingState": "pending",
    }
    assert revision["metadata"]["annotations"] == {
        "c": "d",
        "serving.knative.dev/creator": "someone",
        "serving.knative.dev/routingStateModified": "2026-01-01T00:00:00Z",
    }
    assert plan.status["latestCreatedRevisionName"] == "hello-00001"
    assert [(e.reason, e.message) for e in plan.events] == [
        ("Created", 'Created Revision "hello-00001"')
    ]
    assert plan.prune is False


def test_ready_follows_the_revision(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.settle()
    assert serving.conditions(CONFIGURATION, "hello") == {"Ready": ("Unknown", "")}
    serving.pods_come_up()
    serving.world.reconcile(serving.revision, "default", "hello-00001")
    plan = serving.world.reconcile(serving.configuration, "default", "hello")
    assert [e.reason for e in plan.events] == ["ConfigurationReady", "LatestReadyUpdate"]
    assert serving.conditions(CONFIGURATION, "hello") == {"Ready": ("True", "")}
    assert serving.status(CONFIGURATION, "hello")["latestReadyRevisionName"] == "hello-00001"


def test_a_change_makes_a_new_revision_and_never_a_changed_one(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    first = serving.world.raw(REVISION, "default", "hello-00001")["spec"]
    serving.apply(SERVICE, ksvc(container={"env": [{"name": "A", "value": "1"}]}))
    serving.run()
    assert [r.metadata.name for r in serving.world.list(REVISION, None)] == [
        "hello-00001",
        "hello-00002",
    ]
    assert serving.world.raw(REVISION, "default", "hello-00001")["spec"] == first
    status = serving.status(CONFIGURATION, "hello")
    assert status["latestReadyRevisionName"] == status["latestCreatedRevisionName"] == "hello-00002"


def test_a_change_of_traffic_alone_makes_no_revision(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    tagged = [{"latestRevision": True, "percent": 100, "tag": "now"}]
    serving.apply(SERVICE, ksvc(traffic=tagged))
    serving.run()
    assert len(serving.world.list(REVISION, None)) == 1
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("True", "")


def test_a_bad_revision_fails_the_configuration_and_keeps_the_good_one(
    serving: Any, ksvc: Any
) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.images.facts["dev.local/none"] = Missing("there is no such image; build it")
    serving.apply(SERVICE, ksvc(image="dev.local/none"))
    serving.settle()
    status = serving.status(CONFIGURATION, "hello")
    assert status["latestReadyRevisionName"] == "hello-00001"
    assert status["latestCreatedRevisionName"] == "hello-00002"
    assert serving.conditions(CONFIGURATION, "hello") == {"Ready": ("False", "RevisionFailed")}
    assert serving.message(CONFIGURATION, "hello") == (
        'Revision "hello-00002" failed with message: Unable to fetch image "dev.local/none": '
        "there is no such image; build it."
    )


def test_the_failure_is_told_once(serving: Any, ksvc: Any) -> None:
    serving.images.facts["dev.local/none"] = Missing("no")
    serving.apply(CONFIGURATION, ksvc(image="dev.local/none"))
    serving.world.reconcile(serving.configuration, "default", "hello")
    serving.world.reconcile(serving.revision, "default", "hello-00001")
    first = serving.world.reconcile(serving.configuration, "default", "hello")
    assert [e.reason for e in first.events] == ["LatestCreatedFailed"]
    assert serving.world.reconcile(serving.configuration, "default", "hello").events == ()


def test_a_deleted_revision_of_this_generation_is_made_anew(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.settle()
    serving.world.delete(REVISION, "default", "hello-00001")
    plan = serving.world.plan(serving.configuration, "default", "hello")
    assert [c["metadata"]["name"] for c in plan.children] == ["hello-00001"]


def test_the_newest_ready_one_wins_over_a_newer_unready_one(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.settle()
    for value in ("1", "2"):
        serving.apply(CONFIGURATION, ksvc(container={"env": [{"name": "A", "value": value}]}))
        serving.settle()
    serving.autoscaler("hello-00002", active="True", scale=1)
    serving.settle()
    status = serving.status(CONFIGURATION, "hello")
    assert status["latestReadyRevisionName"] == "hello-00002"
    assert status["latestCreatedRevisionName"] == "hello-00003"
    serving.autoscaler("hello-00001", active="True", scale=1)
    serving.settle()
    assert serving.status(CONFIGURATION, "hello")["latestReadyRevisionName"] == "hello-00002"


def test_the_generation_of_a_revision(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.settle()
    (revision,) = serving.world.list(REVISION, None)
    assert generation_of(revision) == 1
    stranger = REVISION.view({"metadata": {"name": "x"}})
    assert generation_of(stranger) == 0

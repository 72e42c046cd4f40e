"""Service: children, status union, names taken and things not owned."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.reconcile.service import services_naming
from tanebi.kube.plan import Reconciler


def test_it_is_a_reconciler(serving: Any) -> None:
    reconciler: Reconciler[Any] = serving.service
    assert reconciler.kind is SERVICE
    assert reconciler.owns == (CONFIGURATION, ROUTE)


def test_a_new_service_gets_a_configuration_and_a_route_of_its_name(
    serving: Any, ksvc: Any
) -> None:
    meta = {"labels": {"team": "a"}, "annotations": {"serving.knative.dev/rollout-duration": "10s"}}
    serving.apply(SERVICE, ksvc(metadata=meta))
    plan = serving.world.plan(serving.service, "default", "hello")
    configuration, route = plan.children
    labels = {
        "team": "a",
        "serving.knative.dev/service": "hello",
        "serving.knative.dev/serviceUID": "uid-1",
    }
    assert (configuration["kind"], configuration["metadata"]["name"]) == ("Configuration", "hello")
    assert (route["kind"], route["metadata"]["name"]) == ("Route", "hello")
    assert configuration["metadata"]["labels"] == route["metadata"]["labels"] == labels
    assert "serving.knative.dev/rollout-duration" not in configuration["metadata"]["annotations"]
    assert route["metadata"]["annotations"]["serving.knative.dev/rollout-duration"] == "10s"
    assert route["spec"]["traffic"] == [
        {"latestRevision": True, "percent": 100, "configurationName": "hello"}
    ]
    conditions = {c["type"]: (c["status"], c.get("reason")) for c in plan.status["conditions"]}
    assert conditions == {
        "ConfigurationsReady": ("Unknown", "OutOfDate"),
        "Ready": ("Unknown", "OutOfDate"),
        "RoutesReady": ("Unknown", "OutOfDate"),
    }


def test_ready_is_the_union_of_both(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    status = serving.status(SERVICE, "hello")
    assert {k: v for k, v in status.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "latestCreatedRevisionName": "hello-00001",
        "latestReadyRevisionName": "hello-00001",
        "url": "http://hello.default.localhost",
        "address": {"url": "http://hello.default.svc.cluster.local"},
        "traffic": [{"latestRevision": True, "revisionName": "hello-00001", "percent": 100}],
    }
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("True", "")


def test_a_settled_service_changes_nothing(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert serving.world.settle(serving.everyone) == 0


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_any_order_of_reconcilers_converges(serving: Any, ksvc: Any, order: Any) -> None:
    everyone = serving.everyone
    serving.apply(SERVICE, ksvc())
    for _ in range(3):
        serving.world.settle([everyone[i] for i in order])
        serving.pods_come_up()
        serving.gateway_follows()
    serving.world.settle([everyone[i] for i in order])
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("True", "")


def test_a_cached_child_of_an_older_generation_says_nothing(serving: Any, ksvc: Any) -> None:
    """Ready must not be claimed for a spec that the children do not carry yet."""
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.apply(SERVICE, ksvc(container={"env": [{"name": "A", "value": "1"}]}))
    plan = serving.world.plan(serving.service, "default", "hello")
    ready = {c["type"]: (c["status"], c.get("reason")) for c in plan.status["conditions"]}
    assert ready["Ready"] == ("Unknown", "OutOfDate")


def test_a_foreign_configuration_is_not_touched(serving: Any, ksvc: Any) -> None:
    serving.apply(CONFIGURATION, ksvc())
    serving.apply(SERVICE, ksvc())
    plan = serving.world.reconcile(serving.service, "default", "hello")
    assert plan.children == ()
    assert serving.conditions(SERVICE, "hello")["ConfigurationsReady"] == ("False", "NotOwned")
    assert (
        serving.message(SERVICE, "hello")
        == 'There is an existing Configuration "hello" that we do not own.'
    )


def test_a_foreign_route_is_not_touched(serving: Any, ksvc: Any) -> None:
    traffic = [{"configurationName": "other", "percent": 100}]
    serving.apply(ROUTE, {"metadata": {"name": "hello"}, "spec": {"traffic": traffic}})
    serving.apply(SERVICE, ksvc())
    serving.settle()
    assert serving.conditions(SERVICE, "hello")["RoutesReady"] == ("False", "NotOwned")


def test_a_name_of_the_authors_choice(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc(template_meta={"name": "hello-first"}))
    plan = serving.world.plan(serving.service, "default", "hello")
    assert [c["kind"] for c in plan.children] == ["Configuration"], "the route waits"
    serving.run()
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("True", "")
    assert serving.status(SERVICE, "hello")["latestReadyRevisionName"] == "hello-first"


def test_a_taken_revision_name_moves_no_traffic(serving: Any, ksvc: Any) -> None:
    serving.apply(REVISION, {"metadata": {"name": "hello-mine"}, "spec": {}})
    serving.apply(SERVICE, ksvc(template_meta={"name": "hello-mine"}))
    serving.settle()
    conditions = serving.conditions(SERVICE, "hello")
    assert conditions["RoutesReady"] == ("False", "RevisionNameTaken")
    assert conditions["ConfigurationsReady"] == ("False", "RevisionFailed")
    assert serving.world.raw(ROUTE, "default", "hello") is None
    assert serving.message(SERVICE, "hello", "RoutesReady") == (
        'The revision name "hello-mine" is taken by a conflicting Revision, so traffic will not be migrated'
    )
    revision = serving.world.raw(REVISION, "default", "hello-mine")
    assert [key.name for key in services_naming(revision, serving.world)] == ["hello"]


def test_labels_that_the_author_takes_away_are_taken_away(serving: Any, ksvc: Any) -> None:
    local = {"networking.knative.dev/visibility": "cluster-local"}
    serving.apply(SERVICE, ksvc(metadata={"labels": local}))
    serving.run()
    assert serving.status(SERVICE, "hello")["url"] == "http://hello.default.svc.cluster.local"
    service = serving.world.raw(SERVICE, "default", "hello")
    service["metadata"]["labels"] = {}
    serving.settle()
    serving.gateway_follows()
    serving.settle()
    assert serving.status(SERVICE, "hello")["url"] == "http://hello.default.localhost"
    route = serving.world.raw(ROUTE, "default", "hello")
    assert sorted(route["metadata"]["labels"]) == [
        "serving.knative.dev/service",
        "serving.knative.dev/serviceUID",
    ]


def test_traffic_that_is_not_migrated_yet(serving: Any, ksvc: Any, condition: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    route = serving.world.raw(ROUTE, "default", "hello")
    route["status"]["traffic"][0]["revisionName"] = "hello-00000"
    serving.world.reconcile(serving.service, "default", "hello")
    assert serving.conditions(SERVICE, "hello")["RoutesReady"] == ("Unknown", "TrafficNotMigrated")


def test_a_service_on_its_way_out_is_left_alone(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    plan = serving.world.plan(serving.service, "default", "hello")
    assert (plan.children, plan.status, plan.prune) == ((), None, False)

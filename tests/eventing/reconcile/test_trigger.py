"""Plans for triggers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from eventing.api.kinds import BROKER, TRIGGER
from eventing.api.names import DEPENDENCY
from eventing.reconcile.trigger import SOURCE_LABEL, TriggerReconciler
from tanebi.api.core.kinds import KINDS, SERVICE
from tanebi.api.kind import AnyKind, Kind, Kinds
from tanebi.api.meta import Obj, Resource
from tanebi.kube.plan import Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE: Final[AnyKind] = Kind(
    "sources.knative.dev",
    "v1",
    "PingSource",
    "pingsources",
    Resource,
    labels={SOURCE_LABEL: "true"},
)
ALL = Kinds([*KINDS, BROKER, TRIGGER, SOURCE])
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
URL = "http://broker-ingress.knative-eventing.svc.cluster.local/shop/other"


@pytest.fixture
def plan(world: Any) -> Callable[[Obj], Plan]:
    reconciler = TriggerReconciler(ALL)
    return lambda obj: reconciler.desired(TRIGGER.view(obj), world, None, NOW)  # type: ignore[arg-type]


def condition(plan: Plan, type_: str) -> tuple[str, str]:
    assert plan.status is not None
    (found,) = [c for c in plan.status["conditions"] if c["type"] == type_]
    return found["status"], found.get("reason", "")


def service(name: str) -> Obj:
    return {"metadata": {"namespace": "shop", "name": name}}


def to(name: str, **more: Any) -> dict[str, Any]:
    return {"subscriber": {"ref": {"apiVersion": "v1", "kind": "Service", "name": name}, **more}}


def test_everything_there(plan: Any, world: Any, make_broker: Any, make_trigger: Any) -> None:
    world.put(BROKER, {**make_broker(), "status": READY})
    world.put(SERVICE, service("sink"))
    found = plan(make_trigger(**to("sink", uri="/in")))
    assert found.status["subscriberUri"] == "http://sink.shop.svc.cluster.local/in"
    assert {c["status"] for c in found.status["conditions"]} == {"True"}
    assert condition(found, "DeadLetterSinkResolved") == ("True", "DeadLetterSinkNotConfigured")
    assert plan({**make_trigger(**to("sink", uri="/in")), "status": found.status}) == found


def test_any_order_of_creation(plan: Any, world: Any, make_broker: Any, make_trigger: Any) -> None:
    trigger = make_trigger(**to("sink"))
    first = plan(trigger)
    assert condition(first, "Ready")[0] == "False"
    assert condition(first, "BrokerReady") == ("False", "BrokerDoesNotExist")
    assert condition(first, "SubscriberResolved") == (
        "False",
        "Unable to get the Subscriber's URI",
    )
    assert "subscriberUri" not in first.status
    world.put(BROKER, make_broker())
    assert condition(plan(trigger), "BrokerReady") == ("Unknown", "BrokerNotConfigured")
    world.put(BROKER, {**make_broker(), "status": READY})
    assert condition(plan(trigger), "Ready")[0] == "False"
    world.put(SERVICE, service("sink"))
    assert condition(plan({**trigger, "status": first.status}), "Ready")[0] == "True"


def test_subscribers_of_other_kinds(
    plan: Any, world: Any, make_broker: Any, make_trigger: Any
) -> None:
    world.put(BROKER, {**make_broker(), "status": READY})
    ref = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "other"}
    trigger = make_trigger(subscriber={"ref": ref})
    assert condition(plan(trigger), "SubscriberResolved")[0] == "False"
    world.put(BROKER, {**make_broker("other", uid="b-2"), "status": {"address": {"url": URL}}})
    assert plan(trigger).status["subscriberUri"] == URL
    assert plan(make_trigger(subscriber={"uri": "http://x/y"})).status["subscriberUri"] == (
        "http://x/y"
    )


def test_a_broker_of_another_class(
    plan: Any, world: Any, make_broker: Any, make_trigger: Any
) -> None:
    world.put(BROKER, make_broker(cls="Kafka"))
    assert plan(make_trigger()) == Plan(prune=False)


def test_dead_letter_sinks(plan: Any, world: Any, make_broker: Any, make_trigger: Any) -> None:
    sink = {"deadLetterSink": {"uri": "http://brokers/"}}
    broker = make_broker(delivery=sink)
    world.put(BROKER, broker)
    unresolved = plan(make_trigger())
    assert condition(unresolved, "DeadLetterSinkResolved")[0] == "False"
    world.put(BROKER, {**broker, "status": {"deadLetterSinkUri": "http://brokers/"}})
    assert plan(make_trigger()).status["deadLetterSinkUri"] == "http://brokers/"
    own = make_trigger(delivery={"deadLetterSink": {"uri": "http://own/"}})
    assert plan(own).status["deadLetterSinkUri"] == "http://own/"
    assert plan(make_trigger(delivery={"retry": 1})).status["deadLetterSinkUri"] == (
        "http://brokers/"
    )
    missing = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "nobody"}}
    found = plan(make_trigger(delivery={"deadLetterSink": missing}))
    assert condition(found, "DeadLetterSinkResolved") == (
        "False",
        "Unable to get the dead letter sink's URI",
    )
    assert "deadLetterSinkUri" not in found.status


def test_a_dependency(plan: Any, world: Any, make_broker: Any, make_trigger: Any) -> None:
    world.put(BROKER, {**make_broker(), "status": READY})
    trigger = make_trigger()
    ref = {"apiVersion": "sources.knative.dev/v1", "kind": "PingSource", "name": "p"}
    trigger["metadata"]["annotations"] = {DEPENDENCY: json.dumps(ref)}
    source: Obj = {"metadata": {"namespace": "shop", "name": "p", "generation": 2}}

    def seen(**status: Any) -> tuple[str, str]:
        world.put(SOURCE, {**source, "status": status})
        return condition(plan(trigger), "DependencyReady")

    assert condition(plan(trigger), "DependencyReady") == ("False", "DependencyDoesNotExist")
    assert seen(observedGeneration=1) == ("Unknown", "GenerationNotEqual")
    assert seen(observedGeneration=2) == ("Unknown", "DependencyNotConfigured")
    assert seen(observedGeneration=2, **READY) == ("True", "")


def test_who_is_looked_at_again(world: Any, make_broker: Any, make_trigger: Any) -> None:
    reconciler = TriggerReconciler(ALL)
    world.put(TRIGGER, make_trigger("one"))
    world.put(TRIGGER, make_trigger("two", broker="other"))
    ref = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "default"}
    world.put(TRIGGER, make_trigger("three", broker="other", subscriber={"ref": ref}))
    assert {r.kind for r in reconciler.reads} == {BROKER, SERVICE, SOURCE}
    (reads,) = [r for r in reconciler.reads if r.kind is BROKER]
    assert {key.name for key in reads.keys(make_broker(), world)} == {"one", "three"}

"""Plans for brokers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from eventing.api.kinds import BROKER, TRIGGER
from eventing.reconcile.broker import BrokerReconciler
from tanebi.api.core.kinds import KINDS, SERVICE
from tanebi.api.kind import Kinds
from tanebi.api.meta import Obj
from tanebi.kube.plan import Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SINK = {"apiVersion": "v1", "kind": "Service", "name": "dls"}


class Settings:
    def get(self, kind: Any) -> Any:
        return kind.parse(kind.data)


@pytest.fixture
def plan(world: Any) -> Callable[[Obj], Plan]:
    reconciler = BrokerReconciler(Kinds([*KINDS, BROKER, TRIGGER]))
    return lambda obj: reconciler.desired(BROKER.view(obj), world, Settings(), NOW)


def conditions(plan: Plan) -> dict[str, str]:
    assert plan.status is not None
    return {c["type"]: c["status"] for c in plan.status["conditions"]}


def test_a_broker_is_ready_at_once(plan: Any, make_broker: Any) -> None:
    found = plan(make_broker())
    assert set(conditions(found).values()) == {"True"}
    assert found.status["address"] == {
        "name": "http",
        "url": "http://broker-ingress.knative-eventing.svc.cluster.local/shop/default",
    }
    assert found.status["observedGeneration"] == 1
    assert "deadLetterSinkUri" not in found.status


def test_twice_changes_nothing(plan: Any, make_broker: Any) -> None:
    once = plan(make_broker())
    assert plan({**make_broker(), "status": once.status}) == once


def test_other_classes_are_left_alone(plan: Any, make_broker: Any) -> None:
    assert plan(make_broker(cls="Kafka")) == Plan(prune=False)


def test_its_sink_is_resolved_when_it_comes(plan: Any, world: Any, make_broker: Any) -> None:
    broker = make_broker(delivery={"deadLetterSink": {"ref": SINK}})
    before = plan(broker)
    assert conditions(before)["DeadLetterSinkResolved"] == "False"
    assert conditions(before)["Ready"] == "True"
    world.put(SERVICE, {"metadata": {"namespace": "shop", "name": "dls"}})
    after = plan(broker)
    assert conditions(after)["DeadLetterSinkResolved"] == "True"
    assert after.status["deadLetterSinkUri"] == "http://dls.shop.svc.cluster.local"


def test_it_looks_again_when_the_sink_changes(world: Any, make_broker: Any) -> None:
    reconciler = BrokerReconciler(Kinds([*KINDS, BROKER, TRIGGER]))
    world.put(BROKER, make_broker(delivery={"deadLetterSink": {"ref": SINK}}))
    (reads,) = [r for r in reconciler.reads if r.kind is SERVICE]
    keys = reads.keys({"metadata": {"namespace": "shop", "name": "dls"}}, world)
    assert [str(key) for key in keys] == ["shop/default"]

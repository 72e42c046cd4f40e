"""An Ingress is ready when the table holds its generation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activator.api.ingress import Ingress
from activator.reconcile.ingress import IngressReconciler
from activator.table import Table, compile_ingress, merge
from tanebi.kube.plan import Plan, Wait
from tanebi.testing.world import StandingConfigs, World

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ingress(generation: int = 2, status: dict[str, Any] | None = None, **meta: Any) -> Ingress:
    return Ingress.model_validate(
        {
            "metadata": {
                "name": "i",
                "namespace": "ns",
                "uid": "u",
                "generation": generation,
                "annotations": {
                    "networking.knative.dev/ingress-class": "tanebi.ingress.networking.knative.dev"
                },
                **meta,
            },
            "spec": {"rules": []},
            "status": status or {},
        }
    )


def plan(resource: Ingress, table: Table, now: datetime = NOW) -> Any:
    return IngressReconciler(table.holds).desired(resource, World(), StandingConfigs(), now)


def test_ready_with_both_load_balancers() -> None:
    status = plan(ingress(), merge([compile_ingress(ingress())])).status
    assert status["observedGeneration"] == 2
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "LoadBalancerReady": "True",
        "NetworkConfigured": "True",
        "Ready": "True",
    }
    expected = {"ingress": [{"domainInternal": "tanebi-gateway.knative-serving.svc.cluster.local"}]}
    assert status["publicLoadBalancer"] == status["privateLoadBalancer"] == expected


def test_running_twice_changes_nothing() -> None:
    table = merge([compile_ingress(ingress())])
    first = plan(ingress(), table).status
    again = plan(ingress(status=first), table, NOW + timedelta(hours=1)).status
    assert again == first


def test_a_generation_that_is_not_loaded_yet_waits() -> None:
    with pytest.raises(Wait):
        plan(ingress(3), merge([compile_ingress(ingress(2))]))


def test_nothing_for_one_that_is_being_deleted() -> None:
    assert plan(ingress(deletionTimestamp="2026-01-01T00:00:00Z"), Table()).status is None


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"networking.knative.dev/ingress-class": "other"},
        {"networking.knative.dev/ingress-class": ""},
    ],
)
def test_an_ingress_of_somebody_else_is_not_touched(annotations: dict[str, str]) -> None:
    assert plan(ingress(annotations=annotations), Table()) == Plan()

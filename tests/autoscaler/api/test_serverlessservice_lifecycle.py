from __future__ import annotations

from datetime import UTC, datetime, timedelta

from autoscaler.api import SERVERLESS_SERVICE
from autoscaler.api import serverlessservice_lifecycle as lifecycle
from tanebi.api.meta import Obj

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def dump(conditions: object) -> dict[str, Obj]:
    assert hasattr(conditions, "dump")
    return {c["type"]: c for c in conditions.dump()}


def test_only_endpoints_decide() -> None:
    conditions = lifecycle.CONDITIONS.manage([], now=NOW)
    lifecycle.mark_endpoints_not_ready(conditions, lifecycle.NO_HEALTHY_BACKENDS)
    lifecycle.mark_activator_endpoints_removed(conditions)
    found = dump(conditions)
    assert found["Ready"]["reason"] == "NoHealthyBackends"
    assert found["ActivatorEndpointsPopulated"]["severity"] == "Info"
    lifecycle.mark_endpoints_ready(conditions)
    assert dump(conditions)["Ready"]["status"] == "True"
    lifecycle.mark_endpoints_not_owned(conditions, "Service", "r")
    assert dump(conditions)["Ready"]["message"] == "Resource r of type Service is not owned by SKS"


def test_how_long_the_activator_has_been_in_the_path() -> None:
    def proxied(conditions: list[Obj]) -> float:
        view = SERVERLESS_SERVICE.view({"status": {"conditions": conditions}})
        return lifecycle.proxied_for_s(view.status, NOW + timedelta(seconds=9))

    assert proxied([]) == 0
    conditions = lifecycle.CONDITIONS.manage([], now=NOW)
    lifecycle.mark_activator_endpoints_populated(conditions)
    assert proxied(conditions.dump()) == 9
    lifecycle.mark_activator_endpoints_removed(conditions)
    assert proxied(conditions.dump()) == 0

from __future__ import annotations

from autoscaler.api import (
    CONFIG_AUTOSCALER,
    CONFIGS,
    KINDS,
    METRIC,
    POD_AUTOSCALER,
    SERVERLESS_SERVICE,
)


def test_names_and_columns_are_knatives() -> None:
    assert KINDS == (POD_AUTOSCALER, METRIC, SERVERLESS_SERVICE)
    assert CONFIGS == (CONFIG_AUTOSCALER,)
    assert POD_AUTOSCALER.resource == "podautoscalers.autoscaling.internal.knative.dev"
    assert POD_AUTOSCALER.short_names == ("kpa", "pa")
    assert [c.name for c in POD_AUTOSCALER.columns] == [
        "DesiredScale",
        "ActualScale",
        "Ready",
        "Reason",
    ]
    assert SERVERLESS_SERVICE.resource == "serverlessservices.networking.internal.knative.dev"
    assert SERVERLESS_SERVICE.short_names == ("sks",)
    assert [c.name for c in SERVERLESS_SERVICE.columns] == [
        "Mode",
        "Activators",
        "ServiceName",
        "PrivateServiceName",
        "Ready",
        "Reason",
    ]

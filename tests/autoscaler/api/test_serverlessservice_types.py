from __future__ import annotations

from autoscaler.api import SERVERLESS_SERVICE


def test_fields_are_camel_case_outside() -> None:
    view = SERVERLESS_SERVICE.view(
        {
            "spec": {"mode": "Proxy", "numActivators": 3, "objectRef": {"name": "d"}},
            "status": {"serviceName": "r", "privateServiceName": "r-private"},
        }
    )
    assert (view.spec.mode, view.spec.num_activators, view.spec.object_ref.name) == (
        "Proxy",
        3,
        "d",
    )
    assert (view.status.service_name, view.status.private_service_name) == ("r", "r-private")

"""The types of apps/v1 read what clients write."""

from __future__ import annotations

from tanebi.api.core.apps import DaemonSet, ReplicaSet, StatefulSet


def test_views() -> None:
    found = StatefulSet.model_validate(
        {"spec": {"serviceName": "s", "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}
    )
    assert found.spec.volume_claim_templates[0].metadata.name == "data"
    assert ReplicaSet.model_validate({"status": {"replicas": 2}}).status.replicas == 2
    assert DaemonSet.model_validate({}).status.number_ready == 0

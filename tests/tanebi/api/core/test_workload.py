"""The typed views of Deployment, Lease and Scale."""

from __future__ import annotations

from tanebi.api.core.kinds import DEPLOYMENT, LEASE
from tanebi.api.core.workload import Scale
from tanebi.api.meta import unknown_fields


def test_a_deployment_without_replicas_does_not_say_zero() -> None:
    assert DEPLOYMENT.view({"spec": {}}).spec.replicas is None


def test_conditions_by_type() -> None:
    found = DEPLOYMENT.view({"status": {"conditions": [{"type": "Available", "status": "True"}]}})
    condition = found.status.condition("Available")
    assert condition is not None
    assert condition.status == "True"
    assert found.status.condition("Progressing") is None


def test_leases_and_scales() -> None:
    lease = LEASE.view({"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}})
    assert (lease.spec.holder_identity, unknown_fields(lease)) == ("me", [])
    assert Scale.model_validate({"spec": {"replicas": 2}}).spec == {"replicas": 2}

"""Ingresses as read."""

from __future__ import annotations

from tanebi.api.core.ingress import Ingress, NetworkPolicy


def test_views() -> None:
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    found = Ingress.model_validate({"spec": {"defaultBackend": backend}})
    assert found.spec.default_backend is not None
    assert found.spec.default_backend.service is not None
    assert found.spec.default_backend.service.port.number == 80
    assert NetworkPolicy.model_validate({}).spec.policy_types == []

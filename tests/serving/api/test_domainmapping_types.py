"""The view knows every field of Knative's DomainMapping."""

from __future__ import annotations

from serving.api import DOMAIN_MAPPING
from tanebi.api.meta import unknown_fields


def test_every_field() -> None:
    ref = {"kind": "Service", "name": "s", "namespace": "n", "apiVersion": "serving.knative.dev/v1"}
    view = DOMAIN_MAPPING.view(
        {
            "metadata": {"name": "a.example.org", "namespace": "n"},
            "spec": {"ref": ref, "tls": {"secretName": "cert"}},
            "status": {"url": "http://a.example.org", "address": {"url": "http://a.example.org"}},
        }
    )
    assert unknown_fields(view) == []
    assert view.spec.tls is not None
    assert view.spec.tls.secret_name == "cert"

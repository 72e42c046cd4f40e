"""ClusterDomainClaim: cluster-wide, names a namespace."""

from __future__ import annotations

from typing import Any

from serving.api.domainclaim import DOMAIN_CLAIM, validate_domainclaim
from tanebi.api.fielderrors import render


def test_it_needs_a_namespace(admission: Any) -> None:
    empty = DOMAIN_CLAIM.view({"metadata": {"name": "a.b"}})
    assert render(validate_domainclaim(empty, None, admission())) == (
        "missing field(s): spec.namespace"
    )
    full = DOMAIN_CLAIM.view({"metadata": {"name": "a.b"}, "spec": {"namespace": "n"}})
    assert validate_domainclaim(full, None, admission()) == []


def test_names() -> None:
    assert DOMAIN_CLAIM.resource == "clusterdomainclaims.networking.internal.knative.dev"
    assert not DOMAIN_CLAIM.namespaced
    assert DOMAIN_CLAIM.short_names == ("cdc",)

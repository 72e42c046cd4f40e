"""ClusterDomainClaim: which namespace a host belongs to. Cluster-wide; its name is the host."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from tanebi.api.fielderrors import FieldError, missing
from tanebi.api.kind import Admission, Kind
from tanebi.api.meta import KStatus, Model, Resource


class DomainClaimSpec(Model):
    namespace: str = ""


class DomainClaim(Resource):
    spec: DomainClaimSpec = Field(default_factory=DomainClaimSpec)
    status: KStatus = Field(default_factory=KStatus)


def validate_domainclaim(
    claim: DomainClaim, old: DomainClaim | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource or claim.deleting or claim.spec.namespace:
        return []
    return [missing("spec.namespace")]


DOMAIN_CLAIM: Final = Kind(
    "networking.internal.knative.dev",
    "v1alpha1",
    "ClusterDomainClaim",
    "clusterdomainclaims",
    DomainClaim,
    short_names=("cdc",),
    categories=("knative-internal", "networking"),
    namespaced=False,
    labels={"knative.dev/crd-install": "true"},
    webhook="validation.webhook.serving.knative.dev",
    validate=validate_domainclaim,
)

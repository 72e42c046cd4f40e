"""Certificate (networking.internal.knative.dev): a TLS certificate that a route asks for. Nobody here issues one.

Somebody else's controller may: once it says Ready, the route serves HTTPS with the Secret that the Certificate names.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from tanebi.api.kind import Column, Kind
from tanebi.api.meta import KStatus, Model, Resource


class CertificateSpec(Model):
    dns_names: list[str] = Field(default_factory=list)
    domain: str = ""
    secret_name: str = ""


class Http01Challenge(Model):
    """Where an issuer wants to be asked that the host is ours."""

    url: str = ""
    service_name: str = ""
    service_namespace: str = ""
    service_port: int | str = 0


class CertificateStatus(KStatus):
    not_after: str | None = None
    http01_challenges: list[Http01Challenge] = Field(default_factory=list, alias="http01Challenges")


class Certificate(Resource):
    spec: CertificateSpec = Field(default_factory=CertificateSpec)
    status: CertificateStatus = Field(default_factory=CertificateStatus)


CERTIFICATE: Final = Kind(
    "networking.internal.knative.dev",
    "v1alpha1",
    "Certificate",
    "certificates",
    Certificate,
    short_names=("kcert",),
    categories=("knative-internal", "networking"),
    columns=(
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
    ),
    labels={"knative.dev/crd-install": "true"},
)

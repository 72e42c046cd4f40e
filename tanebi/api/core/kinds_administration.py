"""Kinds that administrators of a cluster use: requests for certificates, flow control. Caller: tanebi.api.core.kinds."""

from __future__ import annotations

from typing import Final

from tanebi.api.core import certificates, flowcontrol
from tanebi.api.kind import AnyKind, Kind

CERTIFICATE_REQUEST: Final = Kind(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    certificates.CertificateSigningRequest,
    short_names=("csr",),
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=certificates.REQUEST_COLUMNS,
    defaults=certificates.default_request,
    validate=certificates.validate_request,
)
FLOW_SCHEMA: Final = Kind(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "FlowSchema",
    "flowschemas",
    flowcontrol.FlowSchema,
    namespaced=False,
    builtin=True,
    columns=flowcontrol.FLOW_SCHEMA_COLUMNS,
    defaults=flowcontrol.default_flow_schema,
    validate=flowcontrol.validate_flow_schema,
)
PRIORITY_LEVEL: Final = Kind(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "PriorityLevelConfiguration",
    "prioritylevelconfigurations",
    flowcontrol.PriorityLevelConfiguration,
    namespaced=False,
    builtin=True,
    columns=flowcontrol.PRIORITY_LEVEL_COLUMNS,
    defaults=flowcontrol.default_priority_level,
    validate=flowcontrol.validate_priority_level,
)
ADMINISTRATION_KINDS: Final[tuple[AnyKind, ...]] = (
    CERTIFICATE_REQUEST,
    FLOW_SCHEMA,
    PRIORITY_LEVEL,
)

"""The declarations of Kubernetes' own kinds."""

from __future__ import annotations

from typing import Final

from tanebi.api.core import network, plain, pod, workload
from tanebi.api.core.kinds_administration import ADMINISTRATION_KINDS
from tanebi.api.core.kinds_cluster import CLUSTER_KINDS
from tanebi.api.core.kinds_hosting import HOSTING_KINDS
from tanebi.api.core.kinds_identity import IDENTITY_KINDS
from tanebi.api.core.kinds_workload import WORKLOAD_KINDS
from tanebi.api.core.network_rules import (
    ENDPOINT_SLICE_COLUMNS,
    ENDPOINTS_COLUMNS,
    SERVICE_COLUMNS,
    default_endpoint_slice,
    default_endpoints,
    default_service,
    validate_endpoint_slice,
    validate_endpoints,
    validate_service,
)
from tanebi.api.core.plain_rules import (
    CONFIG_MAP_COLUMNS,
    EVENT_COLUMNS,
    LEASE_COLUMNS,
    NAMESPACE_COLUMNS,
    SECRET_COLUMNS,
    default_namespace,
    default_secret,
    validate_config_map,
    validate_event,
    validate_secret,
)
from tanebi.api.core.pod_columns import POD_COLUMNS
from tanebi.api.core.pod_defaults import default_pod
from tanebi.api.core.pod_validation import validate_pod
from tanebi.api.core.workload_rules import (
    DEPLOYMENT_COLUMNS,
    default_deployment,
    validate_deployment,
    validate_lease,
)
from tanebi.api.kind import AnyKind, Kind, ScalePaths

NAMESPACE: Final = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    plain.Namespace,
    short_names=("ns",),
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=NAMESPACE_COLUMNS,
    defaults=default_namespace,
)
POD: Final = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    pod.Pod,
    short_names=("po",),
    categories=("all",),
    builtin=True,
    columns=POD_COLUMNS,
    defaults=default_pod,
    validate=validate_pod,
)
SERVICE: Final = Kind(
    "",
    "v1",
    "Service",
    "services",
    network.Service,
    short_names=("svc",),
    categories=("all",),
    builtin=True,
    has_generation=False,
    columns=SERVICE_COLUMNS,
    defaults=default_service,
    validate=validate_service,
)
CONFIG_MAP: Final = Kind(
    "",
    "v1",
    "ConfigMap",
    "configmaps",
    plain.ConfigMap,
    short_names=("cm",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=CONFIG_MAP_COLUMNS,
    validate=validate_config_map,
)
SECRET: Final = Kind(
    "",
    "v1",
    "Secret",
    "secrets",
    plain.Secret,
    status=False,
    builtin=True,
    has_generation=False,
    columns=SECRET_COLUMNS,
    defaults=default_secret,
    validate=validate_secret,
)
EVENT: Final = Kind(
    "",
    "v1",
    "Event",
    "events",
    plain.Event,
    short_names=("ev",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=EVENT_COLUMNS,
    validate=validate_event,
)
DEPLOYMENT: Final = Kind(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    workload.Deployment,
    short_names=("deploy",),
    categories=("all",),
    builtin=True,
    scale=ScalePaths(selector=".spec.selector"),
    columns=DEPLOYMENT_COLUMNS,
    defaults=default_deployment,
    validate=validate_deployment,
)
ENDPOINT_SLICE: Final = Kind(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
    network.EndpointSlice,
    status=False,
    builtin=True,
    columns=ENDPOINT_SLICE_COLUMNS,
    defaults=default_endpoint_slice,
    validate=validate_endpoint_slice,
)
ENDPOINTS: Final = Kind(
    "",
    "v1",
    "Endpoints",
    "endpoints",
    network.Endpoints,
    short_names=("ep",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=ENDPOINTS_COLUMNS,
    defaults=default_endpoints,
    validate=validate_endpoints,
)
LEASE: Final = Kind(
    "coordination.k8s.io",
    "v1",
    "Lease",
    "leases",
    workload.Lease,
    status=False,
    builtin=True,
    has_generation=False,
    columns=LEASE_COLUMNS,
    validate=validate_lease,
)

KINDS: Final[tuple[AnyKind, ...]] = (
    NAMESPACE,
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    EVENT,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    ENDPOINTS,
    LEASE,
    *WORKLOAD_KINDS,
    *CLUSTER_KINDS,
    *HOSTING_KINDS,
    *IDENTITY_KINDS,
    *ADMINISTRATION_KINDS,
)

"""Ingress (networking.internal.knative.dev/v1alpha1): which host and path lead to which revisions, in which shares.

Written by the route reconciler and by who else speaks Knative's networking API, read by the gateway, which also writes its
status. Facts: knative/networking pkg/apis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field

from tanebi.api.conditions import ConditionSet
from tanebi.api.kind import Column, Kind
from tanebi.api.meta import KStatus, Model, Resource

NETWORK_CONFIGURED: Final = "NetworkConfigured"
LOAD_BALANCER_READY: Final = "LoadBalancerReady"
CONDITIONS: Final = ConditionSet((NETWORK_CONFIGURED, LOAD_BALANCER_READY))

VISIBILITY_EXTERNAL: Final = "ExternalIP"
VISIBILITY_LOCAL: Final = "ClusterLocal"

CLASS_SUFFIX: Final = ".ingress.networking.knative.dev"
_CLASS_KEYS: Final = (
    "networking.knative.dev/ingress-class",
    "networking.knative.dev/ingress.class",
)


def is_ours(annotations: Mapping[str, str]) -> bool:
    """Whether an Ingress is the gateway's: it stands for each of Knative's network layers (istio, kourier, contour, …), so that
    manifests which name one work. An Ingress without a class, or of another one, is somebody else's."""
    named = next((value for key in _CLASS_KEYS if (value := annotations.get(key))), "")
    return named.endswith(CLASS_SUFFIX) and named != CLASS_SUFFIX


class IngressBackendSplit(Model):
    """`percent` of the requests go to `service_name`, with `append_headers` added."""

    service_namespace: str = ""
    service_name: str = ""
    service_port: int | str = 0
    percent: int = 0
    append_headers: dict[str, str] = Field(default_factory=dict)


class HeaderMatch(Model):
    exact: str = ""


class HttpIngressPath(Model):
    """`path` is a prefix, "" for every path; `headers` must all match."""

    path: str = ""
    splits: list[IngressBackendSplit] = Field(default_factory=list)
    headers: dict[str, HeaderMatch] = Field(default_factory=dict)
    rewrite_host: str = ""
    append_headers: dict[str, str] = Field(default_factory=dict)


class HttpIngressRule(Model):
    paths: list[HttpIngressPath] = Field(default_factory=list)


class IngressRule(Model):
    hosts: list[str] = Field(default_factory=list)
    visibility: str = ""
    http: HttpIngressRule = Field(default_factory=HttpIngressRule)


class IngressTls(Model):
    hosts: list[str] = Field(default_factory=list)
    secret_name: str = ""
    secret_namespace: str = ""


class IngressSpec(Model):
    rules: list[IngressRule] = Field(default_factory=list)
    tls: list[IngressTls] = Field(default_factory=list)
    http_option: str = Field(default="", alias="httpOption")


class LoadBalancerIngress(Model):
    ip: str = ""
    domain: str = ""
    domain_internal: str = ""
    mesh_only: bool | None = None


class LoadBalancerStatus(Model):
    ingress: list[LoadBalancerIngress] = Field(default_factory=list)


class IngressStatus(KStatus):
    public_load_balancer: LoadBalancerStatus | None = None
    private_load_balancer: LoadBalancerStatus | None = None


class Ingress(Resource):
    spec: IngressSpec = Field(default_factory=IngressSpec)
    status: IngressStatus = Field(default_factory=IngressStatus)


INGRESS: Final = Kind(
    "networking.internal.knative.dev",
    "v1alpha1",
    "Ingress",
    "ingresses",
    Ingress,
    short_names=("kingress", "king"),
    categories=("knative-internal", "networking"),
    columns=(
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
        Column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
    ),
)

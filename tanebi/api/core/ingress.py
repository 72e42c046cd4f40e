"""Ingress, IngressClass and NetworkPolicy (networking.k8s.io/v1): stored, and driven by nobody here."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.workload import LabelSelector
from tanebi.api.meta import Model, Resource


class BackendPort(Model):
    name: str = ""
    number: int = 0


class ServiceBackend(Model):
    name: str = ""
    port: BackendPort = Field(default_factory=BackendPort)


class IngressBackend(Model):
    service: ServiceBackend | None = None
    resource: dict[str, Any] | None = None


class IngressPath(Model):
    path: str = ""
    path_type: str | None = None
    backend: IngressBackend = Field(default_factory=IngressBackend)


class IngressHttp(Model):
    paths: list[IngressPath] = Field(default_factory=list)


class IngressRule(Model):
    host: str = ""
    http: IngressHttp | None = None


class IngressTls(Model):
    hosts: list[str] = Field(default_factory=list)
    secret_name: str = ""


class IngressSpec(Model):
    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: list[IngressTls] = Field(default_factory=list)
    rules: list[IngressRule] = Field(default_factory=list)


class IngressStatus(Model):
    load_balancer: dict[str, Any] = Field(default_factory=dict)


class Ingress(Resource):
    spec: IngressSpec = Field(default_factory=IngressSpec)
    status: IngressStatus = Field(default_factory=IngressStatus)


class IngressClassSpec(Model):
    controller: str = ""
    parameters: dict[str, Any] | None = None


class IngressClass(Resource):
    spec: IngressClassSpec = Field(default_factory=IngressClassSpec)


class NetworkPolicySpec(Model):
    pod_selector: LabelSelector = Field(default_factory=LabelSelector)
    ingress: list[dict[str, Any]] = Field(default_factory=list)
    egress: list[dict[str, Any]] = Field(default_factory=list)
    policy_types: list[str] = Field(default_factory=list)


class NetworkPolicy(Resource):
    spec: NetworkPolicySpec = Field(default_factory=NetworkPolicySpec)

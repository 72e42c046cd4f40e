"""ServiceAccount (v1), roles and bindings (rbac.authorization.k8s.io/v1), and reviews, which are answered and never stored."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.workload import LabelSelector
from tanebi.api.meta import Model, Resource


class ServiceAccount(Resource):
    secrets: list[dict[str, str]] = Field(default_factory=list)
    image_pull_secrets: list[dict[str, str]] = Field(default_factory=list)
    automount_service_account_token: bool | None = None


class PolicyRule(Model):
    verbs: list[str] = Field(default_factory=list)
    api_groups: list[str] = Field(default_factory=list)
    resources: list[str] = Field(default_factory=list)
    resource_names: list[str] = Field(default_factory=list)
    non_resource_urls: list[str] = Field(default_factory=list, alias="nonResourceURLs")


class Role(Resource):
    rules: list[PolicyRule] | None = None


class AggregationRule(Model):
    cluster_role_selectors: list[LabelSelector] = Field(default_factory=list)


class ClusterRole(Resource):
    rules: list[PolicyRule] | None = None
    aggregation_rule: AggregationRule | None = None


class Subject(Model):
    kind: str = ""
    api_group: str = ""
    name: str = ""
    namespace: str = ""


class RoleRef(Model):
    api_group: str = ""
    kind: str = ""
    name: str = ""


class Binding(Resource):
    """A RoleBinding or a ClusterRoleBinding."""

    subjects: list[Subject] = Field(default_factory=list)
    role_ref: RoleRef = Field(default_factory=RoleRef)


class Review(Resource):
    """A question; the answer is the same object with its status."""

    spec: dict[str, Any] = Field(default_factory=dict)
    status: dict[str, Any] = Field(default_factory=dict)

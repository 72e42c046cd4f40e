"""ValidatingAdmissionPolicy and its binding (admissionregistration.k8s.io/v1), typed. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from tanebi.api.kind import Column, Kind
from tanebi.api.meta import Model, Resource
from tanebi.apiserver.policies.rules import (
    binding_problems,
    default_binding,
    default_policy,
    policy_problems,
)
from tanebi.apiserver.webhooks.types import (
    GROUP,
    LabelSelector,
    MatchCondition,
    RuleWithOperations,
)


class NamedRule(RuleWithOperations):
    resource_names: list[str] = Field(default_factory=list)


class MatchResources(Model):
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    resource_rules: list[NamedRule] = Field(default_factory=list)
    exclude_resource_rules: list[NamedRule] = Field(default_factory=list)
    match_policy: str | None = None


class ParamKind(Model):
    api_version: str = ""
    kind: str = ""


class Validation(Model):
    expression: str = ""
    message: str = ""
    reason: str | None = None
    message_expression: str = ""


class AuditAnnotation(Model):
    key: str = ""
    value_expression: str = ""


class Variable(Model):
    name: str = ""
    expression: str = ""


class PolicySpec(Model):
    param_kind: ParamKind | None = None
    match_constraints: MatchResources | None = None
    validations: list[Validation] = Field(default_factory=list)
    failure_policy: str | None = None
    audit_annotations: list[AuditAnnotation] = Field(default_factory=list)
    match_conditions: list[MatchCondition] = Field(default_factory=list)
    variables: list[Variable] = Field(default_factory=list)


class PolicyStatus(Model):
    observed_generation: int | None = None
    type_checking: dict[str, Any] | None = None
    conditions: list[dict[str, Any]] = Field(default_factory=list)


class ValidatingAdmissionPolicy(Resource):
    """What every write must hold to, where a binding puts it in force."""

    spec: PolicySpec = Field(default_factory=PolicySpec)
    status: PolicyStatus = Field(default_factory=PolicyStatus)


class ParamRef(Model):
    name: str = ""
    namespace: str = ""
    selector: LabelSelector | None = None
    parameter_not_found_action: str | None = None


class BindingSpec(Model):
    policy_name: str = ""
    param_ref: ParamRef | None = None
    match_resources: MatchResources | None = None
    validation_actions: list[str] = Field(default_factory=list)


class ValidatingAdmissionPolicyBinding(Resource):
    spec: BindingSpec = Field(default_factory=BindingSpec)


def _count(name: str) -> Any:
    return lambda obj, now: len((obj.get("spec") or {}).get(name) or ())


def _params(obj: dict[str, Any], now: Any) -> str:
    found = (obj.get("spec") or {}).get("paramKind")
    return f"{found['apiVersion']}/{found['kind']}" if found else "<unset>"


def _param_ref(obj: dict[str, Any], now: Any) -> str:
    found = (obj.get("spec") or {}).get("paramRef")
    if not found:
        return "<unset>"
    name = found.get("name") or "*"
    return f"{found['namespace']}/{name}" if found.get("namespace") else str(name)


POLICY: Final = Kind(
    GROUP,
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
    ValidatingAdmissionPolicy,
    categories=("api-extensions",),
    namespaced=False,
    builtin=True,
    columns=(
        Column("Validations", type="integer", cell=_count("validations")),
        Column("ParamKind", cell=_params),
    ),
    defaults=default_policy,
    problems=policy_problems,
)
BINDING: Final = Kind(
    GROUP,
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    ValidatingAdmissionPolicyBinding,
    categories=("api-extensions",),
    namespaced=False,
    status=False,
    builtin=True,
    columns=(
        Column("PolicyName", ".spec.policyName"),
        Column("ParamRef", cell=_param_ref),
    ),
    defaults=default_binding,
    problems=binding_problems,
)

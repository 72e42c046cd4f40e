"""The kinds of admissionregistration.k8s.io/v1, typed. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from tanebi.api.kind import AnyKind, Column, Kind
from tanebi.api.meta import Model, Resource
from tanebi.apiserver.webhooks.rules import configuration_problems, default_configuration

GROUP: Final = "admissionregistration.k8s.io"


class ServiceReference(Model):
    namespace: str = ""
    name: str = ""
    path: str | None = None
    port: int | None = None


class ClientConfig(Model):
    """Exactly one of `url` and `service`."""

    url: str | None = None
    service: ServiceReference | None = None
    ca_bundle: str | None = None


class RuleWithOperations(Model):
    operations: list[str] = Field(default_factory=list)
    api_groups: list[str] = Field(default_factory=list)
    api_versions: list[str] = Field(default_factory=list)
    resources: list[str] = Field(default_factory=list)
    scope: str = ""


class SelectorRequirement(Model):
    key: str = ""
    operator: str = ""
    values: list[str] = Field(default_factory=list)


class LabelSelector(Model):
    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: list[SelectorRequirement] = Field(default_factory=list)


class MatchCondition(Model):
    name: str = ""
    expression: str = ""


class Webhook(Model):
    name: str = ""
    client_config: ClientConfig = Field(default_factory=ClientConfig)
    rules: list[RuleWithOperations] = Field(default_factory=list)
    failure_policy: str = ""
    match_policy: str = ""
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None
    side_effects: str = ""
    timeout_seconds: int | None = None
    admission_review_versions: list[str] = Field(default_factory=list)
    reinvocation_policy: str = ""
    match_conditions: list[MatchCondition] = Field(default_factory=list)


class WebhookConfiguration(Resource):
    """Webhooks that are asked about writes."""

    webhooks: list[Webhook] = Field(default_factory=list)


def _kind(name: str, plural: str) -> AnyKind:
    def size(obj: dict[str, Any], now: Any) -> int:
        return len(obj.get("webhooks") or ())

    return Kind(
        GROUP,
        "v1",
        name,
        plural,
        WebhookConfiguration,
        categories=("api-extensions",),
        namespaced=False,
        status=False,
        builtin=True,
        columns=(Column("Webhooks", type="integer", cell=size),),
        defaults=default_configuration,
        problems=configuration_problems,
    )


MUTATING: Final = _kind("MutatingWebhookConfiguration", "mutatingwebhookconfigurations")
VALIDATING: Final = _kind("ValidatingWebhookConfiguration", "validatingwebhookconfigurations")

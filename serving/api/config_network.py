"""ConfigMap config-network: hosts, TLS and rollout of routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from serving.api.templates import Template, Values
from serving.api.templates import parse as parse_template
from tanebi.api.kind import ConfigKind
from tanebi.api.names import dns1123_subdomain

DEFAULT_DOMAIN_TEMPLATE: Final = "{{.Name}}.{{.Namespace}}.{{.Domain}}"
DEFAULT_TAG_TEMPLATE: Final = "{{.Tag}}-{{.Name}}"
DEFAULT_INGRESS_CLASS: Final = "tanebi.ingress.networking.knative.dev"
DEFAULT_CERTIFICATE_CLASS: Final = "tanebi.certificate.networking.knative.dev"

_DOMAIN_FIELDS: Final = frozenset({"Name", "Namespace", "Domain", "Annotations", "Labels"})
_TAG_FIELDS: Final = frozenset({"Name", "Tag"})
_PROBE: Final[Values] = {
    "Name": "foo",
    "Namespace": "bar",
    "Domain": "baz.com",
    "Tag": "v1",
    "Annotations": {},
    "Labels": {},
}


@dataclass(frozen=True, slots=True)
class Network:
    """Durations are seconds."""

    ingress_class: str
    certificate_class: str
    domain_template: Template
    tag_template: Template
    rollout_duration_s: float
    external_domain_tls: bool
    cluster_local_domain_tls: bool
    system_internal_tls: bool
    http_redirected: bool
    default_external_scheme: str
    autocreate_claims: bool
    mesh_mode: str
    wildcard_cert_selector: str


def parse(data: fields.Data) -> Network:
    """Raises ValueError naming the key and the value that cannot stand."""
    rollout = fields.integer(data, "rollout-duration", 0, low=0)
    return Network(
        ingress_class=data.get("ingress-class") or DEFAULT_INGRESS_CLASS,
        certificate_class=data.get("certificate-class") or DEFAULT_CERTIFICATE_CLASS,
        domain_template=_template(data, "domain-template", DEFAULT_DOMAIN_TEMPLATE, _DOMAIN_FIELDS),
        tag_template=_template(data, "tag-template", DEFAULT_TAG_TEMPLATE, _TAG_FIELDS),
        rollout_duration_s=float(rollout),
        external_domain_tls=_switch(data, "external-domain-tls", old="auto-tls"),
        cluster_local_domain_tls=_switch(data, "cluster-local-domain-tls"),
        system_internal_tls=_switch(data, "system-internal-tls"),
        http_redirected=_choice(data, "http-protocol", "enabled", ("enabled", "redirected"))
        == "redirected",
        default_external_scheme=_choice(data, "default-external-scheme", "http", ("http", "https")),
        autocreate_claims=fields.boolean(data, "autocreate-cluster-domain-claims", False),
        mesh_mode=_choice(data, "mesh-compatibility-mode", "auto", ("auto", "enabled", "disabled")),
        wildcard_cert_selector=data.get("namespace-wildcard-cert-selector", ""),
    )


def _template(data: fields.Data, key: str, default: str, known: frozenset[str]) -> Template:
    template = fields.read(
        data,
        key,
        parse_template(default, fields=known),
        lambda text: parse_template(text, fields=known),
    )
    needed = known - {"Annotations", "Labels"}
    if missing := sorted(needed - template.fields):
        raise ValueError(f"{key}: {template.source!r} must contain {{{{.{missing[0]}}}}}")
    shown = template.render(_PROBE)
    if problems := dns1123_subdomain(shown):
        raise ValueError(f"{key}: {template.source!r} gives {shown!r}: {problems[0]}")
    return template


def _switch(data: fields.Data, key: str, *, old: str = "") -> bool:
    value = data.get(key) or data.get(old) or "Disabled"
    return _one_of(key, value, ("disabled", "enabled")) == "enabled"


def _choice(data: fields.Data, key: str, default: str, allowed: tuple[str, ...]) -> str:
    return _one_of(key, data.get(key) or default, allowed)


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> str:
    lowered = value.lower()
    if lowered not in allowed:
        raise ValueError(f"{key}: {value!r} is not one of {', '.join(allowed)}")
    return lowered


EXAMPLE: Final = f"""\
# Which ingress serves routes that do not name another one.
ingress-class: "{DEFAULT_INGRESS_CLASS}"

# Who makes certificates, when TLS is enabled.
certificate-class: "{DEFAULT_CERTIFICATE_CLASS}"

# The host of a route. Must use .Name, .Namespace and .Domain; may use {{{{index .Labels "key"}}}} and .Annotations.
domain-template: "{DEFAULT_DOMAIN_TEMPLATE}"

# What stands in place of .Name for a tagged target. Must use .Tag and .Name.
tag-template: "{DEFAULT_TAG_TEMPLATE}"

# Seconds over which traffic moves to a new latest revision; 0 moves it at once.
rollout-duration: "0"

# Whether external hosts get certificates: Enabled or Disabled.
external-domain-tls: "Disabled"

# TLS of cluster-local hosts and inside the system. Without effect: from the gateway to a pod no hop leaves the machine.
cluster-local-domain-tls: "Disabled"
system-internal-tls: "Disabled"

# What plain HTTP does where TLS is enabled: Enabled serves it, Redirected answers with a redirect to HTTPS.
http-protocol: "Enabled"

# The scheme of the URLs in the status of routes.
default-external-scheme: "http"

# Whether a DomainMapping makes its own ClusterDomainClaim.
autocreate-cluster-domain-claims: "false"

# Whether pods are addressed directly. Without effect: they are.
mesh-compatibility-mode: "auto"

# Namespaces that get a wildcard certificate (a label selector). Without effect: each host gets its own.
namespace-wildcard-cert-selector: ""
"""

CONFIG_NETWORK: Final = ConfigKind(SYSTEM_NAMESPACE, "config-network", parse, example=EXAMPLE)

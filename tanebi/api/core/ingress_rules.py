"""Ingress, IngressClass and NetworkPolicy: rules and columns (k8s.io/kubernetes pkg/apis/networking). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tanebi.api.core.cells import at, show_selector
from tanebi.api.core.ingress import Ingress, IngressClass, IngressPath, NetworkPolicy
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import fill
from tanebi.api.core.refusals import invalid, not_supported, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")


def validate_ingress(found: Ingress, old: Ingress | None, admission: Admission) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _ingress_errors(found))


def _ingress_errors(found: Ingress) -> Iterator[FieldError]:
    spec = found.spec
    if not spec.rules and spec.default_backend is None:
        yield invalid("", {}, "either `defaultBackend` or `rules` must be specified")
    for i, rule in enumerate(spec.rules):
        for j, path in enumerate(rule.http.paths if rule.http else ()):
            yield from via(f"rules[{i}].http.paths[{j}]", _path_errors(path))


def _path_errors(path: IngressPath) -> Iterator[FieldError]:
    if path.path_type is None:
        yield required("pathType", "pathType must be specified")
    elif path.path_type not in PATH_TYPES:
        yield not_supported("pathType", path.path_type, PATH_TYPES)
    elif path.path_type != "ImplementationSpecific" and not path.path.startswith("/"):
        yield invalid("path", path.path, "must be an absolute path")
    service = path.backend.service
    if service is None and path.backend.resource is None:
        yield required("backend", "must have either `service` or `resource`")
    elif service is not None and not service.name:
        yield required("backend.service.name")


def validate_ingress_class(
    found: IngressClass, old: IngressClass | None, admission: Admission
) -> list[FieldError]:
    if not found.spec.controller:
        return [required("spec.controller")]
    if old is not None and old.spec.controller != found.spec.controller:
        return [invalid("spec.controller", found.spec.controller, "field is immutable")]
    return []


def default_network_policy(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"podSelector": {}})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return obj


def validate_network_policy(
    found: NetworkPolicy, old: NetworkPolicy | None, admission: Admission
) -> list[FieldError]:
    return [
        not_supported(f"spec.policyTypes[{i}]", type_, ("Egress", "Ingress"))
        for i, type_ in enumerate(found.spec.policy_types)
        if type_ not in ("Ingress", "Egress")
    ]


def _hosts(obj: Obj, now: datetime) -> str:
    rules = (obj.get("spec") or {}).get("rules") or ()
    return ",".join(rule["host"] for rule in rules if rule.get("host")) or "*"


def _address(obj: Obj, now: datetime) -> str:
    balancer = (obj.get("status") or {}).get("loadBalancer") or {}
    return ",".join(i.get("ip") or i.get("hostname") for i in balancer.get("ingress") or ())


def _ports(obj: Obj, now: datetime) -> str:
    return "80, 443" if (obj.get("spec") or {}).get("tls") else "80"


def _pods(obj: Obj, now: datetime) -> str:
    return show_selector((obj.get("spec") or {}).get("podSelector"))


def _parameters(obj: Obj, now: datetime) -> str:
    found = (obj.get("spec") or {}).get("parameters")
    if not found:
        return NONE
    group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
    return f"{found.get('kind')}{group}/{found.get('name')}"


INGRESS_COLUMNS: Final = (
    Column("Class", cell=at("spec.ingressClassName", NONE)),
    Column("Hosts", cell=_hosts),
    Column("Address", cell=_address),
    Column("Ports", cell=_ports),
    AGE,
)
INGRESS_CLASS_COLUMNS: Final = (
    Column("Controller", ".spec.controller"),
    Column("Parameters", cell=_parameters),
    AGE,
)
NETWORK_POLICY_COLUMNS: Final = (Column("Pod-Selector", cell=_pods), AGE)

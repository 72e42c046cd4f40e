"""Ingress, IngressClass and NetworkPolicy: rules and columns (k8s.io/kubernetes pkg/apis/networking). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tanebi.api import names
from tanebi.api.core.cells import at, show_selector
from tanebi.api.core.ingress import (
    Ingress,
    IngressBackend,
    IngressClass,
    IngressPath,
    NetworkPolicy,
)
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import fill
from tanebi.api.core.refusals import GoValue, invalid, not_supported, one_of, port_errors, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

PATH_TYPES: Final = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATH: Final = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_END: Final = ("/..", "/.")
_WILDCARD: Final = re.compile(
    r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
_WILDCARD_HINT: Final = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for "
    f"validation is '{_WILDCARD.pattern}')"
)


def validate_ingress(found: Ingress, old: Ingress | None, admission: Admission) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _ingress_errors(found))


def _ingress_errors(found: Ingress) -> Iterator[FieldError]:
    spec = found.spec
    if not spec.rules and spec.default_backend is None:
        yield invalid(
            "",
            GoValue("[]networking.IngressRule(nil)"),
            "either `defaultBackend` or `rules` must be specified",
        )
    if spec.default_backend is not None:
        yield from via("defaultBackend", _backend_errors(spec.default_backend))
    for i, rule in enumerate(spec.rules):
        yield from (invalid(f"rules[{i}].host", rule.host, why) for why in _host_faults(rule.host))
        if rule.http is not None and not rule.http.paths:
            yield required(f"rules[{i}].http.paths")
        for j, path in enumerate(rule.http.paths if rule.http else ()):
            yield from via(f"rules[{i}].http.paths[{j}]", _path_errors(path))
    for i, tls in enumerate(spec.tls):
        for j, host in enumerate(tls.hosts):
            yield from (invalid(f"tls[{i}].hosts[{j}]", host, why) for why in _host_faults(host))


def _host_faults(host: str) -> Iterator[str]:
    if not host:
        return
    if _is_address(host):
        yield "must be a DNS name, not an IP address"
    if "*" in host:
        if not _WILDCARD.fullmatch(host):
            yield _WILDCARD_HINT
    else:
        yield from names.dns1123_subdomain(host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _path_errors(path: IngressPath) -> Iterator[FieldError]:
    if path.path_type is None:
        yield required("pathType", "pathType must be specified")
        return
    if path.path_type not in PATH_TYPES:
        yield not_supported("pathType", path.path_type, PATH_TYPES)
    elif path.path_type == "ImplementationSpecific":
        if path.path and not path.path.startswith("/"):
            yield invalid("path", path.path, "must be an absolute path")
    else:
        yield from (invalid("path", path.path, why) for why in _path_faults(path.path))
    yield from via("backend", _backend_errors(path.backend))


def _path_faults(path: str) -> Iterator[str]:
    if not path.startswith("/"):
        yield "must be an absolute path"
    yield from (f"must not contain '{part}'" for part in _NOT_IN_PATH if part in path)
    yield from (f"cannot end with '{part}'" for part in _NOT_AT_END if path.endswith(part))


def _backend_errors(backend: IngressBackend) -> Iterator[FieldError]:
    service = backend.service
    if service is not None and backend.resource is not None:
        yield invalid("", "", "cannot set both resource and service backends")
    elif service is None and backend.resource is None:
        yield invalid("", "", "resource or service backend is required")
    if service is None or backend.resource is not None:
        return
    if not service.name:
        yield required("service.name")
    else:
        yield from (
            invalid("service.name", service.name, why) for why in names.dns1035_label(service.name)
        )
    port = service.port
    if port.name and port.number:
        yield invalid("", "", "cannot set both port name & port number")
    elif not port.name and not port.number:
        yield required("", "port name or number is required")
    elif port.name:
        yield from port_errors("service.port.name", port.name)
    else:
        yield from port_errors("service.port.number", port.number)


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
        one_of(f"spec.policyTypes[{i}]", type_, ("Ingress", "Egress"))
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

"""Service, Endpoints and EndpointSlice: defaults, validation and columns (k8s.io/kubernetes pkg/apis/core, discovery)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from tanebi.api import names
from tanebi.api.core.network import Endpoints, EndpointSlice, Service, ServicePort
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import fill, objects
from tanebi.api.core.pod_validation import PORT_MAX, PROTOCOLS
from tanebi.api.core.refusals import duplicate, invalid, not_supported, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

SERVICE_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
AFFINITIES: Final = ("ClientIP", "None")
ADDRESS_TYPES: Final = ("FQDN", "IPv4", "IPv6")
SHOWN_MAX: Final = 3  # kubectl lists three ports or endpoints and counts the rest


def default_service(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    external = spec["type"] == "ExternalName"
    if not external:
        fill(spec, {"internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"]})
        fill(spec, {"ipFamilyPolicy": "SingleStack"})
    for port in objects(spec, "ports"):
        fill(port, {"protocol": "TCP"})
        if port.get("targetPort") in (None, "", 0) and not external:
            port["targetPort"] = port.get("port")
    obj.setdefault("status", {}).setdefault("loadBalancer", {})
    return obj


def validate_service(
    service: Service, old: Service | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    return via("spec", _service_errors(service))


def _service_errors(service: Service) -> Iterator[FieldError]:
    spec = service.spec
    if spec.type not in SERVICE_TYPES:
        yield not_supported("type", spec.type, SERVICE_TYPES)
    if spec.session_affinity not in AFFINITIES:
        yield not_supported("sessionAffinity", spec.session_affinity, AFFINITIES)
    if spec.type == "ExternalName":
        if not spec.external_name:
            yield required("externalName")
    elif not spec.ports and spec.cluster_ip != "None":
        yield required("ports")
    for i, port in enumerate(spec.ports):
        yield from via(f"ports[{i}]", _port_errors(port, spec.ports[:i], len(spec.ports)))


def _port_errors(
    port: ServicePort, before: Sequence[ServicePort], count: int
) -> Iterator[FieldError]:
    if not port.name and count > 1:
        yield required("name")
    elif port.name and names.dns1123_label(port.name):
        yield invalid("name", port.name, names.dns1123_label(port.name)[0])
    elif port.name and any(port.name == other.name for other in before):
        yield duplicate("name", port.name)
    if not 1 <= port.port <= PORT_MAX:
        yield invalid("port", port.port, f"must be between 1 and {PORT_MAX}, inclusive")
    target = port.target_port
    if isinstance(target, int) and not 1 <= target <= PORT_MAX:
        yield invalid("targetPort", target, f"must be between 1 and {PORT_MAX}, inclusive")
    if port.protocol not in PROTOCOLS:
        yield not_supported("protocol", port.protocol, PROTOCOLS)


def default_endpoint_slice(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    for port in objects(obj, "ports"):
        fill(port, {"name": "", "protocol": "TCP"})
    for endpoint in objects(obj, "endpoints"):
        fill(endpoint, {"conditions": {}})
    return obj


def validate_endpoint_slice(
    found: EndpointSlice, old: EndpointSlice | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    if found.address_type not in ADDRESS_TYPES:
        errors.append(not_supported("addressType", found.address_type, ADDRESS_TYPES))
    if old is not None and old.address_type != found.address_type:
        errors.append(invalid("addressType", found.address_type, "field is immutable"))
    for i, endpoint in enumerate(found.endpoints):
        if not endpoint.addresses:
            errors.append(required(f"endpoints[{i}].addresses"))
    return errors


def _cluster_ip(obj: Obj, now: datetime) -> str:
    return _spec(obj).get("clusterIP") or NONE


def _external_ip(obj: Obj, now: datetime) -> str:
    spec = _spec(obj)
    match spec.get("type"):
        case "ExternalName":
            return spec.get("externalName") or NONE
        case "LoadBalancer":
            balancer = (obj.get("status") or {}).get("loadBalancer") or {}
            ingress = [i.get("ip") or i.get("hostname") for i in balancer.get("ingress") or ()]
            return (
                ",".join([*filter(None, ingress), *(spec.get("externalIPs") or ())]) or "<pending>"
            )
    return ",".join(spec.get("externalIPs") or ()) or NONE


def _service_ports(obj: Obj, now: datetime) -> str:
    shown = []
    for port in _spec(obj).get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol')}")
    return ",".join(shown) or NONE


def _service_selector(obj: Obj, now: datetime) -> str:
    selector = _spec(obj).get("selector") or {}
    return ",".join(f"{k}={v}" for k, v in sorted(selector.items())) or NONE


def _slice_ports(obj: Obj, now: datetime) -> str:
    return _some([str(p["port"]) for p in obj.get("ports") or () if p.get("port")], "<unset>")


def _slice_endpoints(obj: Obj, now: datetime) -> str:
    return _some(
        [a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()], "<unset>"
    )


def _some(found: Sequence[str], nothing: str) -> str:
    if not found:
        return nothing
    rest = len(found) - SHOWN_MAX
    shown = ",".join(found[:SHOWN_MAX])
    return f"{shown} + {rest} more..." if rest > 0 else shown


def _spec(obj: Obj) -> dict[str, Any]:
    return obj.get("spec") or {}


SERVICE_COLUMNS: Final = (
    Column("Type", ".spec.type"),
    Column("Cluster-IP", cell=_cluster_ip),
    Column("External-IP", cell=_external_ip),
    Column("Port(s)", cell=_service_ports),
    AGE,
    Column("Selector", priority=1, cell=_service_selector),
)
ENDPOINT_SLICE_COLUMNS: Final = (
    Column("AddressType", ".addressType"),
    Column("Ports", cell=_slice_ports),
    Column("Endpoints", cell=_slice_endpoints),
    AGE,
)


def default_endpoints(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    for subset in objects(obj, "subsets"):
        for port in objects(subset, "ports"):
            fill(port, {"protocol": "TCP"})
    return obj


def validate_endpoints(
    found: Endpoints, old: Endpoints | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, subset in enumerate(found.subsets):
        if not subset.addresses and not subset.not_ready_addresses:
            detail = "must specify `addresses` or `notReadyAddresses`"
            errors.append(required(f"subsets[{i}]", detail))
        for field, addresses in (
            ("addresses", subset.addresses),
            ("notReadyAddresses", subset.not_ready_addresses),
        ):
            for j, address in enumerate(addresses):
                errors += _ip_errors(f"subsets[{i}].{field}[{j}].ip", address.ip)
        for j, port in enumerate(subset.ports):
            if not 1 <= port.port <= PORT_MAX:
                where = f"subsets[{i}].ports[{j}].port"
                errors.append(
                    invalid(where, port.port, f"must be between 1 and {PORT_MAX}, inclusive")
                )
    return errors


def _ip_errors(path: str, text: str) -> Iterator[FieldError]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        yield invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")


def _endpoints(obj: Obj, now: datetime) -> str:
    found = []
    for subset in obj.get("subsets") or ():
        ports = subset.get("ports") or ()
        for address in subset.get("addresses") or ():
            found += [f"{address.get('ip')}:{p.get('port')}" for p in ports] or [address.get("ip")]
    return _some(found, NONE)


ENDPOINTS_COLUMNS: Final = (Column("Endpoints", cell=_endpoints), AGE)

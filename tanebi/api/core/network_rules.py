"""Service, Endpoints and EndpointSlice: defaults, validation and columns (k8s.io/kubernetes pkg/apis/core, discovery)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from tanebi.api import names
from tanebi.api.core.network import Endpoints, EndpointSlice, Service, ServicePort, ServiceSpec
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import fill, objects
from tanebi.api.core.pod_validation import PROTOCOLS
from tanebi.api.core.refusals import (
    GoValue,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    port_errors,
    required,
)
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

SERVICE_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
FAMILY_POLICIES: Final = ("PreferDualStack", "RequireDualStack", "SingleStack")
TRAFFIC_POLICIES: Final = ("Cluster", "Local")
AFFINITIES: Final = ("ClientIP", "None")
ADDRESS_TYPES: Final = ("FQDN", "IPv4", "IPv6")
SHOWN_MAX: Final = 3  # kubectl lists three ports or endpoints and counts the rest


def default_service(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    _give_back(spec, (old or {}).get("spec") or {})
    external = spec["type"] == "ExternalName"
    if not external:
        fill(spec, {"internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"]})
        fill(spec, {"ipFamilyPolicy": "SingleStack"})
    if _is_outside(spec):
        fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        fill(spec, {"allocateLoadBalancerNodePorts": True})
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


def _give_back(spec: Obj, before: Obj) -> None:
    """A Service that has become another kind of Service keeps nothing that it had as the kind that it was."""
    gone = []
    if spec["type"] not in ("NodePort", "LoadBalancer"):
        given = {port.get("nodePort") for port in objects(before, "ports")}
        for port in objects(spec, "ports"):
            if port.get("nodePort") in given:
                port.pop("nodePort", None)
        gone += [] if spec.get("externalIPs") else ["externalTrafficPolicy"]
    if spec["type"] != "LoadBalancer":
        gone.append("allocateLoadBalancerNodePorts")
    for name in gone:
        if name in before and spec.get(name) == before[name]:
            del spec[name]


def _is_outside(spec: Obj) -> bool:
    """Of a Service that is reached from outside of the cluster."""
    given = spec["type"] == "ClusterIP" and spec.get("externalIPs")
    return spec["type"] in ("NodePort", "LoadBalancer") or bool(given)


def _service_errors(service: Service) -> Iterator[FieldError]:
    spec = service.spec
    headless = spec.cluster_ip == "None" or spec.cluster_ips == ["None"]
    if not spec.ports and spec.type != "ExternalName" and not headless:
        yield required("ports")
    if headless and spec.type in ("NodePort", "LoadBalancer"):
        detail = f"may not be set to 'None' for {spec.type} services"
        yield invalid("clusterIPs[0]", "None", detail)
    if spec.type == "ExternalName":
        name = spec.external_name.removesuffix(".")
        if not name:
            yield required("externalName")
        yield from (invalid("externalName", name, why) for why in _name_faults(name))
    for i, port in enumerate(spec.ports):
        yield from via(f"ports[{i}]", _port_errors(port, spec.ports[:i], len(spec.ports)))
    if spec.session_affinity not in AFFINITIES:
        yield not_supported("sessionAffinity", spec.session_affinity, AFFINITIES)
    if spec.ip_family_policy is not None and spec.ip_family_policy not in FAMILY_POLICIES:
        yield not_supported("ipFamilyPolicy", spec.ip_family_policy, FAMILY_POLICIES)
    if spec.type not in SERVICE_TYPES:
        yield not_supported("type", spec.type, SERVICE_TYPES)
    yield from _doubled_errors(spec)
    yield from _traffic_errors(spec)


def _name_faults(name: str) -> list[str]:
    return names.dns1123_subdomain(name) if name else []


def _doubled_errors(spec: ServiceSpec) -> Iterator[FieldError]:
    """Ports that are not of the Service's type, and ports that come twice."""
    node_ports, ports = set(), set()
    for i, port in enumerate(spec.ports):
        node = (port.protocol, port.node_port)
        if port.node_port and spec.type == "ClusterIP":
            detail = "may not be used when `type` is 'ClusterIP'"
            yield forbidden(f"ports[{i}].nodePort", detail)
        if port.node_port and node in node_ports:
            yield duplicate(f"ports[{i}].nodePort", port.node_port)
        node_ports.add(node)
    for i, port in enumerate(spec.ports):
        if (port.protocol, port.port) in ports:
            yield duplicate(f"ports[{i}]", _go_port(port))
        ports.add((port.protocol, port.port))


def _go_port(port: ServicePort) -> GoValue:
    return GoValue(
        f'core.ServicePort{{Name:"", Protocol:"{port.protocol}", AppProtocol:(*string)(nil), Port:{port.port}, '
        'TargetPort:intstr.IntOrString{Type:0, IntVal:0, StrVal:""}, NodePort:0}'
    )


def _traffic_errors(spec: ServiceSpec) -> Iterator[FieldError]:
    outside, inside = spec.external_traffic_policy, spec.internal_traffic_policy
    if spec.allocate_load_balancer_node_ports is not None and spec.type != "LoadBalancer":
        detail = "may only be used when `type` is 'LoadBalancer'"
        yield forbidden("allocateLoadBalancerNodePorts", detail)
    if not _is_outside({"type": spec.type, "externalIPs": spec.external_ips}):
        if outside:
            detail = "may only be set for externally-accessible services"
            yield invalid("externalTrafficPolicy", outside, detail)
    elif outside not in TRAFFIC_POLICIES:
        yield not_supported("externalTrafficPolicy", outside, TRAFFIC_POLICIES)
    if inside is not None and inside not in TRAFFIC_POLICIES:
        yield not_supported("internalTrafficPolicy", inside, TRAFFIC_POLICIES)


def _port_errors(
    port: ServicePort, before: Sequence[ServicePort], count: int
) -> Iterator[FieldError]:
    if not port.name and count > 1:
        yield required("name")
    elif port.name:
        yield from (invalid("name", port.name, why) for why in names.dns1123_label(port.name))
        if any(port.name == other.name for other in before):
            yield duplicate("name", port.name)
    yield from port_errors("port", port.port)
    if port.protocol not in PROTOCOLS:
        yield not_supported("protocol", port.protocol, PROTOCOLS)
    if port.target_port is not None:
        yield from port_errors("targetPort", port.target_port)


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
        path = f"endpoints[{i}].addresses"
        if not endpoint.addresses:
            errors.append(required(path, "must contain at least 1 address"))
        for j, address in enumerate(endpoint.addresses):
            errors += _address_errors(f"{path}[{j}]", address, found.address_type)
    return errors


def _address_errors(path: str, text: str, kind: str) -> Iterator[FieldError]:
    """Twice, as Kubernetes has it: of the family, and at all. Loopback is refused there; pods of this machine have it here."""
    if kind == "FQDN":
        yield from (invalid(path, text, why) for why in names.dns1123_subdomain(text))
        return
    if kind not in ADDRESS_TYPES:
        return
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        yield invalid(path, text, f"must be a valid {kind} address")
        yield invalid(path, text, "must be a valid IP address")
        return
    if f"IPv{address.version}" != kind:
        yield invalid(path, text, f"must be a valid {kind} address")


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
            errors += port_errors(f"subsets[{i}].ports[{j}].port", port.port)
    return errors


def _ip_errors(path: str, text: str) -> Iterator[FieldError]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        yield invalid(path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        yield invalid(path, text, "must be a valid IP address")


def _endpoints(obj: Obj, now: datetime) -> str:
    found = []
    for subset in obj.get("subsets") or ():
        ports = subset.get("ports") or ()
        for address in subset.get("addresses") or ():
            found += [f"{address.get('ip')}:{p.get('port')}" for p in ports] or [address.get("ip")]
    return _some(found, NONE)


ENDPOINTS_COLUMNS: Final = (Column("Endpoints", cell=_endpoints), AGE)

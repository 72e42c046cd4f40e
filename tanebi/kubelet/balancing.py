"""Where connections to Services go: from Services, their slices, and pods with ports of the machine, to packet rules' terms.

Pure. As kube-proxy: to the ready pods behind an address, else to those that are ending but still serve; a client stays with its
pod where the Service says so, as long as the pods are the same. A Service without pods refuses.
Caller: tanebi.kubelet.serviceproxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Final

from tanebi.api.core.network import Endpoint, EndpointSlice, Service, ServicePort
from tanebi.api.core.pod import Pod
from tanebi.kubelet.endpoints import SERVICE_NAME
from tanebi.kubelet.netlink import TCP, UDP, Balanced
from tanebi.kubelet.podsets import is_done

TARGETS_MAX: Final = 200  # of one port; who has more is not on one machine
NONE: Final = "None"
EXTERNAL_NAME: Final = "ExternalName"
NODE_PORT_TYPES: Final = ("NodePort", "LoadBalancer")
PROTOCOLS: Final[Mapping[str, int]] = {"": TCP, "TCP": TCP, "UDP": UDP}

Target = tuple[IPv4Address, int]


def balanced(
    services: Iterable[Service], slices: Iterable[EndpointSlice], pods: Iterable[Pod]
) -> tuple[Balanced, ...]:
    """Every rule, in an order that says nothing."""
    of: dict[tuple[str, str], list[EndpointSlice]] = {}
    for one in slices:
        name = one.metadata.labels.get(SERVICE_NAME, "")
        of.setdefault((one.metadata.namespace, name), []).append(one)
    found: list[Balanced] = []
    for service in services:
        own = of.get((service.metadata.namespace, service.metadata.name), [])
        found += _of_service(service, own)
    return (*found, *(rule for pod in pods for rule in _of_pod(pod)))


def _of_service(service: Service, slices: Sequence[EndpointSlice]) -> Iterable[Balanced]:
    address = _address(service.spec.cluster_ip)
    if address is None or service.spec.type == EXTERNAL_NAME:
        return
    sticky = service.spec.session_affinity == "ClientIP"
    for port in service.spec.ports:
        protocol = PROTOCOLS.get(port.protocol)
        if protocol is None:
            continue
        targets = _targets(port, slices)
        if any(address.is_loopback for address, _ in targets):
            continue  # the platform itself, which is reached by the gateway's address
        yield Balanced(protocol, address, port.port, targets, sticky)
        for external in map(_address, service.spec.external_ips):
            if external is not None:
                yield Balanced(protocol, external, port.port, targets, sticky)
        if port.node_port and targets and service.spec.type in NODE_PORT_TYPES:
            yield Balanced(protocol, None, port.node_port, targets, sticky)


def _targets(port: ServicePort, slices: Sequence[EndpointSlice]) -> tuple[Target, ...]:
    listed = [
        (endpoint, (address, at))
        for one in slices
        for endpoint in one.endpoints
        for own in one.ports
        if (own.name or "") == port.name
        and (own.protocol or "TCP") == (port.protocol or "TCP")
        and (at := own.port)
        for address in map(_address, endpoint.addresses)
        if address is not None
    ]
    ready = [target for endpoint, target in listed if endpoint.conditions.ready is not False]
    chosen = ready or [target for endpoint, target in listed if _is_ending(endpoint)]
    return tuple(sorted(set(chosen))[:TARGETS_MAX])


def _is_ending(endpoint: Endpoint) -> bool:
    return bool(endpoint.conditions.serving and endpoint.conditions.terminating)


def _of_pod(pod: Pod) -> Iterable[Balanced]:
    """Ports of the machine that lead to a pod with an address of its own."""
    address = _address(pod.status.pod_ip)
    if address is None or address.is_loopback or pod.spec.host_network or is_done(pod):
        return
    for container in pod.spec.original_containers:
        for port in container.ports:
            protocol = PROTOCOLS.get(port.protocol)
            if port.host_port and protocol is not None:
                host = _address(port.host_ip)
                own = None if host is None or host.is_unspecified else host
                yield Balanced(protocol, own, port.host_port, ((address, port.container_port),))


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:  # a name, nothing, or an address of version 6, which pods do not have here
        return None

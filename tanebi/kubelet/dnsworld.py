"""The names of the cluster as the cache knows it.

A Service's name leads where a connection works: headless to the pods that are ready; of the data plane's Services to the gateway,
which knows by the request's host whom it is for, and wakes who sleeps, or to the pods where these listen at the Service's own
ports; of any other to its address.

Caller: tanebi.up, for the DNS server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final

from tanebi.api.core.kinds import ENDPOINT_SLICE, SERVICE
from tanebi.api.core.network import EndpointSlice, Service
from tanebi.kube.cache import Cache
from tanebi.kubelet.dns import Named, World
from tanebi.kubelet.endpoints import SERVICE_NAME

EXTERNAL_NAME: Final = "ExternalName"
HEADLESS: Final = "None"
ADDRESSES_MAX: Final = 100


def world_of(
    cache: Cache,
    *,
    domain: str,
    gateway: str,
    fixed: Iterable[str],
    routed: Callable[[Mapping[str, str]], bool],
) -> World:
    """`fixed` names always stand for the gateway; `routed(labels)`: whether a Service is the data plane's."""

    def service(namespace: str, name: str) -> Named | None:
        found = cache.get(SERVICE, namespace, name)
        if found is None:
            return None
        slices = cache.list(ENDPOINT_SLICE, namespace)
        own = [one for one in slices if one.metadata.labels.get(SERVICE_NAME) == name]
        return named(found, own, gateway=gateway if routed(found.metadata.labels) else "")

    def name_of(address: str) -> str:
        for found in cache.list(SERVICE, None):
            if found.spec.cluster_ip == address:
                return f"{found.metadata.name}.{found.metadata.namespace}.svc"
        for one in cache.list(ENDPOINT_SLICE, None):
            for endpoint in one.endpoints:
                name = one.metadata.labels.get(SERVICE_NAME)
                if address in endpoint.addresses and name:
                    host = endpoint.hostname or address.replace(".", "-")
                    return f"{host}.{name}.{one.metadata.namespace}.svc"
        return ""

    return World(domain, service, dict.fromkeys(fixed, gateway), name_of)


def named(service: Service, slices: Sequence[EndpointSlice], *, gateway: str) -> Named:
    """What a Service's name stands for, by where its pods are. `gateway` empty: it has an address that works."""
    if service.spec.type == EXTERNAL_NAME:
        return Named(alias=service.spec.external_name)
    ports = tuple((p.name, p.protocol or "TCP", p.port) for p in service.spec.ports)
    ready = [
        one for found in slices for one in found.endpoints if one.conditions.ready is not False
    ]
    addresses = tuple(dict.fromkeys(a for one in ready for a in one.addresses if _is_address(a)))
    hosts = {
        one.hostname: one.addresses[0]
        for one in ready
        if one.hostname and one.addresses and _is_address(one.addresses[0])
    }
    headless = service.spec.cluster_ip == HEADLESS
    if not headless and not gateway:
        return Named((service.spec.cluster_ip,), ports, hosts=hosts)
    if headless or (addresses and _same_ports(service, slices)):
        return Named(addresses[:ADDRESSES_MAX], ports, hosts=hosts)
    return Named((gateway,), ports, hosts=hosts)


def _same_ports(service: Service, slices: Sequence[EndpointSlice]) -> bool:
    wanted = {(p.name, p.port) for p in service.spec.ports}
    return all({(p.name or "", p.port or 0) for p in found.ports} == wanted for found in slices)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

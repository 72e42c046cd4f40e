"""EndpointSlices of Services: where the pods that a selector finds can be reached.

A slice's ports hold for all its endpoints, and pods here have different real ports, so pods are grouped by them: one slice for
each set of real ports. Pods are listed as soon as they have an address, ready or not, so that the data plane can ask them
itself; terminating ones stay listed, and say so, until they are gone.

Pure. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tanebi.api import selectors
from tanebi.api.core.kinds import ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.core.network import Service, ServicePort
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of, labels_of, owner_reference
from tanebi.kube.plan import Plan, Reads, Seen
from tanebi.kubelet.podsets import is_done
from tanebi.kubelet.ports import real_ports
from tanebi.kubelet.standby import is_frozen

SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"
MANAGER: Final = "endpointslice-controller.k8s.io"
HEADLESS: Final = "service.kubernetes.io/headless"
SUFFIX_CHARS: Final = 8

RealPorts = tuple[tuple[str, str, int], ...]  # name, protocol, port


@dataclass(frozen=True, slots=True)
class EndpointReconciler:
    """Services with a selector. What a Service without one points at is somebody else's to say."""

    @property
    def kind(self) -> Kind[Service]:
        return SERVICE

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (ENDPOINT_SLICE,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(POD, _services_of),)

    def desired(self, service: Service, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if not service.spec.selector or service.spec.type == "ExternalName":
            return Plan(prune=False)
        chosen = selectors.from_labels(service.spec.selector)
        pods = seen.list(POD, service.metadata.namespace, chosen)
        return Plan(children=make_slices(service, pods))


def make_slices(service: Service, pods: Iterable[Pod]) -> tuple[Obj, ...]:
    """One slice for each set of real ports, ordered by name."""
    groups: dict[RealPorts, list[Pod]] = {}
    for pod in pods:
        if pod.status.pod_ip and not is_frozen(pod) and not is_done(pod):
            groups.setdefault(pod_ports(service, pod), []).append(pod)
    portless = service.spec.cluster_ip == "None" and not service.spec.ports
    told = {ports: group for ports, group in groups.items() if ports or portless}
    expected = _expected(service)
    # Whoever comes first, and as long as it stays, is told in the slice that said that there is nobody.
    first = (
        expected if expected in told else min(told, key=lambda p: _age(told[p]), default=expected)
    )
    slices = [
        _slice(service, ports, group, named_for=expected if ports == first else ports)
        for ports, group in (
            told or {expected: []}
        ).items()  # that there is nobody is told, as in Kubernetes
    ]
    return tuple(sorted(slices, key=lambda found: str(found["metadata"]["name"])))


def _age(pods: Sequence[Pod]) -> tuple[str, str]:
    """Of the oldest of them."""
    return min((pod.metadata.creation_timestamp or "", pod.metadata.name) for pod in pods)


def _expected(service: Service) -> RealPorts:
    """Those that most pods will have, so that the first pod's slice has its name already; none where names decide."""
    ports = service.spec.ports
    if any(isinstance(port.target_port, str) for port in ports):
        return ()
    return tuple((p.name, p.protocol or "TCP", int(p.target_port or p.port)) for p in ports)


def pod_ports(service: Service, pod: Pod) -> RealPorts:
    """The Service's ports at this pod; a port whose name the pod does not know is left out."""
    real = real_ports(pod)
    found = ((port, _target(port, pod)) for port in service.spec.ports)
    return tuple(
        (port.name, port.protocol or "TCP", real.get(target, target))
        for port, target in found
        if target is not None
    )


def _target(port: ServicePort, pod: Pod) -> int | None:
    """The declared port that a Service's port means."""
    if not isinstance(port.target_port, str):
        return port.target_port or port.port
    for container in pod.spec.containers:
        for declared in container.ports:
            if declared.name == port.target_port:
                return declared.container_port
    return None


def _slice(service: Service, ports: RealPorts, pods: Sequence[Pod], *, named_for: RealPorts) -> Obj:
    meta = service.metadata
    digest = hashlib.sha256(repr(named_for).encode()).hexdigest()[:SUFFIX_CHARS]
    labels = {**meta.labels, SERVICE_NAME: meta.name, MANAGED_BY: MANAGER}
    if service.spec.cluster_ip == "None":
        labels[HEADLESS] = ""
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": {
            "name": f"{meta.name}-{digest}",
            "namespace": meta.namespace,
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "ports": [_port(service, name, protocol, port) for name, protocol, port in ports if pods],
        "endpoints": [_endpoint(service, pod) for pod in pods],
    }


def _port(service: Service, name: str, protocol: str, port: int) -> Obj:
    found: Obj = {"name": name, "protocol": protocol, "port": port}
    spoken = next((p.app_protocol for p in service.spec.ports if p.name == name), None)
    if spoken:
        found["appProtocol"] = spoken
    return found


def _endpoint(service: Service, pod: Pod) -> Obj:
    meta, spec = pod.metadata, pod.spec
    named = {"hostname": spec.hostname} if _has_name(service, pod) else {}
    serving = pod.status.is_ready
    published = bool(service.spec.publish_not_ready_addresses)
    return {
        "addresses": [pod.status.pod_ip],
        "conditions": {
            "ready": published or (serving and not pod.deleting),
            "serving": published or serving,
            "terminating": pod.deleting,
        },
        "targetRef": {
            "kind": "Pod",
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
        },
        "nodeName": spec.node_name,
        **named,
    }


def _has_name(service: Service, pod: Pod) -> bool:
    """Whether the pod is found by a name of its own below the Service's."""
    return bool(pod.spec.hostname) and pod.spec.subdomain == service.metadata.name


def _services_of(pod: Obj, seen: Seen) -> Iterable[Key]:
    found = seen.selecting(SERVICE, key_of(pod).namespace, labels_of(pod))
    return [service.key for service in found]

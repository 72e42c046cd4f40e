"""Endpoints and EndpointSlices kept in step, in both directions, as Kubernetes does.

A Service with a selector has slices (tanebi.kubelet.endpoints), and Endpoints of its name say the same in the older form. Where
the Service has no selector, Endpoints that a user wrote are mirrored to slices, unless a label asks not to.

Pure. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.api.core.kinds import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from tanebi.api.core.network import Endpoints, EndpointSlice, Service
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of, labels_of, owner_reference
from tanebi.api.selectors import from_labels
from tanebi.kube.plan import Plan, Reads, Seen
from tanebi.kubelet.endpoints import MANAGED_BY, SERVICE_NAME

MIRROR: Final = "endpointslicemirroring-controller.k8s.io"
SKIP: Final = "endpointslice.kubernetes.io/skip-mirror"
ADDRESSES_MAX: Final = 1000  # of one Endpoints object, as in Kubernetes
OVER_CAPACITY: Final = "endpoints.kubernetes.io/over-capacity"


@dataclass(frozen=True, slots=True)
class EndpointsReconciler:
    """From a Service's slices to its Endpoints."""

    @property
    def kind(self) -> Kind[Service]:
        return SERVICE

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (ENDPOINTS,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(ENDPOINT_SLICE, _service_of),)

    def desired(self, service: Service, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if not service.spec.selector or service.spec.type == "ExternalName":
            return Plan(prune=False)
        meta = service.metadata
        mine = from_labels({SERVICE_NAME: meta.name})
        slices = seen.list(ENDPOINT_SLICE, meta.namespace, mine)
        return Plan(children=(make_endpoints(service, slices),))


def make_endpoints(service: Service, slices: Iterable[EndpointSlice]) -> Obj:
    meta = service.metadata
    subsets = [subset for each in slices if (subset := _subset(each))]
    shown: Obj = {
        "name": meta.name,
        "namespace": meta.namespace,
        "labels": dict(meta.labels),
        "ownerReferences": [owner_reference(service)],
    }
    if sum(len(s.get("addresses", ())) for s in subsets) > ADDRESSES_MAX:
        shown["annotations"] = {OVER_CAPACITY: "truncated"}
        for subset in subsets:
            subset["addresses"] = subset.get("addresses", [])[:ADDRESSES_MAX]
    return {
        "apiVersion": ENDPOINTS.api_version,
        "kind": ENDPOINTS.kind,
        "metadata": shown,
        "subsets": subsets,
    }


def _subset(found: EndpointSlice) -> Obj:
    sides: dict[str, list[Obj]] = {"addresses": [], "notReadyAddresses": []}
    for endpoint in found.endpoints:
        if endpoint.conditions.terminating:
            continue
        ready = endpoint.conditions.ready is not False
        for ip in endpoint.addresses:
            address: Obj = {"ip": ip}
            if endpoint.hostname:
                address["hostname"] = endpoint.hostname
            if endpoint.node_name:
                address["nodeName"] = endpoint.node_name
            if endpoint.target_ref is not None:
                ref = endpoint.target_ref.model_dump(by_alias=True, exclude_defaults=True)
                address["targetRef"] = ref
            sides["addresses" if ready else "notReadyAddresses"].append(address)
    if not any(sides.values()):
        return {}
    ports = [port.model_dump(by_alias=True, exclude_none=True) for port in found.ports]
    kept = [{k: v for k, v in port.items() if v != ""} for port in ports]
    return {**{k: v for k, v in sides.items() if v}, "ports": kept}


@dataclass(frozen=True, slots=True)
class MirrorReconciler:
    """From a user's Endpoints to slices."""

    @property
    def kind(self) -> Kind[Endpoints]:
        return ENDPOINTS

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (ENDPOINT_SLICE,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(SERVICE, lambda obj, seen: (key_of(obj),)),)

    def desired(self, found: Endpoints, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = found.metadata
        service = seen.get(SERVICE, meta.namespace, meta.name)
        skipped = meta.labels.get(SKIP) == "true" or meta.controller is not None
        if skipped or service is None or service.spec.selector:
            return Plan()
        return Plan(children=tuple(_mirrored(found)))


def _mirrored(found: Endpoints) -> Iterable[Obj]:
    meta = found.metadata
    for subset in found.subsets:
        raw = subset.model_dump(by_alias=True, exclude_defaults=True)
        digest = hashlib.sha256(repr(raw.get("ports")).encode()).hexdigest()[:8]
        yield {
            "apiVersion": ENDPOINT_SLICE.api_version,
            "kind": ENDPOINT_SLICE.kind,
            "metadata": {
                "name": f"{meta.name}-{digest}",
                "namespace": meta.namespace,
                "labels": {**meta.labels, SERVICE_NAME: meta.name, MANAGED_BY: MIRROR},
                "ownerReferences": [owner_reference(found)],
            },
            "addressType": _family(raw),
            "ports": raw.get("ports", []),
            "endpoints": [
                _endpoint(address, ready=side == "addresses")
                for side in ("addresses", "notReadyAddresses")
                for address in raw.get(side, ())
            ],
        }


def _family(subset: dict[str, Any]) -> str:
    every = [*subset.get("addresses", ()), *subset.get("notReadyAddresses", ())]
    return "IPv6" if any(":" in address["ip"] for address in every) else "IPv4"


def _endpoint(address: Obj, *, ready: bool) -> Obj:
    kept = {k: v for k, v in address.items() if k in ("hostname", "nodeName", "targetRef")}
    return {"addresses": [address["ip"]], "conditions": {"ready": ready}, **kept}


def _service_of(found: Obj, seen: Seen) -> Iterable[Key]:
    name = labels_of(found).get(SERVICE_NAME)
    return (Key(key_of(found).namespace, name),) if name else ()

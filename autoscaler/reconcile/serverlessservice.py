"""ServerlessService: the two Services of a revision.

`<rev>-private` selects the revision's pods; its endpoints are what the activator sends to and what counts as ready. `<rev>` is
the name others know; it selects nothing, for requests reach it through the gateway, which is the activator. So the mode decides
only what is shown (its Endpoints are the activator's, or the pods'), and how long the activator "has been in the path" (which
scaling to zero asks).
Rules: reference/knative-serving.md §1.10, §3.3. Engine: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import autoscaler.api.serverlessservice_lifecycle as lifecycle
from autoscaler.api.kinds import SERVERLESS_SERVICE
from autoscaler.api.private_service import LABEL_SERVICE_NAME, private_service, revision_of_slice
from autoscaler.api.serverlessservice_types import (
    LABEL_SERVICE_TYPE,
    LABEL_SKS,
    PRIVATE,
    PROXY,
    PUBLIC,
    ServerlessService,
)
from autoscaler.counts import ready_of
from serving.api.names import ACTIVATOR_SERVICE, SYSTEM_NAMESPACE, USER_PORT_NAME
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, ENDPOINTS, SERVICE
from tanebi.api.core.network import Endpoint, EndpointSlice, Service
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, controller_of, key_of, owner_reference
from tanebi.api.selectors import from_labels
from tanebi.kube.diff import DESIRED_HASH
from tanebi.kube.plan import Plan, Reads, Seen

H2C: Final = "h2c"
HTTP_PORT: Final = 80
H2C_PORT: Final = 81
GATEWAY_HTTP_PORT: Final = 8012
GATEWAY_H2C_PORT: Final = 8013


class ServerlessServiceReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    kind: Kind[ServerlessService] = SERVERLESS_SERVICE
    owns: tuple[AnyKind, ...] = (SERVICE, ENDPOINTS)

    def __init__(self) -> None:
        self.reads = (
            Reads(ENDPOINT_SLICE, _sks_of_slice),
            Reads(DEPLOYMENT, _sks_of_deployment),
            Reads(ENDPOINTS, _sks_of_endpoints),
        )

    def desired(
        self, resource: ServerlessService, seen: Seen, configs: Configs, now: datetime
    ) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        found = _look(resource, seen)
        conditions = lifecycle.CONDITIONS.manage(resource.status.conditions, now=now)
        status: Obj = {
            "observedGeneration": resource.metadata.generation,
            "serviceName": found.public,
            "privateServiceName": found.private,
        }
        if found.taken:
            lifecycle.mark_endpoints_not_owned(conditions, SERVICE.kind, found.taken)
        elif found.selector is None:
            lifecycle.mark_endpoints_not_ready(conditions, lifecycle.UPDATING_PRIVATE_SERVICE)
        elif found.ready:
            lifecycle.mark_endpoints_ready(conditions)
        else:
            lifecycle.mark_endpoints_not_ready(conditions, lifecycle.NO_HEALTHY_BACKENDS)
        # Nobody can be served by pods that are not there: then the activator is in the path whatever was asked.
        if resource.spec.mode == PROXY or not found.ready:
            lifecycle.mark_activator_endpoints_populated(conditions)
            subsets = _activators(resource, seen)
        else:
            lifecycle.mark_activator_endpoints_removed(conditions)
            subsets = _pods(resource, seen)
        status["conditions"] = conditions.dump()
        return Plan(children=_children(resource, found, subsets), status=status, prune=False)


@dataclass(frozen=True, slots=True)
class _Found:
    """`taken`: the Service of somebody else under a name of ours. `selector` None: the target is not there."""

    public: str
    private: str
    taken: str
    selector: dict[str, str] | None
    ready: int


def _look(sks: ServerlessService, seen: Seen) -> _Found:
    namespace, public = sks.key
    private = private_service(public)
    services = (seen.get(SERVICE, namespace, name) for name in (public, private))
    taken = next((s.metadata.name for s in services if s and not _controls(sks, s)), "")
    target = seen.get(DEPLOYMENT, namespace, sks.spec.object_ref.name)
    selector = dict(target.spec.selector.match_labels) if target else None
    return _Found(public, private, taken, selector, ready_of(seen, namespace, private))


def _controls(sks: ServerlessService, service: Service) -> bool:
    owner = service.metadata.controller
    return owner is not None and owner.uid == sks.metadata.uid


def _children(sks: ServerlessService, found: _Found, subsets: Sequence[Obj]) -> tuple[Obj, ...]:
    if found.taken:
        return ()
    public = make_public_service(sks)
    if found.selector is None:
        return (public,)
    endpoints = make_public_endpoints(sks, subsets)
    return (public, make_private_service(sks, found.selector), endpoints)


def make_public_endpoints(sks: ServerlessService, subsets: Sequence[Obj]) -> Obj:
    """Where clients of Knative look who serves the revision. Nothing here routes by it."""
    made = _service(sks, sks.metadata.name, PUBLIC, {})
    del made["spec"]
    return {
        **made,
        "apiVersion": ENDPOINTS.api_version,
        "kind": ENDPOINTS.kind,
        "subsets": [*subsets],
    }


def _activators(sks: ServerlessService, seen: Seen) -> list[Obj]:
    """As many of the activators as are asked for."""
    known = seen.get(ENDPOINTS, SYSTEM_NAMESPACE, ACTIVATOR_SERVICE)
    made = []
    for subset in known.subsets if known is not None else ():
        ips = sorted(address.ip for address in subset.addresses)
        numbers = {port.name: port.port for port in subset.ports}
        number = numbers.get(_port_name(sks))
        if ips and number is not None:
            ips = ips[: sks.spec.num_activators or None]
            made.append({"addresses": [{"ip": ip} for ip in ips], "ports": [_at(sks, number)]})
    return made


def _pods(sks: ServerlessService, seen: Seen) -> list[Obj]:
    namespace, public = sks.key
    own = from_labels({LABEL_SERVICE_NAME: private_service(public)})
    made = []
    for found in seen.list(ENDPOINT_SLICE, namespace, own):
        addresses = [one for endpoint in found.endpoints for one in _addresses(endpoint)]
        number = _number(found)
        if addresses and number is not None:
            made.append({"addresses": addresses, "ports": [_at(sks, number)]})
    return made


def _addresses(endpoint: Endpoint) -> Iterable[Obj]:
    if endpoint.conditions.ready is False or endpoint.conditions.terminating:
        return
    for ip in endpoint.addresses:
        made: Obj = {"ip": ip}
        if endpoint.node_name:
            made["nodeName"] = endpoint.node_name
        if endpoint.target_ref is not None:
            made["targetRef"] = endpoint.target_ref.model_dump(by_alias=True, exclude_defaults=True)
        yield made


def _number(found: EndpointSlice) -> int | None:
    return next((port.port for port in found.ports if port.port), None)


def _at(sks: ServerlessService, number: int) -> Obj:
    return {"name": _port_name(sks), "port": number, "protocol": "TCP"}


def _port_name(sks: ServerlessService) -> str:
    return "http2" if sks.spec.protocol_type == H2C else "http"


def make_public_service(sks: ServerlessService) -> Obj:
    """No selector. The target ports are those of Knative's activator, which cluster tools know."""
    h2c = sks.spec.protocol_type == H2C
    port = _port(sks, H2C_PORT if h2c else HTTP_PORT)
    port["targetPort"] = GATEWAY_H2C_PORT if h2c else GATEWAY_HTTP_PORT
    return _service(sks, sks.metadata.name, PUBLIC, {"ports": [port]})


def make_private_service(sks: ServerlessService, selector: dict[str, str]) -> Obj:
    """Leads to the user's container itself: there is no sidecar before it."""
    port = _port(sks, HTTP_PORT)
    port["targetPort"] = USER_PORT_NAME
    spec = {"ports": [port], "selector": selector}
    return _service(sks, private_service(sks.metadata.name), PRIVATE, spec)


def _port(sks: ServerlessService, number: int) -> Obj:
    port: Obj = {"name": _port_name(sks), "protocol": "TCP", "port": number}
    if sks.spec.protocol_type == H2C:
        port["appProtocol"] = "kubernetes.io/h2c"
    return port


def _service(sks: ServerlessService, name: str, type_: str, spec: Obj) -> Obj:
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": {
            "name": name,
            "namespace": sks.metadata.namespace,
            "labels": {
                **sks.metadata.labels,
                LABEL_SKS: sks.metadata.name,
                LABEL_SERVICE_TYPE: type_,
            },
            "annotations": inherited(sks.metadata.annotations),
            "ownerReferences": [owner_reference(sks)],
        },
        "spec": {"type": "ClusterIP", "sessionAffinity": "None", **spec},
    }


def inherited(annotations: Mapping[str, str]) -> dict[str, str]:
    """What a child takes over from its owner: all but the engine's note about the owner itself."""
    return {name: value for name, value in annotations.items() if name != DESIRED_HASH}


def _sks_of_slice(obj: Obj, seen: Seen) -> Iterable[Key]:
    revision = revision_of_slice(obj)
    return [revision] if revision else []


def _sks_of_endpoints(obj: Obj, seen: Seen) -> Iterable[Key]:
    """The activators concern all."""
    if key_of(obj) != (SYSTEM_NAMESPACE, ACTIVATOR_SERVICE):
        return []
    return [sks.key for sks in seen.list(SERVERLESS_SERVICE, None)]


def _sks_of_deployment(obj: Obj, seen: Seen) -> Iterable[Key]:
    owner = controller_of(obj)
    return [Key(key_of(obj).namespace, owner["name"])] if owner else []

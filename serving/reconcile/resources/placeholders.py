"""The Services that give a Route and each of its tags a name inside: they point at the gateway."""

from __future__ import annotations

from activator.api.ingress import Ingress
from serving.api.names import GATEWAY_HOST, LABEL_ROUTE, LABEL_VISIBILITY
from serving.reconcile.domains import Hosts
from serving.reconcile.resources.meta import without
from tanebi.api.core.kinds import SERVICE
from tanebi.api.meta import Obj, owner_reference


def make_placeholder(hosts: Hosts, tag: str, *, gateway: str) -> Obj:
    """`gateway` is the host that clients inside reach the gateway by."""
    route = hosts.route
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": {
            "name": hosts.service(tag),
            "namespace": route.metadata.namespace,
            # The visibility label here is the user's word about one tag; the route's own word is read from the route.
            "labels": {
                **without(route.metadata.labels, LABEL_VISIBILITY),
                LABEL_ROUTE: route.metadata.name,
            },
            "annotations": {},
            "ownerReferences": [owner_reference(route)],
        },
        "spec": {
            "type": "ExternalName",
            "externalName": gateway,
            "sessionAffinity": "None",
            "ports": [{"name": "http2", "port": 80, "targetPort": 80}],
        },
    }


def gateway_of(ingress: Ingress | None) -> str:
    """The host that the ingress reports for clients inside, else the gateway's Service."""
    balancer = ingress.status.private_load_balancer if ingress else None
    for entry in balancer.ingress if balancer else ():
        if entry.domain_internal:
            return entry.domain_internal
    return GATEWAY_HOST

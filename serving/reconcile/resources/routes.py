"""The Route of a Service."""

from __future__ import annotations

from serving.api.kinds import ROUTE
from serving.api.names import LABEL_SERVICE, LABEL_SERVICE_UID
from serving.api.route_types import TrafficTarget
from serving.api.service_types import Service
from serving.reconcile.resources.meta import PARENT_GENERATION, inherited
from serving.reconcile.statuses import as_json
from tanebi.api.meta import Obj, owner_reference


def make_route(service: Service) -> Obj:
    """Same name; targets that follow the latest revision name the Service's Configuration."""
    meta = service.metadata
    return {
        "apiVersion": ROUTE.api_version,
        "kind": ROUTE.kind,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "labels": {**meta.labels, LABEL_SERVICE: meta.name, LABEL_SERVICE_UID: meta.uid},
            "annotations": {
                **inherited(meta.annotations),
                PARENT_GENERATION: str(meta.generation),
            },
            "ownerReferences": [owner_reference(service)],
        },
        "spec": {"traffic": [_target(t, meta.name) for t in service.spec.traffic]},
    }


def _target(target: TrafficTarget, configuration: str) -> Obj:
    found = as_json(target)
    if not target.revision_name:
        found["configurationName"] = configuration
    return found

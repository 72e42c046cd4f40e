"""The Configuration of a Service."""

from __future__ import annotations

from serving.api.kinds import CONFIGURATION
from serving.api.names import (
    LABEL_SERVICE,
    LABEL_SERVICE_UID,
    ROLLOUT_DURATION,
    ROLLOUT_DURATION_OLD,
)
from serving.api.service_types import Service
from serving.reconcile.resources.meta import PARENT_GENERATION, inherited
from serving.reconcile.statuses import as_json
from tanebi.api.meta import Obj, owner_reference


def make_configuration(service: Service) -> Obj:
    """Same name, same template; how traffic moves is none of a Configuration's business."""
    meta = service.metadata
    return {
        "apiVersion": CONFIGURATION.api_version,
        "kind": CONFIGURATION.kind,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "labels": {
                **meta.labels,
                LABEL_SERVICE: meta.name,
                LABEL_SERVICE_UID: meta.uid,
            },
            "annotations": {
                **inherited(meta.annotations, ROLLOUT_DURATION, ROLLOUT_DURATION_OLD),
                PARENT_GENERATION: str(meta.generation),
            },
            "ownerReferences": [owner_reference(service)],
        },
        "spec": {"template": as_json(service.spec.template)},
    }

"""The PodAutoscaler of a Revision."""

from __future__ import annotations

from autoscaler.api import POD_AUTOSCALER
from autoscaler.api.podautoscaler_types import REACHABILITY_UNKNOWN, REACHABLE, UNREACHABLE
from serving.api.names import (
    LABEL_ROUTING_STATE,
    ROUTING_ACTIVE,
    ROUTING_RESERVE,
    deployment_name,
)
from serving.api.revision_lifecycle import CONTAINER_HEALTHY, RESOURCES_AVAILABLE
from serving.api.revision_types import Revision
from serving.reconcile.resources.deployments import (
    annotations_of_children,
    labels_of_children,
    protocol_of,
)
from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.api.core.workload import Deployment
from tanebi.api.meta import Obj, owner_reference


def make_podautoscaler(revision: Revision, deployment: Deployment | None) -> Obj:
    """Same name; scales the Deployment by what the revision says of concurrency and reachability."""
    meta = revision.metadata
    return {
        "apiVersion": POD_AUTOSCALER.api_version,
        "kind": POD_AUTOSCALER.kind,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "labels": labels_of_children(revision),
            "annotations": annotations_of_children(revision),
            "ownerReferences": [owner_reference(revision)],
        },
        "spec": {
            "containerConcurrency": revision.spec.container_concurrency or 0,
            "scaleTargetRef": {
                "apiVersion": DEPLOYMENT.api_version,
                "kind": DEPLOYMENT.kind,
                "name": deployment_name(meta.name),
            },
            "protocolType": protocol_of(revision),
            "reachability": reachability(revision, deployment),
        },
    }


def reachability(revision: Revision, deployment: Deployment | None) -> str:
    """Follows the routing state; but no minimum scale holds pods for a revision whose pods all fail."""
    if deployment is not None and _fails(revision, deployment):
        return UNREACHABLE
    state = revision.metadata.labels.get(LABEL_ROUTING_STATE)
    known = {ROUTING_ACTIVE: REACHABLE, ROUTING_RESERVE: UNREACHABLE}
    return known.get(state or "", REACHABILITY_UNKNOWN)


def _fails(revision: Revision, deployment: Deployment) -> bool:
    status = revision.status
    broken = status.is_false(CONTAINER_HEALTHY) or status.is_false(RESOURCES_AVAILABLE)
    return broken and bool(deployment.spec.replicas) and not deployment.status.ready_replicas

"""The Revision of one generation of a Configuration."""

from __future__ import annotations

from datetime import datetime

from serving.api.configuration_types import Configuration
from serving.api.kinds import REVISION
from serving.api.names import (
    CREATOR,
    LABEL_CONFIGURATION,
    LABEL_CONFIGURATION_GENERATION,
    LABEL_CONFIGURATION_UID,
    LABEL_ROUTING_STATE,
    LABEL_SERVICE,
    LABEL_SERVICE_UID,
    LAST_MODIFIER,
    ROUTING_PENDING,
    ROUTING_STATE_MODIFIED,
    revision_name,
)
from serving.reconcile.statuses import as_json
from tanebi.api.meta import Obj, owner_reference, rfc3339


def name_for(configuration: Configuration) -> str:
    """The author's name, or one made of the generation."""
    meta = configuration.metadata
    return configuration.spec.template.metadata.name or revision_name(meta.name, meta.generation)


def make_revision(configuration: Configuration, *, now: datetime) -> Obj:
    """`pending` until a route is known to use it or not."""
    meta, template = configuration.metadata, configuration.spec.template
    annotations = {**template.metadata.annotations, ROUTING_STATE_MODIFIED: rfc3339(now)}
    if author := meta.annotations.get(LAST_MODIFIER):
        annotations[CREATOR] = author
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.kind,
        "metadata": {
            "name": name_for(configuration),
            "namespace": meta.namespace,
            "labels": {**template.metadata.labels, **_labels(configuration)},
            "annotations": annotations,
            "ownerReferences": [owner_reference(configuration)],
        },
        "spec": as_json(template.spec),
    }


def _labels(configuration: Configuration) -> dict[str, str]:
    meta = configuration.metadata
    labels = {
        LABEL_CONFIGURATION: meta.name,
        LABEL_CONFIGURATION_GENERATION: str(meta.generation),
        LABEL_CONFIGURATION_UID: meta.uid,
        LABEL_ROUTING_STATE: ROUTING_PENDING,
    }
    inherited = {key: meta.labels.get(key, "") for key in (LABEL_SERVICE, LABEL_SERVICE_UID)}
    return {**labels, **{key: value for key, value in inherited.items() if value}}

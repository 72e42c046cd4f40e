"""What makes a Route wrong (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from typing import Final

from serving.api.metadata_validation import (
    refuse_autoscaling,
    validate_labels,
    validate_name,
    validate_rollout_duration,
)
from serving.api.names import LABEL_ROUTE, LABEL_SERVICE, LABEL_SERVICE_UID
from serving.api.route_types import Route
from serving.api.traffic import validate_traffic
from serving.api.user_info import validate_user_info
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission

_LABELS: Final = frozenset({LABEL_ROUTE, LABEL_SERVICE_UID})


def validate_route(route: Route, old: Route | None, admission: Admission) -> list[FieldError]:
    """Every error of a Route."""
    if admission.subresource or route.deleting:
        return []
    meta = route.metadata
    errors = validate_name(meta)
    errors += via("annotations", refuse_autoscaling(meta.annotations))
    errors += via("annotations", validate_rollout_duration(meta.annotations))
    owned = {LABEL_SERVICE: "Service"}
    errors += via("labels", validate_labels(meta, known=_LABELS, owned=owned))
    errors = via("metadata", errors)
    errors += via("spec.traffic", validate_traffic(route.spec.traffic, in_service=False))
    if old is not None and not meta.owner_references:
        found = validate_user_info(
            old.spec, route.spec, before=old.metadata.annotations, after=meta.annotations
        )
        errors += via("metadata.annotations", found)
    return errors

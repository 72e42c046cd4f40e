"""What makes a Service wrong (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from typing import Final

from serving.api.dry_run import try_pod
from serving.api.metadata_validation import (
    refuse_autoscaling,
    validate_labels,
    validate_name,
    validate_rollout_duration,
)
from serving.api.names import LABEL_ROUTE
from serving.api.revision_validation import validate_template, verify_name_change
from serving.api.service_types import Service
from serving.api.traffic import validate_traffic
from serving.api.user_info import validate_user_info
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission

_LABELS: Final = frozenset({LABEL_ROUTE})


def validate_service(
    service: Service, old: Service | None, admission: Admission
) -> list[FieldError]:
    """Every error of a Service."""
    if admission.subresource or service.deleting:
        return []
    meta, template = service.metadata, service.spec.template
    errors = validate_name(meta)
    errors += via("annotations", refuse_autoscaling(meta.annotations))
    errors += via("annotations", validate_rollout_duration(meta.annotations))
    errors += via("labels", validate_labels(meta, known=_LABELS, owned={}))
    errors = via("metadata", errors)
    errors += via("spec.template", validate_template(template, meta, admission))
    errors += via("spec.traffic", validate_traffic(service.spec.traffic, in_service=True))
    errors += try_pod(template, admission, meta.annotations)
    if old is None:
        return errors
    found = validate_user_info(
        old.spec, service.spec, before=old.metadata.annotations, after=meta.annotations
    )
    errors += via("metadata.annotations", found)
    return errors + via("spec.template", verify_name_change(template, old.spec.template))

"""What makes a Configuration wrong (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from typing import Final

from serving.api.configuration_types import Configuration
from serving.api.dry_run import try_pod
from serving.api.metadata_validation import refuse_autoscaling, validate_labels, validate_name
from serving.api.names import LABEL_ROUTE, LABEL_ROUTING_STATE, LABEL_SERVICE, LABEL_SERVICE_UID
from serving.api.revision_validation import validate_template, verify_name_change
from serving.api.user_info import validate_user_info
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission

_LABELS: Final = frozenset({LABEL_ROUTE, LABEL_ROUTING_STATE, LABEL_SERVICE_UID})


def validate_configuration(
    configuration: Configuration, old: Configuration | None, admission: Admission
) -> list[FieldError]:
    """Every error of a Configuration."""
    if admission.subresource or configuration.deleting:
        return []
    meta, template = configuration.metadata, configuration.spec.template
    errors = validate_name(meta)
    errors += via("annotations", refuse_autoscaling(meta.annotations))
    owned = {LABEL_SERVICE: "Service"}
    errors += via("labels", validate_labels(meta, known=_LABELS, owned=owned))
    errors = via("metadata", errors)
    errors += via("spec.template", validate_template(template, meta, admission))
    if LABEL_SERVICE not in meta.labels:
        errors += try_pod(template, admission, meta.annotations)
    if old is None:
        return errors
    if not meta.owner_references:
        found = validate_user_info(
            old.spec, configuration.spec, before=old.metadata.annotations, after=meta.annotations
        )
        errors += via("metadata.annotations", found)
    return errors + via("spec.template", verify_name_change(template, old.spec.template))

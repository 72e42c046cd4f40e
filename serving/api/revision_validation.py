"""What makes a Revision, or the template of one, wrong (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from typing import Final

from autoscaler.api import CONFIG_AUTOSCALER, validate_annotations
from serving.api.config_defaults import CONFIG_DEFAULTS, Defaults
from serving.api.config_features import CONFIG_FEATURES
from serving.api.metadata_validation import (
    difference,
    label_prefix_problems,
    validate_labels,
    validate_name,
    validate_template_annotations,
)
from serving.api.names import (
    LABEL_CONFIGURATION,
    LABEL_CONFIGURATION_GENERATION,
    LABEL_CONFIGURATION_UID,
    LABEL_ROUTE,
    LABEL_ROUTING_STATE,
    LABEL_SERVICE,
    LABEL_SERVICE_UID,
)
from serving.api.podspec_validation import validate_pod
from serving.api.revision_types import Revision, RevisionSpec, RevisionTemplate
from tanebi.api.fielderrors import FieldError, disallowed, immutable, invalid, out_of_bounds, via
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj, ObjectMeta
from tanebi.api.names import dns1035_label

_LABELS: Final = frozenset(
    {
        LABEL_ROUTING_STATE,
        LABEL_ROUTE,
        LABEL_SERVICE,
        LABEL_CONFIGURATION_UID,
        LABEL_SERVICE_UID,
        LABEL_CONFIGURATION_GENERATION,
    }
)
_UNNAMED_CHANGE: Final = "Saw the following changes without a name change (-old +new)"


def validate_revision(
    revision: Revision, old: Revision | None, admission: Admission
) -> list[FieldError]:
    """Every error of a Revision. Its spec never changes."""
    if admission.subresource or revision.deleting:
        return []
    meta = revision.metadata
    settings = admission.configs.get(CONFIG_AUTOSCALER)
    errors = validate_name(meta)
    errors += via("annotations", validate_annotations(meta.annotations, settings))
    owned = {LABEL_CONFIGURATION: "Configuration"}
    errors += via("labels", validate_labels(meta, known=_LABELS, owned=owned))
    errors = via("metadata", errors)
    if old is None:
        return errors + via("spec", validate_spec(revision.spec, admission))
    before, after = _json(old.spec), _json(revision.spec)
    if before != after:
        return [immutable(difference(before, after, "{v1.RevisionSpec}"), "spec")]
    return errors


def validate_template(
    template: RevisionTemplate, parent: ObjectMeta, admission: Admission
) -> list[FieldError]:
    """Every error of a template. Paths begin at its fields: `spec.containers[0].image`."""
    annotations = template.metadata.annotations
    settings = admission.configs.get(CONFIG_AUTOSCALER)
    found = validate_annotations(annotations, settings)
    found += validate_template_annotations(annotations)
    return [
        *via("spec", validate_spec(template.spec, admission)),
        *via("metadata.annotations", found),
        *_revision_name(template.metadata, parent),
    ]


def validate_spec(spec: RevisionSpec, admission: Admission) -> list[FieldError]:
    defaults = admission.configs.get(CONFIG_DEFAULTS)
    errors = validate_pod(spec, admission.configs.get(CONFIG_FEATURES))
    timeout = spec.timeout_seconds
    if timeout is not None and not 0 <= timeout <= defaults.timeout_max_s:
        errors.append(out_of_bounds(timeout, 0, defaults.timeout_max_s, "timeoutSeconds"))
    return errors + _concurrency(spec.container_concurrency, defaults)


def _concurrency(limit: int | None, defaults: Defaults) -> list[FieldError]:
    low, high = 0 if defaults.allow_concurrency_zero else 1, defaults.container_concurrency_max
    if limit is None or low <= limit <= high:
        return []
    return [out_of_bounds(limit, low, high, "containerConcurrency")]


def _revision_name(meta: ObjectMeta, parent: ObjectMeta) -> list[FieldError]:
    """A name of the author's choice begins with its parent's name."""
    if meta.generate_name and (problems := label_prefix_problems(meta.generate_name)):
        text = f"not a DNS 1035 label prefix: [{problems}]"
        return [invalid(text, "metadata.generateName")]
    if not meta.name:
        return []
    if problems := " ".join(dns1035_label(meta.name)):
        return [invalid(f"not a DNS 1035 label: [{problems}]", "metadata.name")]
    if not parent.name and parent.generate_name:
        return [disallowed("metadata.name")]
    prefix = f"{parent.name}-"
    if not meta.name.startswith(prefix):
        return [invalid(f'"{meta.name}" must have prefix "{prefix}"', "metadata.name")]
    return []


def verify_name_change(template: RevisionTemplate, old: RevisionTemplate) -> list[FieldError]:
    """A template that keeps the name its author chose must stay as it is: that revision exists."""
    name = template.metadata.name
    if not name or name != old.metadata.name:
        return []
    before, after = _json(old), _json(template)
    if before == after:
        return []
    details = difference(before, after, "{*v1.RevisionTemplateSpec}")
    return [FieldError(_UNNAMED_CHANGE, ("metadata.name",), details)]


def _json(model: RevisionSpec | RevisionTemplate) -> Obj:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)

"""What makes a traffic list wrong, in Knative's words (reference/knative-serving.md §1.4). Shared by Route and Service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from serving.api.route_types import TrafficTarget
from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    invalid,
    invalid_key,
    one_of_both,
    one_of_neither,
    out_of_bounds,
    via,
)
from tanebi.api.names import dns1035_label, qualified_name

WHOLE: Final = 100


def validate_traffic(targets: Sequence[TrafficTarget], *, in_service: bool) -> list[FieldError]:
    """Paths begin at the list. In a Service every target without a revision is of its own Configuration."""
    errors: list[FieldError] = []
    tags: dict[str, int] = {}
    for index, target in enumerate(targets):
        errors += via(f"[{index}]", _target(target, in_service=in_service))
        if not target.tag:
            continue
        if problems := " ".join(dns1035_label(target.tag)):
            errors.append(invalid(f"not a DNS 1035 label: [{problems}]", f"tag[{index}]"))
        if target.tag in tags:
            paths = (f"[{index}].tag", f"[{tags[target.tag]}].tag")
            errors.append(FieldError(f'Multiple definitions for "{target.tag}"', paths))
        tags.setdefault(target.tag, index)
    total = sum(target.percent or 0 for target in targets)
    if total != WHOLE:
        errors.append(FieldError(f"Traffic targets sum to {total}, want {WHOLE}"))
    return errors


def _target(target: TrafficTarget, *, in_service: bool) -> list[FieldError]:
    errors = _latest(target)
    errors += _reference(target, in_service=in_service)
    if target.percent is not None and not 0 <= target.percent <= WHOLE:
        errors.append(out_of_bounds(target.percent, 0, WHOLE, "percent"))
    if target.url:
        errors.append(disallowed("url"))
    return errors


def _latest(target: TrafficTarget) -> list[FieldError]:
    latest = target.latest_revision
    if latest is None or latest == (not target.revision_name):
        return []
    shown = "true" if latest else "false"
    text = f'may not set revisionName "{target.revision_name}" when latestRevision is {shown}'
    return [FieldError(text, ("latestRevision",))]


def _reference(target: TrafficTarget, *, in_service: bool) -> list[FieldError]:
    revision, configuration = target.revision_name, target.configuration_name
    if in_service and configuration:
        return [disallowed("configurationName")]
    if revision and configuration:
        return [one_of_both("revisionName", "configurationName")]
    if revision:
        return _name(revision, "revisionName")
    if configuration:
        return _name(configuration, "configurationName")
    return [] if in_service else [one_of_neither("revisionName", "configurationName")]


def _name(name: str, path: str) -> list[FieldError]:
    problems = qualified_name(name)
    return [invalid_key(name, path, ", ".join(problems))] if problems else []

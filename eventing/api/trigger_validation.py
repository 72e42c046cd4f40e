"""Rules for a trigger, in Knative's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from eventing.api.config_features import FEATURES, Features
from eventing.api.delivery_validation import validate_delivery
from eventing.api.names import DEPENDENCY, INJECTION
from eventing.api.trigger_types import Filter, Trigger, TriggerSpec
from tanebi.api.addressable import validate_destination
from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    immutable,
    invalid_key,
    missing,
    one_of_both,
    via,
)
from tanebi.api.kind import Admission

# CESQL is a later piece of work; until then a filter that cannot be evaluated must not be stored.
CESQL_UNSUPPORTED: Final = "the cesql dialect is not supported yet"

_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9]*")
_ATTRIBUTE_RULE: Final = (
    "Attribute name must start with a letter and can only contain lowercase alphanumeric"
)


def validate_trigger(
    trigger: Trigger, old: Trigger | None, admission: Admission
) -> list[FieldError]:
    errors = via("spec", _spec(trigger.spec, admission.configs.get(FEATURES)))
    notes = trigger.metadata.annotations
    if DEPENDENCY in notes:
        found = _dependency(notes[DEPENDENCY], trigger.metadata.namespace)
        errors += via(f"metadata.annotations[{DEPENDENCY}]", found)
    if INJECTION in notes:
        found = _injection(notes[INJECTION], trigger.spec.broker)
        errors += via(f"metadata.annotations[{INJECTION}]", found)
    if old is not None and old.broker_key != trigger.broker_key:
        before, after = old.broker_key.name, trigger.broker_key.name
        text = f'{{string}}:\n\t-: "{before}"\n\t+: "{after}"\n'
        errors.append(immutable(text, "spec", "broker"))
    return errors


def _spec(spec: TriggerSpec, features: Features) -> list[FieldError]:
    errors = _broker(spec, features)
    if spec.filter is not None:
        errors += via("filter", _names("attributes", spec.filter.attributes))
    errors += _filters("filters", spec.filters)
    errors += via("subscriber", validate_destination(spec.subscriber))
    errors += via("delivery", validate_delivery(spec.delivery, features))
    return errors


def _broker(spec: TriggerSpec, features: Features) -> list[FieldError]:
    if not spec.broker and spec.broker_ref is None:
        return [missing("broker")]
    if spec.broker and spec.broker_ref is not None:
        return [one_of_both("broker", "brokerRef")]
    if spec.broker_ref is None:
        return []
    errors = [] if spec.broker_ref.name else [missing("brokerRef.name")]
    if spec.broker_ref.namespace and not features.enabled("cross-namespace-event-links"):
        errors.append(disallowed("brokerRef.namespace"))
    return errors


def _filters(path: str, filters: Iterable[Filter]) -> list[FieldError]:
    return [
        error.via_index(path, index) for index, one in enumerate(filters) for error in _filter(one)
    ]


def _filter(one: Filter) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(one.dialects) > 1:
        errors.append(FieldError("multiple dialects found, filters can have only one dialect set"))
    errors += _names("exact", one.exact or {})
    errors += _names("prefix", one.prefix or {})
    errors += _names("suffix", one.suffix or {})
    errors += _filters("all", one.all or ())
    errors += _filters("any", one.any or ())
    if one.not_ is not None:
        errors += via("not", _filter(one.not_))
    if one.cesql:
        hint = "use exact, prefix, suffix, all, any and not"
        errors.append(FieldError(CESQL_UNSUPPORTED, ("cesql",), hint))
    return errors


def _names(path: str, attributes: Mapping[str, str]) -> list[FieldError]:
    return [
        invalid_key(name, "", _ATTRIBUTE_RULE).via_key(path, name)
        for name in attributes
        if not _ATTRIBUTE.fullmatch(name)
    ]


def _dependency(text: str, namespace: str) -> list[FieldError]:
    try:
        ref = json.loads(text)
    except ValueError as error:
        return [_not_a_reference(text, str(error))]
    if not isinstance(ref, dict):
        return [_not_a_reference(text, "expected a JSON object")]
    errors = [missing(name) for name in ("kind", "name", "apiVersion") if not ref.get(name)]
    if ref.get("namespace") not in (None, "", namespace):
        said = f'Namespace must be empty or equal to the trigger namespace "{namespace}"'
        errors.append(FieldError(said, ("namespace",)))
    return errors


def _not_a_reference(text: str, details: str) -> FieldError:
    quoted = json.dumps(text)
    said = f"The provided annotation was not a corev1.ObjectReference: {quoted}"
    return FieldError(said, ("",), details)


def _injection(value: str, broker: str) -> list[FieldError]:
    if value not in ("enabled", "disabled"):
        said = 'The provided injection annotation value can only be "enabled" or "disabled", '
        return [FieldError(f'{said}not "{value}"')]
    if broker != "default":
        said = "The provided injection annotation is only used for default broker, but "
        return [FieldError(f'{said}non-default broker specified here: "{broker}"')]
    return []

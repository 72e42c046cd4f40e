"""Which events a trigger wants. Filters are compiled to closures once and called for every event.

`filters` (Subscriptions API), when not empty, overrides `filter` (attributes). Rules: reference/knative-eventing.md §1.2.
Pure. Caller: eventing.dispatcher. CESQL is refused at admission until there is an evaluator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from eventing.api.trigger_types import Filter, TriggerSpec

Attributes = Mapping[str, str]
Accepts = Callable[[Attributes], bool]
_Compare = Callable[[str, str], bool]

# Names that Knative's attribute filter also understands, from earlier versions of the specification.
_LEGACY: Final = {"schemaurl": "dataschema", "datamediatype": "datacontenttype"}


def everything(attributes: Attributes) -> bool:
    return True


def compile_filter(spec: TriggerSpec) -> Accepts:
    """The trigger's predicate over an event's attributes."""
    if spec.filters:
        return _all([_dialect(one) for one in spec.filters])
    if spec.filter is not None and spec.filter.attributes:
        return _attributes(spec.filter.attributes)
    return everything


def _attributes(wanted: Mapping[str, str]) -> Accepts:
    """Exact values; "" asks for the attribute to be present and not empty."""
    items = tuple(wanted.items())

    def accepts(attributes: Attributes) -> bool:
        for name, value in items:
            found = attributes.get(name)
            if found is None and name in _LEGACY:
                found = attributes.get(_LEGACY[name])
            if not found or (value and found != value):
                return False
        return True

    return accepts


def _dialect(one: Filter) -> Accepts:
    """A filter of one dialect; one that says nothing accepts everything."""
    if one.exact is not None:
        return _each(one.exact, str.__eq__)
    if one.prefix is not None:
        return _each(one.prefix, str.startswith)
    if one.suffix is not None:
        return _each(one.suffix, str.endswith)
    if one.all is not None:
        return _all([_dialect(sub) for sub in one.all])
    if one.any is not None:
        return _any([_dialect(sub) for sub in one.any])
    if one.not_ is not None:
        inner = _dialect(one.not_)
        return lambda attributes: not inner(attributes)
    return everything


def _each(wanted: Mapping[str, str], compare: _Compare) -> Accepts:
    """Every entry must match; a missing attribute does not."""
    items = tuple(wanted.items())

    def accepts(attributes: Attributes) -> bool:
        for name, value in items:
            found = attributes.get(name)
            if found is None or not compare(found, value):
                return False
        return True

    return accepts


def _all(parts: Sequence[Accepts]) -> Accepts:
    if len(parts) == 1:
        return parts[0]
    return lambda attributes: all(part(attributes) for part in parts)


def _any(parts: Sequence[Accepts]) -> Accepts:
    return lambda attributes: any(part(attributes) for part in parts)

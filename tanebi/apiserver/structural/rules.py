"""`x-kubernetes-validations`: a schema's rules in CEL. Pure.

A rule is asked where its schema node applies: `self` is the value there, `oldSelf` what it was before an update. Where no old
value can be told to be the same one (new objects, items of lists that have no keys), rules about `oldSelf` are not asked.
Behaviour: k8s.io/apiextensions-apiserver pkg/apiserver/schema/cel. Callers: tanebi.apiserver.structural.structure, check.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from tanebi.api.meta import Obj, parse_time
from tanebi.apiserver.cel import BadExpression, CannotEvaluate, Expression
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.validate import show, type_name
from tanebi.apiserver.structural.walk import below

RULES: Final = "x-kubernetes-validations"
RULES_MAX: Final = 256
ABSENT: Final = object()
_VARIABLES: Final = frozenset(("self", "oldSelf"))
_REASONS: Final = (
    "FieldValueInvalid",
    "FieldValueForbidden",
    "FieldValueRequired",
    "FieldValueDuplicate",
)
_RESERVED: Final = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var void "
    "while".split()
)
_ESCAPES: Final = (
    ("__", "__underscores__"),
    (".", "__dot__"),
    ("-", "__dash__"),
    ("/", "__slash__"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `about_change`: it names oldSelf, and so is asked of updates alone."""

    source: str
    expression: Expression
    message: str
    message_expression: Expression | None
    reason: str
    field_path: str
    about_change: bool


class Rules:
    """All rules of one schema."""

    def __init__(self, schema: Obj) -> None:
        self._schema = schema
        self.any = _has_rules(schema)

    def problems(self, obj: Obj, old: Obj | None) -> list[Obj]:
        if not self.any:
            return []
        return list(_walk(self._schema, obj, ABSENT if old is None else old, ""))


def rule_problems(schema: Obj, path: str) -> list[Obj]:
    """Faults of the rules themselves, at `path`."""
    rules = schema.get(RULES)
    if not isinstance(rules, list) or len(rules) > RULES_MAX:
        text = f"Invalid value: must be a list of at most {RULES_MAX} rules"
        return [cause("FieldValueInvalid", path, text)]
    found = []
    for index, raw in enumerate(rules):
        where = f"{path}[{index}]"
        if not isinstance(raw, dict) or not isinstance(raw.get("rule"), str):
            found.append(cause("FieldValueRequired", f"{where}.rule", "Required value"))
            continue
        try:
            _rule(raw["rule"], *_rest(raw))
        except BadExpression as error:
            text = f"Invalid value: {show(raw['rule'])}: compilation failed: {error}"
            found.append(cause("FieldValueInvalid", f"{where}.rule", text))
        if (reason := raw.get("reason")) and reason not in _REASONS:
            shown = ", ".join(map(show, sorted(_REASONS)))
            text = f"Unsupported value: {show(reason)}: supported values: {shown}"
            found.append(cause("FieldValueNotSupported", f"{where}.reason", text))
    return found


def _rest(raw: Obj) -> tuple[str, str, str, str, bool]:
    texts = [str(raw.get(n) or "") for n in ("message", "messageExpression", "reason", "fieldPath")]
    return texts[0], texts[1], texts[2], texts[3], bool(raw.get("optionalOldSelf"))


@lru_cache(maxsize=2048)
def _rule(
    source: str, message: str, message_expression: str, reason: str, field_path: str, optional: bool
) -> Rule:
    """Raises BadExpression."""
    if optional:
        raise BadExpression("optionalOldSelf is not evaluated here")
    expression = Expression(source, variables=_VARIABLES)
    return Rule(
        source=source,
        expression=expression,
        message=message,
        message_expression=Expression(message_expression, variables=_VARIABLES)
        if message_expression
        else None,
        reason=reason or "FieldValueInvalid",
        field_path=field_path,
        about_change="oldSelf" in expression.variables,
    )


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get(RULES)) or any(map(_has_rules, schema.values()))
    return isinstance(schema, list) and any(map(_has_rules, schema))


def _walk(schema: Obj, value: Any, old: Any, path: str) -> Iterator[Obj]:
    if rules := schema.get(RULES):
        given: Obj = {"self": for_cel(schema, value)}
        if old is not ABSENT:
            given["oldSelf"] = for_cel(schema, old)
        for raw in rules:
            rule = _rule(raw["rule"], *_rest(raw))
            if old is not ABSENT or not rule.about_change:
                yield from _asked(rule, given, value, path)
    for inner, member, where in below(schema, value, path):
        yield from _walk(inner, member, _old_member(schema, value, old, member, where, path), where)


def _asked(rule: Rule, given: Obj, value: Any, path: str) -> Iterator[Obj]:
    where = f"{path}{rule.field_path}" if path else rule.field_path.removeprefix(".")
    shown = f"Invalid value: {show(type_name(value))}: "
    try:
        if rule.expression.holds(given):
            return
        text = rule.message or f"failed rule: {rule.source}"
        if rule.message_expression is not None:
            with contextlib.suppress(CannotEvaluate):
                text = str(rule.message_expression.value(given)) or text
    except CannotEvaluate as error:
        text = f"rule could not be evaluated: {rule.source}: {error}"
    yield cause(rule.reason, where or "<nil>", _told(rule.reason, shown, text))


def _told(reason: str, shown: str, text: str) -> str:
    match reason:
        case "FieldValueForbidden":
            return f"Forbidden: {text}"
        case "FieldValueRequired":
            return f"Required value: {text}"
        case "FieldValueDuplicate":
            return shown.replace("Invalid", "Duplicate").removesuffix(": ")
    return shown + text


def _old_member(schema: Obj, value: Any, old: Any, member: Any, where: str, path: str) -> Any:
    """What `member` was; ABSENT when that cannot be told."""
    if isinstance(value, dict):
        name = where[len(path) + bool(path) :]
        return old.get(name, ABSENT) if isinstance(old, dict) else ABSENT
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(old, list) or not isinstance(member, dict):
        return ABSENT
    mine = [member.get(key) for key in keys]
    found = (o for o in old if isinstance(o, dict) and [o.get(key) for key in keys] == mine)
    return next(found, ABSENT)


def for_cel(schema: Obj, value: Any) -> Any:
    """`value` as rules see it: members by names that are identifiers, times as times, numbers as doubles."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        inner = extra if isinstance(extra, dict) else {}
        return {
            escaped(name) if name in properties else name: for_cel(
                properties.get(name, inner), member
            )
            for name, member in value.items()
        }
    if isinstance(value, list):
        items = schema.get("items")
        return [for_cel(items if isinstance(items, dict) else {}, item) for item in value]
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if schema.get("format") == "date-time" and isinstance(value, str):
        return _time(value)
    return value


def _time(text: str) -> datetime | str:
    try:
        return parse_time(text)
    except ValueError:
        return text


def escaped(name: str) -> str:
    """A property's name as an identifier of CEL."""
    if name in _RESERVED:
        return f"__{name}__"
    for raw, safe in _ESCAPES:
        name = name.replace(raw, safe)
    return name

"""Label and field selectors: parsed from the query form and from LabelSelector objects.

Grammar: Kubernetes' `labels.Parse` (equality: `a=b,c!=d`; sets: `a in (x,y)`, `b notin (z)`, `c`, `!d`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Verb = Literal["in", "notin", "exists", "absent"]

_TERM: Final = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<akey>[^\s,=!()]+)"
    r"|(?P<key>[^\s,=!()]+)\s*"
    r"(?:(?P<op>==|=|!=)\s*(?P<value>[^\s,=!()]*)"
    r"|(?P<set>in|notin)\s*\((?P<values>\s*(?:[^\s,=!()]+\s*)?(?:,\s*(?:[^\s,=!()]+\s*)?)*)\))?)\s*(?:,|$)"
)
_TOKEN: Final = re.compile(r"==|!=|[=!(),]|[^\s=!(),]+")
_SIGN: Final = re.compile(r"==|!=|[=!(),]")
_OPERATORS: Final = "in, notin, =, ==, !=, gt, lt"


@dataclass(frozen=True, slots=True)
class Term:
    key: str
    verb: Verb
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.verb:
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None


@dataclass(frozen=True, slots=True)
class Selector:
    """A conjunction; no terms means everything."""

    terms: tuple[Term, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(term.matches(labels) for term in self.terms)

    def __str__(self) -> str:
        return ",".join(_show(term) for term in self.terms)


def _show(term: Term) -> str:
    values = sorted(term.values)
    match term.verb:
        case "in" if len(values) == 1:
            return f"{term.key}={values[0]}"
        case "notin" if len(values) == 1:
            return f"{term.key}!={values[0]}"
        case "in" | "notin":
            return f"{term.key} {term.verb} ({','.join(values)})"
        case "exists":
            return term.key
        case "absent":
            return f"!{term.key}"


EVERYTHING: Final = Selector()


def parse(text: str) -> Selector:
    """Read the query form. Raises ValueError in Kubernetes' words."""
    terms: list[Term] = []
    at = 0
    while text[at:].strip():
        found = _TERM.match(text, at)
        if found is None or found.end() == at:
            raise ValueError(_fault(text[at:]))
        terms.append(_term(found))
        at = found.end()
    if text.rstrip().endswith(","):
        raise ValueError("found '', expected: identifier after ','")
    return Selector(tuple(terms))


def _fault(text: str) -> str:
    """What a parser stumbles over that reads `text` token by token."""
    tokens = [*_TOKEN.findall(text), "", "", ""]
    if tokens[0] not in ("", "!") and _SIGN.fullmatch(tokens[0]):
        return f"found '{tokens[0]}', expected: !, identifier, or 'end of string'"
    if tokens[0] == "!":
        wrong = tokens[1] if not tokens[1] or _SIGN.fullmatch(tokens[1]) else ""
        if wrong or not tokens[1]:
            return f"unable to parse requirement: found '{wrong}', expected: identifier"
        return f"found '{tokens[2]}', expected: ',' or 'end of string'"
    operator, value = tokens[1], tokens[2]
    if operator in ("in", "notin"):
        return f"unable to parse requirement: {_values_fault(tokens[2:])}"
    if operator not in ("=", "==", "!="):
        return f"unable to parse requirement: found '{operator}', expected: {_OPERATORS}"
    if _SIGN.fullmatch(value):
        return f"unable to parse requirement: found '{value}', expected: identifier"
    return f"found '{tokens[3]}', expected: ',' or 'end of string'"


def _values_fault(tokens: list[str]) -> str:
    if tokens[0] != "(":
        return f"found '{tokens[0]}' expected: '('"
    named = False
    for token in tokens[1:]:
        sign = not token or bool(_SIGN.fullmatch(token))
        if token != "," and (sign or named):
            return f"found '{token}', expected: ',' or ')'"
        named = not sign
    return "expected: ')'"


def _term(found: re.Match[str]) -> Term:
    if found["absent"]:
        return Term(found["akey"], "absent")
    if found["set"]:
        values = frozenset(v.strip() for v in found["values"].split(","))
        return Term(found["key"], "in" if found["set"] == "in" else "notin", values)
    if found["op"] == "!=":
        return Term(found["key"], "notin", frozenset((found["value"],)))
    if found["op"]:
        return Term(found["key"], "in", frozenset((found["value"],)))
    return Term(found["key"], "exists")


def from_labels(labels: Mapping[str, str]) -> Selector:
    return Selector(tuple(Term(k, "in", frozenset((v,))) for k, v in sorted(labels.items())))


_OBJECT_VERBS: Final[Mapping[str, Verb]] = {
    "In": "in",
    "NotIn": "notin",
    "Exists": "exists",
    "DoesNotExist": "absent",
}


def from_object(selector: Mapping[str, Any]) -> Selector:
    """Read a LabelSelector (`matchLabels`, `matchExpressions`). Raises ValueError on an unknown operator."""
    terms = list(from_labels(selector.get("matchLabels") or {}).terms)
    for rule in selector.get("matchExpressions") or ():
        verb = _OBJECT_VERBS.get(rule.get("operator", ""))
        if verb is None:
            raise ValueError(f"{rule.get('operator')!r} is not a valid label selector operator")
        terms.append(Term(rule["key"], verb, frozenset(rule.get("values") or ())))
    return Selector(tuple(terms))


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """`metadata.name=x,status.phase!=Failed`. A missing field reads as the one that `instead` names, or
    as `absent` says, or as the empty string."""

    terms: tuple[tuple[str, bool, str], ...] = ()  # path, equal, value
    absent: Mapping[str, str] = field(default_factory=dict, compare=False)
    instead: Mapping[str, str] = field(default_factory=dict, compare=False)

    def matches(self, obj: Mapping[str, Any]) -> bool:
        return all((self._value(obj, path) == value) == equal for path, equal, value in self.terms)

    def _value(self, obj: Mapping[str, Any], path: str) -> str:
        found = _lookup(obj, path)
        if not found and (other := self.instead.get(path)):
            found = _lookup(obj, other)
        return found or self.absent.get(path, "")


def parse_fields(
    text: str, *, supported: Callable[[str], bool] = lambda path: True
) -> FieldSelector:
    """Raises ValueError on bad grammar or a path that `supported` refuses."""
    terms = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = re.match(r"^([^=!]+)(==|=|!=)(.*)$", part)
        if found is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{part}'")
        path, op, value = found.groups()
        if not supported(path):
            raise ValueError(f"field label not supported: {path}")
        terms.append((path, op != "!=", value))
    return FieldSelector(tuple(terms))


def _lookup(obj: Mapping[str, Any], path: str) -> str:
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def plain_selector(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels by which an object's spec selects, as a Service's does; empty when it selects nothing, or by terms."""
    wish = (obj.get("spec") or {}).get("selector")
    if isinstance(wish, dict) and all(isinstance(value, str) for value in wish.values()):
        return wish
    return {}

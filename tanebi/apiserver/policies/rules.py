"""What policies and their bindings are completed with and refused for. Pure.

Source: k8s.io/kubernetes pkg/apis/admissionregistration v1 defaults and validation. Caller: tanebi.apiserver.policies.types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.apiserver.cel import BadExpression, Expression
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.validate import show

VARIABLES: Final = frozenset(
    ("object", "oldObject", "request", "params", "namespaceObject", "variables")
)
ACTIONS: Final = ("Audit", "Deny", "Warn")
REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def default_policy(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    spec.setdefault("failurePolicy", "Fail")
    _default_match(spec.get("matchConstraints"))
    return obj


def default_binding(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    _default_match(obj.setdefault("spec", {}).get("matchResources"))
    return obj


def _default_match(match: Obj | None) -> None:
    if match is None:
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for name in ("resourceRules", "excludeResourceRules"):
        for rule in match.get(name) or ():
            rule.setdefault("scope", "*")


def policy_problems(obj: Obj, old: Obj | None) -> list[Obj]:
    """Every fault."""
    spec = obj.get("spec") or {}
    found: list[Obj] = []
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        text = "validations or auditAnnotations must contain at least one item"
        found.append(_required("spec.validations", text))
    if spec.get("failurePolicy") not in ("Fail", "Ignore"):
        found.append(
            _unsupported("spec.failurePolicy", spec.get("failurePolicy"), ("Fail", "Ignore"))
        )
    match = spec.get("matchConstraints")
    if match is None:
        found.append(_required("spec.matchConstraints", ""))
    else:
        found += _match(match, "spec.matchConstraints", required=True)
    kind = spec.get("paramKind")
    for name in ("apiVersion", "kind"):
        if kind is not None and not kind.get(name):
            found.append(_required(f"spec.paramKind.{name}", ""))
    return [*found, *_expressions(spec)]


def _expressions(spec: Obj) -> Iterator[Obj]:
    for i, one in enumerate(spec.get("variables") or ()):
        path = f"spec.variables[{i}]"
        if not _NAME.match(str(one.get("name") or "")):
            yield _invalid(
                f"{path}.name", one.get("name") or "", "name is not a valid CEL identifier"
            )
        yield from _expression(one.get("expression"), f"{path}.expression", required=True)
    for i, one in enumerate(spec.get("validations") or ()):
        path = f"spec.validations[{i}]"
        yield from _expression(one.get("expression"), f"{path}.expression", required=True)
        yield from _expression(one.get("messageExpression"), f"{path}.messageExpression")
        if one.get("reason") and one["reason"] not in REASONS:
            yield _unsupported(f"{path}.reason", one["reason"], REASONS)
    for i, one in enumerate(spec.get("matchConditions") or ()):
        path = f"spec.matchConditions[{i}]"
        if not one.get("name"):
            yield _required(f"{path}.name", "")
        yield from _expression(one.get("expression"), f"{path}.expression", required=True)
    for i, one in enumerate(spec.get("auditAnnotations") or ()):
        path = f"spec.auditAnnotations[{i}].valueExpression"
        yield from _expression(one.get("valueExpression"), path, required=True)


def _expression(source: Any, path: str, *, required: bool = False) -> Iterator[Obj]:
    text = str(source or "").strip()
    if not text:
        if required:
            yield _required(path, "expression is not specified")
        return
    try:
        Expression(text, variables=VARIABLES)
    except BadExpression as error:
        yield _invalid(path, text, f"compilation failed: {error}")


def binding_problems(obj: Obj, old: Obj | None) -> list[Obj]:
    """Every fault."""
    spec = obj.get("spec") or {}
    found: list[Obj] = []
    if not spec.get("policyName"):
        found.append(_required("spec.policyName", ""))
    if ref := spec.get("paramRef"):
        found += _param_ref(ref)
    if match := spec.get("matchResources"):
        found += _match(match, "spec.matchResources", required=False)
    actions = spec.get("validationActions") or []
    if not actions:
        found.append(
            _required("spec.validationActions", "at least one validation action is required")
        )
    for i, action in enumerate(actions):
        if action not in ACTIONS:
            found.append(_unsupported(f"spec.validationActions[{i}]", action, ACTIONS))
        if action in actions[:i]:
            text = f"Duplicate value: {show(action)}"
            found.append(cause("FieldValueDuplicate", f"spec.validationActions[{i}]", text))
    if {"Deny", "Warn"} <= set(actions):
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        found.append(_invalid("spec.validationActions", actions, text))
    return found


def _param_ref(ref: Obj) -> Iterator[Obj]:
    if bool(ref.get("name")) == (ref.get("selector") is not None):
        text = "one of name or selector must be specified"
        yield _required("spec.paramRef", text)
    action = ref.get("parameterNotFoundAction")
    if not action:
        yield _required("spec.paramRef.parameterNotFoundAction", "")
    elif action not in ("Allow", "Deny"):
        yield _unsupported("spec.paramRef.parameterNotFoundAction", action, ("Allow", "Deny"))


def _match(match: Obj, path: str, *, required: bool) -> Iterator[Obj]:
    if required and not match.get("resourceRules"):
        yield _required(f"{path}.resourceRules", "")
    if match.get("matchPolicy") not in ("Equivalent", "Exact"):
        policies = ("Equivalent", "Exact")
        yield _unsupported(f"{path}.matchPolicy", match.get("matchPolicy"), policies)
    for name in ("resourceRules", "excludeResourceRules"):
        for i, rule in enumerate(match.get(name) or ()):
            for field in ("operations", "apiGroups", "apiVersions", "resources"):
                if not rule.get(field):
                    yield _required(f"{path}.{name}[{i}].{field}", "")


def _required(field: str, text: str) -> Obj:
    told = f"Required value: {text}" if text else "Required value"
    return cause("FieldValueRequired", field, told)


def _invalid(field: str, value: Any, text: str) -> Obj:
    return cause("FieldValueInvalid", field, f"Invalid value: {show(value)}: {text}")


def _unsupported(field: str, value: Any, allowed: tuple[str, ...]) -> Obj:
    shown = ", ".join(map(show, allowed))
    text = f"Unsupported value: {show(value)}: supported values: {shown}"
    return cause("FieldValueNotSupported", field, text)

"""What one policy says of one write. Pure.

Behaviour: k8s.io/apiserver pkg/admission/plugin/policy validating. Caller: tanebi.apiserver.policies.policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from tanebi.api.meta import Obj
from tanebi.apiserver.cel import CannotEvaluate, Expression
from tanebi.apiserver.policies.rules import VARIABLES
from tanebi.kube.errors import ApiError

_CODES: Final = {
    "Unauthorized": 401,
    "Forbidden": 403,
    "RequestEntityTooLarge": 413,
    "Invalid": 422,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule that does not hold."""

    message: str
    reason: str = "Invalid"


@lru_cache(maxsize=512)
def _expression(source: str) -> Expression:
    return Expression(source.strip(), variables=VARIABLES)


def applies(spec: Obj, given: Mapping[str, Any]) -> bool:
    """All matchConditions. One that is false decides; otherwise one that fails raises CannotEvaluate."""
    failed: CannotEvaluate | None = None
    for one in spec.get("matchConditions") or ():
        try:
            if not _expression(one["expression"]).holds(given):
                return False
        except CannotEvaluate as error:
            failed = error
    if failed is not None:
        raise failed
    return True


def failures(spec: Obj, given: Mapping[str, Any]) -> Iterator[Failure]:
    """The rules of a policy's `spec` that do not hold. What cannot be evaluated does not, unless the policy may fail."""
    try:
        if not applies(spec, given):
            return
        given = {**given, "variables": _variables(spec, given)}
    except CannotEvaluate as error:
        if spec.get("failurePolicy") != "Ignore":
            yield Failure(str(error))
        return
    for one in spec.get("validations") or ():
        source = str(one["expression"]).strip()
        try:
            if _expression(source).holds(given):
                continue
        except CannotEvaluate as error:
            if spec.get("failurePolicy") != "Ignore":
                yield Failure(f"expression '{source}' resulted in error: {error}")
            continue
        yield Failure(_message(one, source, given), str(one.get("reason") or "Invalid"))


def _variables(spec: Obj, given: Mapping[str, Any]) -> Obj:
    """In their order: each may name those before it. One that has no value is missing, for those who ask for it."""
    found: Obj = {}
    for one in spec.get("variables") or ():
        try:
            found[one["name"]] = _expression(one["expression"]).value({**given, "variables": found})
        except CannotEvaluate:
            continue
    return found


def _message(validation: Obj, source: str, given: Mapping[str, Any]) -> str:
    if wanted := validation.get("messageExpression"):
        try:
            made = _expression(wanted).value(given)
        except CannotEvaluate:
            made = None
        if isinstance(made, str) and made.strip() and "\n" not in made:
            return made.strip()
    return str(validation.get("message") or "").strip() or f"failed expression: {source}"


def denial(resource: str, name: str, policy: str, binding: str, failure: Failure) -> ApiError:
    """The refusal that the client gets."""
    text = f"ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {failure.message}"
    plural, _, group = resource.partition(".")
    details: Obj = {"name": name, "group": group, "kind": plural}
    details["causes"] = [{"message": text}]
    code = _CODES.get(failure.reason, 422)
    return ApiError.of(code, failure.reason, f'{resource} "{name}" is forbidden: {text}', details)


def warning(policy: str, binding: str, failure: Failure) -> str:
    return (
        f"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': "
        f"{failure.message}"
    )

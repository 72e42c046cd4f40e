"""Refusals in Kubernetes' words, for errors that carry more than a message.

The classes are tanebi.kube.errors'; here are the texts and details that clients compare. Pure.
Source of the wording: k8s.io/apimachinery api/errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from tanebi.api.fielderrors import FieldError
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.base.errors import Unavailable
from tanebi.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Expired,
    InvalidObject,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
)
from tanebi.kube.transport import Response

JSON: Final = "application/json"
CHALLENGE: Final = 'Bearer realm="tanebi"'  # with each 401
MODIFIED: Final = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def of_kind(kind: AnyKind, name: str = "") -> dict[str, Any]:
    """A details object. Kubernetes puts the plural into `kind` for requests, and the kind for Invalid."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {k: v for k, v in details.items() if v}


def not_found(kind: AnyKind, name: str) -> NotFound:
    return NotFound(f'{kind.resource} "{name}" not found', details=of_kind(kind, name))


def no_such_path() -> NotFound:
    return NotFound("the server could not find the requested resource")


def already_exists(kind: AnyKind, name: str, *, leaving: bool = False) -> AlreadyExists:
    """`leaving`: the one that exists is being deleted."""
    said = "object is being deleted: " if leaving else ""
    text = f'{said}{kind.resource} "{name}" already exists'
    return AlreadyExists(text, details=of_kind(kind, name))


def conflict(kind: AnyKind, name: str, why: str = MODIFIED) -> Conflict:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Conflict(message, details=of_kind(kind, name))


def conflict_of(kind: AnyKind, name: str, why: str) -> Conflict:
    """The same, said of the kind instead of the resource: preconditions of a deletion."""
    named = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    message = f'Operation cannot be fulfilled on {named} "{name}": {why}'
    return Conflict(message, details=of_kind(kind, name) | {"kind": kind.kind})


def wrong_method() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource")


def expired(message: str) -> Expired:
    return Expired(message)


def cause(reason: str, field: str, message: str) -> Obj:
    return {"reason": reason, "message": message, "field": field}


def invalid(kind: AnyKind, name: str, causes: list[Obj]) -> InvalidObject:
    """422 as the built-in kinds answer it: one cause a field, all of them in the message."""
    texts = [f"{c['field']}: {c['message']}" if c.get("field") else c["message"] for c in causes]
    shown = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = of_kind(kind, name) | {"kind": kind.kind, "causes": causes}
    return InvalidObject(f'{qualified} "{name}" is invalid: {shown}', details=details)


def field_causes(errors: Iterable[FieldError]) -> list[Obj]:
    """FieldErrors as StatusCauses: one a path."""
    return [
        cause(
            reason_of(error.message),
            path,
            f"{error.message}: {error.details}" if error.details else error.message,
        )
        for error in errors
        for path in error.paths
    ]


_REASONS_BY_TEXT: Final = (
    ("missing field", "FieldValueRequired"),
    ("must not set", "FieldValueForbidden"),
    ("Required", "FieldValueRequired"),
    ("Forbidden", "FieldValueForbidden"),
    ("Duplicate value", "FieldValueDuplicate"),
    ("duplicate", "FieldValueDuplicate"),
    ("Unsupported value", "FieldValueNotSupported"),
    ("Not found", "FieldValueNotFound"),
    ("Too long", "FieldValueTooLong"),
    ("Too many", "FieldValueTooMany"),
    ("Internal error", "InternalError"),
)


def reason_of(message: str) -> str:
    """A StatusCause's reason, which the message begins with."""
    found = (reason for text, reason in _REASONS_BY_TEXT if message.startswith(text))
    return next(found, "FieldValueInvalid")


def denied(webhook: str, why: str) -> BadRequest:
    """A refusal of the admission webhook that Knative would have run."""
    return BadRequest(f'admission webhook "{webhook}" denied the request: {why}')


def unavailable(error: Unavailable) -> ServiceUnavailable:
    """Our own 'cannot now', as Kubernetes tells it."""
    retry = max(1, round(error.retry_after_s))
    return ServiceUnavailable(str(error), details={"retryAfterSeconds": retry})


def response(error: ApiError) -> Response:
    """The answer that carries `error`."""
    headers = {"content-type": JSON}
    if retry := error.details.get("retryAfterSeconds"):
        headers["retry-after"] = str(retry)
    if error.status == Unauthorized.status:
        headers["www-authenticate"] = CHALLENGE
    return Response(error.status, headers, orjson.dumps(error.to_status()))


def success(details: Obj) -> Obj:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }

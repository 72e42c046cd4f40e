"""AdmissionReview v1: the question about a write, and what the answer says. Pure.

Source: k8s.io/api admission/v1, k8s.io/apiserver webhook request and errors. Caller: tanebi.apiserver.webhooks.hooks.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.patch import jsonpatch
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.webhooks.match import Attempt
from tanebi.kube.errors import ApiError

WARNINGS_MAX: Final = 20
WARNING_CHARS_MAX: Final = 256


class BadReview(ValueError):
    """What came back is no answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    patch: Any = None  # operations of a JSON patch; None: no change
    status: Obj = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def request_of(attempt: Attempt, seen_as: AnyKind, obj: Obj | None, uid: str) -> Obj:
    """The `request` of a review, with the object in the version of `seen_as`."""
    asked = attempt.kind
    request: Obj = {
        "uid": uid,
        "kind": _gvk(seen_as, attempt.shown_as),
        "resource": _gvr(seen_as),
        "requestKind": _gvk(asked, attempt.shown_as),
        "requestResource": _gvr(asked),
        "name": attempt.key.name,
        "operation": attempt.operation,
        "userInfo": attempt.user.info(),
        "object": obj if attempt.shown_as else _in_version(obj, seen_as),
        "oldObject": _in_version(attempt.old, seen_as),
        "dryRun": attempt.dry_run,
        "options": attempt.options and dict(attempt.options),
    }
    if attempt.key.namespace:
        request["namespace"] = attempt.key.namespace
    elif asked.kind == "Namespace" and asked.builtin:
        request["namespace"] = attempt.key.name
    if attempt.subresource:
        request |= {
            "subResource": attempt.subresource,
            "requestSubResource": attempt.subresource,
        }
    return request


def question(request: Obj) -> bytes:
    review = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}
    return orjson.dumps(review)


def _in_version(obj: Obj | None, kind: AnyKind) -> Obj | None:
    return None if obj is None else {**obj, "apiVersion": kind.api_version, "kind": kind.kind}


def _gvk(kind: AnyKind, shown_as: str = "") -> Obj:
    return {"group": kind.group, "version": kind.version, "kind": shown_as or kind.kind}


def _gvr(kind: AnyKind) -> Obj:
    return {"group": kind.group, "version": kind.version, "resource": kind.plural}


def answer(body: bytes, uid: str) -> Verdict:
    """Raises BadReview."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadReview(f"the answer is not JSON: {error}") from error
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise BadReview("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview")
    if review.get("apiVersion") != "admission.k8s.io/v1":
        raise BadReview(
            f"expected webhook response of admission.k8s.io/v1, got {review.get('apiVersion')}"
        )
    response = review.get("response")
    if not isinstance(response, dict):
        raise BadReview("webhook response was absent")
    if response.get("uid") != uid:
        raise BadReview(
            f"expected response.uid={orjson.dumps(uid).decode()}, got {response.get('uid')!r}"
        )
    warnings = [str(one)[:WARNING_CHARS_MAX] for one in response.get("warnings") or ()]
    return Verdict(
        allowed=response.get("allowed") is True,
        patch=_patch(response),
        status=response["status"] if isinstance(response.get("status"), dict) else {},
        warnings=tuple(warnings[:WARNINGS_MAX]),
    )


def _patch(response: Obj) -> Any:
    encoded, type_ = response.get("patch"), response.get("patchType")
    if not encoded:
        if type_:
            raise BadReview("webhook returned response.patchType but not response.patch")
        return None
    if type_ != "JSONPatch":
        raise BadReview(f"invalid webhook response: unsupported response.patchType {type_!r}")
    try:
        return orjson.loads(base64.b64decode(str(encoded), validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadReview(f"response.patch cannot be read: {error}") from error


def patched(obj: Obj, patch: Any, seen_as: AnyKind, asked: AnyKind) -> Obj:
    """The object after the webhook's patch, in the version of the request again. Raises BadReview."""
    try:
        found = jsonpatch.apply(_in_version(obj, seen_as), patch)
    except BadPatch as error:
        raise BadReview(f"response.patch does not fit: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise BadReview("response.patch leaves no object")
    if (found.get("apiVersion"), found.get("kind")) != (seen_as.api_version, seen_as.kind):
        raise BadReview("response.patch changes what kind the object is")
    return {**found, "apiVersion": asked.api_version}


def denial(name: str, verdict: Verdict) -> ApiError:
    """The refusal that the client gets."""
    told = verdict.status
    denied = f'admission webhook "{name}" denied the request'
    message = told.get("message") or told.get("reason")
    code = told.get("code")
    fitting = code if isinstance(code, int) and 400 <= code < 600 else 400
    return ApiError.of(
        fitting,
        str(told.get("reason") or ""),
        f"{denied}: {message}" if message else f"{denied} without explanation",
        told.get("details") if isinstance(told.get("details"), dict) else None,
    )

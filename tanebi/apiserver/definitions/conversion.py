"""ConversionReview v1: objects in one version of a kind, made into another by the kind's own webhook. Pure.

Source: k8s.io/apiextensions-apiserver pkg/apiserver/conversion webhook_converter. Caller: tanebi.apiserver.conversion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from tanebi.api.meta import Obj

API: Final = "apiextensions.k8s.io/v1"
# A converter speaks for the object, not for its identity.
CONVERTED_METADATA: Final = ("annotations", "labels")


class BadConversion(ValueError):
    """What came back is no answer to what was asked."""


def question(objects: Sequence[Obj], wanted: str, uid: str) -> bytes:
    request = {"uid": uid, "desiredAPIVersion": wanted, "objects": list(objects)}
    return orjson.dumps({"kind": "ConversionReview", "apiVersion": API, "request": request})


def answer(body: bytes, uid: str, objects: Sequence[Obj], wanted: str) -> list[Obj]:
    """The objects in version `wanted`, in order. Raises BadConversion."""
    converted = _objects_of(body, uid)
    if len(converted) != len(objects):
        raise BadConversion(f"webhook returned {len(converted)} objects, expected {len(objects)}")
    return [
        _checked(index, before, after, wanted)
        for index, (before, after) in enumerate(zip(objects, converted, strict=True))
    ]


def _objects_of(body: bytes, uid: str) -> list[Any]:
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadConversion(f"the answer is not JSON: {error}") from error
    named = (review.get("apiVersion"), review.get("kind")) if isinstance(review, dict) else None
    if named != (API, "ConversionReview"):
        raise BadConversion(
            f"expected webhook response of {API}, Kind=ConversionReview, got {named}"
        )
    response = review.get("response")
    if not isinstance(response, dict):
        raise BadConversion("no response provided")
    if response.get("uid") != uid:
        raise BadConversion(f'expected response.uid="{uid}", got "{response.get("uid")}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        raise BadConversion(str(result.get("message") or "Status: Failure"))
    converted = response.get("convertedObjects")
    return converted if isinstance(converted, list) else []


def _checked(index: int, before: Obj, after: Any, wanted: str) -> Obj:
    where = f"invalid converted object at index {index}"
    if not isinstance(after, dict) or not isinstance(after.get("metadata"), dict):
        raise BadConversion(f"{where}: it is no object")
    if after.get("apiVersion") != wanted:
        raise BadConversion(f"{where}: expected {wanted}, got {after.get('apiVersion')}")
    if after.get("kind") != before["kind"]:
        raise BadConversion(f"{where}: expected {before['kind']}, got {after.get('kind')}")
    meta = after["metadata"]
    for name in ("name", "namespace", "uid"):
        if meta.get(name) != before["metadata"].get(name):
            raise BadConversion(f"{where}: must have the same {name}: {meta.get(name)}")
    kept = {k: v for k, v in before["metadata"].items() if k not in CONVERTED_METADATA}
    given = {k: meta[k] for k in CONVERTED_METADATA if meta.get(k)}
    return {**after, "metadata": kept | given}

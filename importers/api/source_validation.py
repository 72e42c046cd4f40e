"""What a sink must be (knative.dev/pkg duck/v1 Destination), for every source kind."""

from __future__ import annotations

from urllib.parse import urlsplit

from tanebi.api.fielderrors import FieldError, missing, via
from tanebi.api.meta import Destination, KReference


def validate_sink(sink: Destination, *, namespace: str) -> list[FieldError]:
    return via("sink", _destination(sink, namespace))


def _destination(sink: Destination, namespace: str) -> list[FieldError]:
    if sink.ref is None and not sink.uri:
        return [FieldError("expected at least one, got none", ("ref", "uri"))]
    absolute = bool(urlsplit(sink.uri).scheme)
    if sink.ref is not None and absolute:
        message = "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present"
        return [FieldError(message, ("[apiVersion, kind, name]", "ref", "uri"))]
    if sink.ref is not None:
        return via("ref", _reference(sink.ref, namespace))
    if not absolute or not urlsplit(sink.uri).netloc:
        return [
            FieldError(
                "invalid value: Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent",
                ("uri",),
            )
        ]
    return []


def _reference(ref: KReference, namespace: str) -> list[FieldError]:
    absent = [
        path
        for path, value in (("name", ref.name), ("kind", ref.kind), ("apiVersion", ref.api_version))
        if not value
    ]
    errors = [missing(path) for path in absent]
    if ref.namespace and namespace and ref.namespace != namespace:
        details = f'parent namespace: "{namespace}" does not match ref: "{ref.namespace}"'
        errors.append(FieldError("mismatched namespaces", ("namespace",), details))
    return errors

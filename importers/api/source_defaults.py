"""Defaults that all source kinds share."""

from __future__ import annotations

from tanebi.api.meta import Obj, key_of


def default_sink_namespace(obj: Obj) -> Obj:
    """A sink reference without a namespace means the source's own."""
    spec = obj.get("spec")
    sink = spec.get("sink") if isinstance(spec, dict) else None
    ref = sink.get("ref") if isinstance(sink, dict) else None
    if isinstance(ref, dict) and not ref.get("namespace") and key_of(obj).namespace:
        ref["namespace"] = key_of(obj).namespace
    return obj

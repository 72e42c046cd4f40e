"""Stored objects as one version of their kind shows them.

Kubernetes' own kinds and ours have one version, stored as it is read. A user-defined kind may have several, and its schema may
have changed since an object was written: then the object is shown under the version that is asked for, with what its schema knows
and its defaults, as the real server does on every read. What was worked out once is kept beside the entry. Where a webhook
converts between versions, tanebi.apiserver.conversion asks it first and keeps its answer here. Pure.
Callers: tanebi.apiserver.views, watch, objects, conversion.
"""

from __future__ import annotations

from typing import Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.history import Entry
from tanebi.kube.errors import ServerError

KEPT_MAX: Final = 4  # versions of one object; what is shown in more is worked out anew


class NotConverted(ServerError, told=False):
    """The webhook has not been asked about this object yet: whoever reads asks first (tanebi.apiserver.conversion)."""


def shown(kind: AnyKind, entry: Entry) -> tuple[Obj, bytes]:
    """The object and its JSON. Shared: never change it. Raises NotConverted."""
    if kind.structure is None:
        return entry.obj, entry.body
    known = entry.shown.get(kind) if entry.shown is not None else None
    if known is not None:
        return known
    obj: Obj = orjson.loads(entry.body)
    if kind.converter is not None and obj["apiVersion"] != kind.api_version:
        name = obj["metadata"].get("name")
        raise NotConverted(f"{kind.resource} {name} is not converted to {kind.api_version}")
    return keep(kind, entry, obj)


def is_ready(kind: AnyKind, entry: Entry) -> bool:
    """Whether `shown` can say, without a webhook."""
    if kind.converter is None or (entry.shown is not None and kind in entry.shown):
        return True
    return bool(entry.obj["apiVersion"] == kind.api_version)


def keep(kind: AnyKind, entry: Entry, obj: Obj) -> tuple[Obj, bytes]:
    """Show `entry` as `obj` from now on, pruned and completed."""
    assert kind.structure is not None
    obj["apiVersion"] = kind.api_version
    kind.structure.prune(obj)
    kind.structure.complete(obj)
    # Most often it is as it was stored, and then there is one of it.
    same = obj == entry.obj
    found = (entry.obj, entry.body) if same else (obj, orjson.dumps(obj))
    if entry.shown is None or len(entry.shown) >= KEPT_MAX:
        entry.shown = {}
    entry.shown[kind] = found
    return found


def private(kind: AnyKind, entry: Entry) -> Obj:
    """A copy to change."""
    copied: Obj = orjson.loads(shown(kind, entry)[1])
    return copied


def to_store(kind: AnyKind, obj: Obj) -> Obj:
    """`obj` as it is stored, where versions differ by name alone."""
    return {**obj, "apiVersion": kind.stored_as} if kind.stored_as else obj

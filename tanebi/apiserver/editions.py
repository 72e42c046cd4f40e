"""Stored objects as one version of their kind shows them.

Kubernetes' own kinds and ours have one version, stored as it is read. A user-defined kind may have several, and its schema may
have changed since an object was written: then the object is shown under the version that is asked for, with what its schema knows
and its defaults, as the real server does on every read. What was worked out once is kept beside the entry.
Callers: tanebi.apiserver.views, watch, objects.
"""

from __future__ import annotations

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.history import Entry


def shown(kind: AnyKind, entry: Entry) -> tuple[Obj, bytes]:
    """The object and its JSON. Shared: never change it."""
    if kind.structure is None:
        return entry.obj, entry.body
    known = entry.shown
    if known is not None and known[0] is kind:
        return known[1], known[2]
    obj: Obj = orjson.loads(entry.body)
    obj["apiVersion"] = kind.api_version
    kind.structure.prune(obj)
    kind.structure.complete(obj)
    # Most often it is as it was stored, and then there is one of it.
    same = obj == entry.obj
    obj, body = (entry.obj, entry.body) if same else (obj, orjson.dumps(obj))
    entry.shown = (kind, obj, body)
    return obj, body


def private(kind: AnyKind, entry: Entry) -> Obj:
    """A copy to change."""
    copied: Obj = orjson.loads(shown(kind, entry)[1])
    return copied


def to_store(kind: AnyKind, obj: Obj) -> Obj:
    """`obj` as it is stored."""
    return {**obj, "apiVersion": kind.stored_as} if kind.stored_as else obj

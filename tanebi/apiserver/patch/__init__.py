"""The four patch types as functions from an object and a patch to an object.

Pure. The server reads, checks and stores; it calls `apply_patch` for a PATCH, and `track_update` after every write that is no
apply, once defaults are in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, drop_nulls
from tanebi.apiserver.patch import apply, jsonpatch, merge, strategic
from tanebi.apiserver.patch.errors import ApplyConflict, BadPatch, FieldConflict, PatchError
from tanebi.apiserver.patch.managers import track_update
from tanebi.apiserver.patch.schema import schema_of
from tanebi.kube.request import PatchType

__all__ = [
    "ApplyConflict",
    "BadPatch",
    "FieldConflict",
    "PatchError",
    "apply_patch",
    "track_update",
]


def apply_patch(
    kind: AnyKind,
    live: Obj | None,
    patch_type: PatchType,
    body: Any,
    *,
    manager: str,
    force: bool,
    now: datetime,
    subresource: str = "",
) -> Obj:
    """The object after the patch. Only an apply may meet no object (None); only an apply brings managedFields with it.

    `body` is parsed JSON or YAML. Raises BadPatch (400, 413, 415, 422), ApplyConflict (409).
    """
    if patch_type == "apply":
        return apply.apply(
            kind, live, body, manager=manager, force=force, now=now, subresource=subresource
        )
    assert live is not None, "only an apply creates"
    match patch_type:
        case "json":
            result = jsonpatch.apply(live, body)
        case "merge":
            if not isinstance(body, dict):
                raise BadPatch("error decoding patch: a merge patch of an object is an object")
            result = merge.merge(live, body)
        case "strategic":
            if not kind.builtin:
                raise BadPatch(
                    "the body of the request was in an unknown format - accepted media types include: "
                    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                    code=415,
                )
            result = strategic.apply(live, body, schema_of(kind))
    if not isinstance(result, dict):
        raise BadPatch("the patch leaves no object", code=422)
    patched: Obj = drop_nulls(result)
    if not isinstance(patched.get("metadata", {}), dict):
        raise BadPatch("the patch leaves no metadata", code=422)
    return patched

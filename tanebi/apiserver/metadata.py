"""The rules of `metadata`: what the server sets, what a writer may change, what a name may be. Pure.

Source: k8s.io/apiserver registry/rest BeforeCreate, BeforeUpdate, BeforeDelete and apimachinery ValidateObjectMeta.
Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tanebi.api import names
from tanebi.api.core.identity_rules import GROUP as RBAC
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, rfc3339
from tanebi.apiserver.status import cause
from tanebi.kube.errors import BadRequest

ANNOTATIONS_BYTES_MAX: Final = 256 * 1024
GENERATED_BASE_MAX: Final = 58
FOREGROUND: Final = "foregroundDeletion"
ORPHAN: Final = "orphan"

# What only the server writes; a client's values are replaced by the stored ones.
_KEPT: Final = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
)
_FINALIZERS: Final = (ORPHAN, FOREGROUND, "kubernetes")  # that need no domain
_OMITTED_EMPTY: Final = ("labels", "annotations", "finalizers", "ownerReferences")
_ORDER: Final = ("apiVersion", "kind", "metadata")


def ordered(obj: Obj, kind: AnyKind) -> Obj:
    """The same members, apiVersion, kind and metadata first; metadata without what is empty, as Go leaves it out."""
    meta = obj["metadata"]
    if not all(meta.get(name, True) for name in _OMITTED_EMPTY):
        meta = {k: v for k, v in meta.items() if v or k not in _OMITTED_EMPTY}
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
    return head | {name: value for name, value in obj.items() if name not in _ORDER}


def check_identity(kind: AnyKind, obj: Obj) -> None:
    """Fill in or compare apiVersion and kind. Raises BadRequest."""
    if kind.builtin:
        obj.setdefault("apiVersion", kind.api_version)
        obj.setdefault("kind", kind.kind)
    if not obj.get("kind"):
        raise BadRequest("Object 'Kind' is missing in the body of the request")
    if obj.get("apiVersion") != kind.api_version:
        raise BadRequest(
            f"the API version in the data ({obj.get('apiVersion')}) does not match the expected API "
            f"version ({kind.api_version})"
        )
    if obj["kind"] != kind.kind:
        raise BadRequest(f"the kind in the data ({obj['kind']}) does not match {kind.kind}")


def check_place(kind: AnyKind, meta: Obj, namespace: str | None, name: str) -> None:
    """Compare name and namespace with the URL's, filling in what the body leaves out. Raises BadRequest."""
    if kind.namespaced:
        if (given := meta.get("namespace")) and given != namespace:
            raise BadRequest(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta["namespace"] = namespace
    else:
        meta.pop("namespace", None)
    if not name:
        return
    if (given := meta.get("name")) and given != name:
        raise BadRequest(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )
    meta["name"] = name


def check_named(meta: Obj, name: str) -> None:
    """What a patch leaves must still say who it is. Raises BadRequest."""
    if not meta.get("name"):
        raise BadRequest(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )


def begin(kind: AnyKind, meta: Obj, *, uid: str, now: datetime) -> None:
    """Set what a new object gets. Raises BadRequest when the body carries a resourceVersion."""
    if meta.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"):
        meta.pop(name, None)
    meta["uid"] = uid
    meta["creationTimestamp"] = rfc3339(now)
    meta.pop("generation", None)
    if kind.has_generation:
        meta["generation"] = 1


def carry_over(meta: Obj, old: Obj) -> None:
    """Give an updated object the members that its writer has no say in."""
    for name in _KEPT:
        if name in old:
            meta[name] = old[name]
        else:
            meta.pop(name, None)
    meta.pop("selfLink", None)
    if "managedFields" not in meta and "managedFields" in old:
        meta["managedFields"] = old["managedFields"]


def keep_identity(meta: Obj, before: Obj) -> None:
    """Undo what a webhook may not do: it speaks for the object, not for who it is."""
    for name in (*_KEPT, "name", "namespace", "resourceVersion"):
        if name in before:
            meta[name] = before[name]
        else:
            meta.pop(name, None)


def spec_part(kind: AnyKind, obj: Obj) -> Obj:
    """What a generation counts changes of: all but the status, if that has a door of its own."""
    left_out = ("metadata", "status") if kind.status else ("metadata",)
    return {k: v for k, v in obj.items() if k not in left_out}


def same(one: Obj, other: Obj) -> bool:
    """True when nothing but the resourceVersion and managedFields' times may differ."""
    if one.keys() != other.keys():
        return False
    if any(one[k] != other[k] for k in one if k != "metadata"):
        return False
    return _meta_facts(one["metadata"]) == _meta_facts(other["metadata"])


def _meta_facts(meta: Obj) -> Obj:
    facts = {k: v for k, v in meta.items() if k != "resourceVersion" and v not in ({}, [], "")}
    if managed := facts.get("managedFields"):
        facts["managedFields"] = [{k: v for k, v in m.items() if k != "time"} for m in managed]
    return facts


def finished(obj: Obj) -> bool:
    """True when a deletion waits for nothing any more."""
    meta = obj["metadata"]
    return bool(
        meta.get("deletionTimestamp")
        and not meta.get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
        and not (obj["kind"] == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
    )


def problems(kind: AnyKind, meta: Obj, old: Obj | None) -> list[Obj]:
    """Every fault of `metadata`, as StatusCauses. Empty labels and annotations are fine."""
    found: list[Obj] = []
    if old is None:
        found += _name_problems(kind, str(meta.get("name") or ""))
    labels: dict[str, Any] = meta.get("labels") or {}
    for key, value in labels.items():
        found += [_invalid("metadata.labels", key, text) for text in names.qualified_name(key)]
        found += [
            _invalid("metadata.labels", value, text) for text in names.label_value(str(value))
        ]
    annotations: dict[str, Any] = meta.get("annotations") or {}
    for key in annotations:
        bad = names.qualified_name(key.lower())
        found += [_invalid("metadata.annotations", key, text) for text in bad]
    if sum(len(k) + len(str(v)) for k, v in annotations.items()) > ANNOTATIONS_BYTES_MAX:
        text = f"Too long: may not be more than {ANNOTATIONS_BYTES_MAX} bytes"
        found.append(cause("FieldValueTooLong", "metadata.annotations", text))
    for index, finalizer in enumerate(meta.get("finalizers") or ()):
        bad = names.qualified_name(str(finalizer))
        where = f"metadata.finalizers[{index}]"
        found += [_invalid(where, finalizer, text) for text in bad]
        if not bad and "/" not in str(finalizer) and finalizer not in _FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(_invalid(where, finalizer, text))
    return found + _owner_problems(meta.get("ownerReferences") or []) + _finalizers_added(meta, old)


def _name_problems(kind: AnyKind, name: str) -> list[Obj]:
    if not name:
        text = "Required value: name or generateName is required"
        return [cause("FieldValueRequired", "metadata.name", text)]
    if kind.kind == "Namespace":
        if "." in name:
            return [_invalid("metadata.name", name, "must not contain dots")]
        rule = names.dns1123_label
    elif kind.builtin and kind.kind == "Service":
        rule = names.dns1035_label
    elif kind.builtin and kind.group == RBAC:
        rule = names.path_segment
    else:
        rule = names.dns1123_subdomain
    return [_invalid("metadata.name", name, text) for text in rule(name)]


def _owner_problems(references: list[Obj]) -> list[Obj]:
    found = []
    where = "metadata.ownerReferences"
    for reference in references:
        for name in ("apiVersion", "kind", "name", "uid"):
            if not reference.get(name):
                text = f'Invalid value: "": {name} must not be empty'
                found.append(cause("FieldValueInvalid", f"{where}.{name}", text))
    if sum(bool(reference.get("controller")) for reference in references) > 1:
        text = "Invalid value: only one reference can have Controller set to true"
        found.append(cause("FieldValueInvalid", "metadata.ownerReferences", text))
    return found


def _finalizers_added(meta: Obj, old: Obj | None) -> list[Obj]:
    if old is None or not old.get("deletionTimestamp"):
        return []
    added = sorted(set(meta.get("finalizers") or ()) - set(old.get("finalizers") or ()))
    if not added:
        return []
    shown = ", ".join(f'"{name}"' for name in added)
    text = (
        f"Forbidden: no new finalizers can be added if the object is being deleted, found new "
        f"finalizers []string{{{shown}}}"
    )
    return [cause("FieldValueForbidden", "metadata.finalizers", text)]


def _invalid(field: str, value: Any, text: str) -> Obj:
    return cause("FieldValueInvalid", field, f'Invalid value: "{value}": {text}')

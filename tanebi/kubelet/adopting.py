"""Who belongs to whom when labels say other than owners: children that fit and have no controller are adopted, and owned ones
that no longer fit are let go, as Kubernetes' controllers do (pkg/controller/controller_ref_manager.go).

Pure. Callers: the reconcilers beside this module, before they count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tanebi.api.core.pod import Pod
from tanebi.api.kind import Kind
from tanebi.api.meta import Key, Obj, Resource, controller_of, key_of, labels_of, owner_reference
from tanebi.api.selectors import Selector
from tanebi.kube.plan import Patch, Seen
from tanebi.kubelet.podsets import is_done

R = TypeVar("R", bound=Resource)


def claims(owner: Resource, kind: Kind[R], seen: Seen, chosen: Selector) -> tuple[Patch, ...]:
    """What is to be written before the children are counted."""
    if owner.deleting:
        return ()
    meta = owner.metadata
    orphans = [
        each
        for each in seen.list(kind, meta.namespace, chosen)
        if each.metadata.controller is None and not each.deleting and not _is_over(each)
    ]
    strangers = [
        obj
        for obj in seen.owned(kind, meta.uid)
        if (controller_of(obj) or {}).get("uid") == meta.uid
        and not obj["metadata"].get("deletionTimestamp")
        and not chosen.matches(labels_of(obj))
    ]
    return (
        *(_adopted(owner, kind, each) for each in orphans),
        *(_released(meta.uid, kind, obj) for obj in strangers),
    )


def claimants(
    kind: Kind[R], chosen: Callable[[R], Selector | None]
) -> Callable[[Obj, Seen], Iterable[Key]]:
    """For Reads: whom a child without a controller may concern. `chosen` is an owner's selector; None: it adopts nobody."""

    def keys(obj: Obj, seen: Seen) -> Iterable[Key]:
        if controller_of(obj) is not None:
            return ()
        labels = labels_of(obj)
        return [
            owner.key
            for owner in seen.list(kind, key_of(obj).namespace)
            if (selector := chosen(owner)) is not None and selector.matches(labels)
        ]

    return keys


def _is_over(child: Resource) -> bool:
    return isinstance(child, Pod) and is_done(child)


def _adopted(owner: Resource, kind: Kind[R], child: Resource) -> Patch:
    meta = child.metadata
    before = [ref.model_dump(by_alias=True, exclude_none=True) for ref in meta.owner_references]
    body = {"metadata": {"uid": meta.uid, "ownerReferences": [*before, owner_reference(owner)]}}
    return Patch(kind, *child.key, body)


def _released(uid: str, kind: Kind[R], obj: Obj) -> Patch:
    meta = obj["metadata"]
    left = [ref for ref in meta.get("ownerReferences") or () if ref.get("uid") != uid]
    return Patch(
        kind, *key_of(obj), {"metadata": {"uid": meta["uid"], "ownerReferences": left or None}}
    )

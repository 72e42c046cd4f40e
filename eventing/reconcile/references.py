"""Which kinds a destination may lead to, and who refers to an object. Pure. Callers: the broker and trigger reconcilers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from tanebi.api.kind import AnyKind, Kind, Kinds
from tanebi.api.meta import Destination, Key, KReference, Obj, Resource, key_of
from tanebi.kube.plan import Reads, Seen

ADDRESSABLE_LABEL: Final = "duck.knative.dev/addressable"

References = Callable[[Any], Iterable[KReference | None]]


def addressable_kinds(kinds: Kinds) -> tuple[AnyKind, ...]:
    """Kinds with a status.address, and Kubernetes' own Service."""
    return tuple(
        kind
        for kind in kinds
        if kind.labels.get(ADDRESSABLE_LABEL) == "true"
        or (kind.group, kind.kind) == ("", "Service")
    )


def resolvable(seen: Seen, kinds: Iterable[AnyKind]) -> Callable[[AnyKind, str, str], Obj | None]:
    """A reader for tanebi.api.addressable that looks only at kinds that are watched."""
    watched = frozenset(kinds)

    def raw(kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return seen.raw(kind, namespace, name) if kind in watched else None

    return raw


def reads(target: AnyKind, referrer: Kind[Any], references: References) -> Reads:
    """A change of a `target` object concerns every `referrer` that refers to it."""

    def keys(obj: Obj, seen: Seen) -> Iterable[Key]:
        changed = key_of(obj)
        for resource in seen.list(referrer, None):
            for ref in references(resource):
                if ref is not None and _means(ref, resource, target, changed):
                    yield resource.key
                    break

    return Reads(target, keys)


def _means(ref: KReference, referrer: Resource, target: AnyKind, changed: Key) -> bool:
    return (
        ref.kind == target.kind
        and ref.name == changed.name
        and (ref.namespace or referrer.metadata.namespace) == changed.namespace
        and ref.api_version == target.api_version
    )


def ref_of(destination: Destination | None) -> KReference | None:
    return destination.ref if destination is not None else None

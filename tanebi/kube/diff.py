"""What to write so that the world looks like a Plan.

Pure. A child is compared in two ways: the digest of what we asked for last time (`tanebi.dev/desired-hash`) tells that the wish
changed, and a subset check tells that somebody changed what we asked for. What the server filled in by itself is left alone.

The number of replicas belongs to whoever scales: a wished object of a scalable kind that leaves it out keeps what is there, and
it is never part of the digest, so that scaling causes no other write.
Caller: tanebi.kube.engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, controller_of, key_of

DESIRED_HASH: Final = "tanebi.dev/desired-hash"

_NOT_CONTENT: Final = frozenset(("apiVersion", "kind", "metadata", "status"))
_VOLATILE: Final = frozenset(("lastTransitionTime", "lastUpdateTime", "lastHeartbeatTime"))


@dataclass(frozen=True, slots=True)
class Create:
    kind: AnyKind
    obj: Obj


@dataclass(frozen=True, slots=True)
class Update:
    """Carries the resourceVersion it was computed from, as the precondition."""

    kind: AnyKind
    obj: Obj


@dataclass(frozen=True, slots=True)
class Delete:
    kind: AnyKind
    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class NotOwned:
    """An object with a child's name that is not ours. It is never touched."""

    kind: AnyKind
    key: Key


Change = Create | Update | Delete | NotOwned


def children(
    owner_uid: str,
    wanted: Iterable[tuple[AnyKind, Obj]],
    owned: Iterable[tuple[AnyKind, Obj]],
    *,
    live: Callable[[AnyKind, Key], Obj | None],
    prune: bool,
) -> list[Change]:
    """The changes in the order to make them: creates, updates, deletes."""
    creates: list[Change] = []
    updates: list[Change] = []
    named: set[tuple[AnyKind, Key]] = set()
    for kind, wish in wanted:
        named.add((kind, key_of(wish)))
        change = _child(kind, wish, live(kind, key_of(wish)), owner_uid)
        if change is not None:
            (creates if isinstance(change, Create) else updates).append(change)
    deletes = [
        Delete(kind, key_of(obj), obj["metadata"]["uid"])
        for kind, obj in owned
        if prune and (kind, key_of(obj)) not in named and _controls(owner_uid, obj)
        if not obj["metadata"].get("deletionTimestamp")
    ]
    return [*creates, *updates, *deletes]


def _child(kind: AnyKind, wish: Obj, live: Obj | None, owner_uid: str) -> Change | None:
    if live is None:
        return Create(kind, _stamped(kind, wish))
    if not _controls(owner_uid, live):
        return NotOwned(kind, key_of(live))
    if live["metadata"].get("deletionTimestamp"):
        return None  # its end will wake us, and then it is created anew
    if is_as_wished(kind, wish, live):
        return None
    return Update(kind, merged(kind, wish, live))


def is_as_wished(kind: AnyKind, wish: Obj, live: Obj) -> bool:
    """Nothing to write: the wish is the one we wrote, and what we wrote is still there."""
    annotations = live["metadata"].get("annotations") or {}
    if annotations.get(DESIRED_HASH) != digest(kind, wish):
        return False
    meta = wish.get("metadata") or {}
    # A child that copies its owner's annotations copies the owner's digest, too: that one is no wish.
    asked = {k: v for k, v in (meta.get("annotations") or {}).items() if k != DESIRED_HASH}
    kept = {"labels": meta.get("labels") or {}, "annotations": asked}
    return contains(live["metadata"], kept) and contains(live, _content(wish))


def merged(kind: AnyKind, wish: Obj, live: Obj) -> Obj:
    """`live` with the wish's content in place of its own, and the wish's labels and annotations added."""
    wish = _stamped(kind, wish)
    meta = dict(live["metadata"])
    meta.pop("managedFields", None)
    for name in ("labels", "annotations"):
        both = {**(meta.get(name) or {}), **(wish["metadata"].get(name) or {})}
        if both:
            meta[name] = both
    if finalizers := wish["metadata"].get("finalizers"):
        meta["finalizers"] = list(dict.fromkeys([*(meta.get("finalizers") or ()), *finalizers]))
    result = {k: v for k, v in live.items() if k in _NOT_CONTENT} | _content(wish)
    result["metadata"] = meta
    return _keep_replicas(kind, result, live)


def digest(kind: AnyKind, wish: Obj) -> str:
    """Of everything wished but the number of replicas."""
    meta = wish.get("metadata") or {}
    told = {name: meta.get(name) or {} for name in ("labels", "annotations")}
    told["annotations"] = {k: v for k, v in told["annotations"].items() if k != DESIRED_HASH}
    content = _without_replicas(kind, _content(wish))
    raw = orjson.dumps([told, content], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def contains(live: Any, wish: Any) -> bool:
    """Everything that `wish` names is so in `live`. What is empty may as well be absent."""
    if isinstance(
        wish, dict
    ):  # JSON, never another mapping; asking for that one costs ten times as much
        have = live if isinstance(live, dict) else {}
        return all(contains(have.get(name), value) for name, value in wish.items())
    if isinstance(wish, (list, tuple)):
        found = live if isinstance(live, (list, tuple)) else ()
        return len(found) == len(wish) and all(map(contains, found, wish))
    if isinstance(wish, bool):
        return live is wish or (live is None and not wish)
    if isinstance(live, bool):
        return False
    return bool(wish == live or (live is None and wish in ("", 0, None)))


def same_status(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Equal, the times of conditions aside: a time alone is no news."""
    return bool(_settled(old or {}) == _settled(new or {}))


def merge_is_done(live: Mapping[str, Any], patch: Any) -> bool:
    """A merge patch that would change nothing. Lists and values compare exactly, null means absent."""
    if not isinstance(patch, Mapping):
        return bool(live == patch)
    for name, value in patch.items():
        if value is None:
            if name in live:
                return False
        elif isinstance(value, Mapping):
            below = live.get(name)
            if not isinstance(below, Mapping) or not merge_is_done(below, value):
                return False
        elif name not in live or live[name] != value:
            return False
    return True


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _settled(v) for k, v in value.items() if k not in _VOLATILE and v is not None}
    if isinstance(value, (list, tuple)):
        return [_settled(item) for item in value]
    return value


def _content(obj: Mapping[str, Any]) -> Obj:
    return {name: value for name, value in obj.items() if name not in _NOT_CONTENT}


def _stamped(kind: AnyKind, wish: Obj) -> Obj:
    meta = dict(wish["metadata"])
    meta["annotations"] = {**(meta.get("annotations") or {}), DESIRED_HASH: digest(kind, wish)}
    return {**wish, "metadata": meta}


def _controls(owner_uid: str, obj: Obj) -> bool:
    ref = controller_of(obj)
    return ref is not None and ref.get("uid") == owner_uid


def _replicas_path(kind: AnyKind) -> Sequence[str]:
    return kind.scale.spec.strip(".").split(".") if kind.scale is not None else ()


def _without_replicas(kind: AnyKind, content: Obj) -> Obj:
    match _replicas_path(kind):
        case [section, field]:
            inner = {k: v for k, v in (content.get(section) or {}).items() if k != field}
            return {**content, section: inner}
    return content


def _keep_replicas(kind: AnyKind, result: Obj, live: Obj) -> Obj:
    match _replicas_path(kind):
        case [section, field]:
            there = (live.get(section) or {}).get(field)
            if there is not None and field not in (result.get(section) or {}):
                result[section] = {**(result.get(section) or {}), field: there}
    return result

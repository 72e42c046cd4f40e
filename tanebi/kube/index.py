"""The objects of one kind as last seen, with the look-ups that reconcilers need.

Pure: no task, no clock. `replace` takes a list, `apply` a watch event, `observe` the answer to a write of our own; each returns
what changed, so that a relist after a lost watch tells subscribers exactly the difference.

Resource versions that are decimal numbers (etcd's and ours) order events: a line that was delivered twice, or late, changes
nothing. Versions of another form are never compared; then the last line wins, as in Kubernetes' own caches.
Caller: tanebi.kube.cache.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tanebi.api.kind import Kind
from tanebi.api.meta import Key, Obj, Resource, key_of, labels_of
from tanebi.api.selectors import Selector, plain_selector
from tanebi.kube.watch import Added, Bookmark, Deleted, Modified

R = TypeVar("R", bound=Resource)
E = TypeVar("E", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Change:
    """What an object was and is. None: was not there, is no more. Never both."""

    old: Obj | None
    new: Obj | None


class Index(Generic[R]):
    """One kind. Objects inside are shared and must not be changed."""

    def __init__(self, kind: Kind[R]) -> None:
        self.kind = kind
        self._by_namespace: dict[str, dict[str, Obj]] = {}
        self._names: dict[str, list[str]] = {}  # per namespace, sorted
        self._by_label: dict[tuple[str, str], set[Key]] = {}
        self._by_owner: dict[str, set[Key]] = {}
        self._by_wish: dict[tuple[str, str], set[Key]] = {}  # one of the labels that it selects by
        self._views: dict[Key, tuple[Obj, R]] = {}
        self._high_water = 0  # every event up to here is known, deletions included

    def __len__(self) -> int:
        return sum(map(len, self._by_namespace.values()))

    def get(self, key: Key) -> Obj | None:
        return self._by_namespace.get(key.namespace, {}).get(key.name)

    def view(self, key: Key) -> R | None:
        """The typed view, made once per version of the object. Raises pydantic.ValidationError."""
        obj = self.get(key)
        if obj is None:
            return None
        known = self._views.get(key)
        if known is None or known[0] is not obj:
            known = self._views[key] = (obj, self.kind.view(obj))
        return known[1]

    def keys(self, namespace: str | None) -> list[Key]:
        """Sorted; of one namespace, or of all for None."""
        wanted = sorted(self._names) if namespace is None else [namespace]
        return [Key(ns, name) for ns in wanted for name in self._names.get(ns, ())]

    def selected(self, namespace: str | None, selector: Selector) -> list[Key]:
        """Keys of objects that `selector` matches, sorted. A wanted label value narrows the search before anything is read."""
        if not selector.terms:
            return self.keys(namespace)
        narrowed = self._narrowest(selector)
        candidates = self.keys(namespace) if narrowed is None else narrowed
        return sorted(
            key
            for key in candidates
            if (namespace is None or key.namespace == namespace)
            and selector.matches(labels_of(self.get(key) or {}))
        )

    def _narrowest(self, selector: Selector) -> set[Key] | None:
        """The fewest keys that can match; None when no term names one value."""
        postings = [
            self._by_label.get((term.key, value), set())
            for term in selector.terms
            if term.verb == "in" and len(term.values) == 1
            for value in term.values
        ]
        return min(postings, key=len) if postings else None

    def selecting(self, namespace: str, labels: Mapping[str, str]) -> list[Key]:
        """Keys of objects whose `spec.selector`, a plain map as a Service's, matches `labels`; sorted."""
        found = {key for label in labels.items() for key in self._by_wish.get(label, ())}
        return sorted(
            key
            for key in found
            if key.namespace == namespace
            and plain_selector(self.get(key) or {}).items() <= labels.items()
        )

    def owned(self, uid: str) -> list[Obj]:
        """Objects with an owner reference to `uid`, sorted by key."""
        keys = sorted(self._by_owner.get(uid, ()))
        return [obj for key in keys if (obj := self.get(key)) is not None]

    def replace(self, items: Iterable[Obj], resource_version: str) -> list[Change]:
        """Make this the content of a list taken at `resource_version`; what was written later stays."""
        listed_at = _number(resource_version)
        fresh = {key_of(item): item for item in items}
        changes = [self._put(item) for key, item in fresh.items() if self._newer(key, item)]
        for key in self.keys(None):
            if key not in fresh and not self._written_after(key, listed_at):
                changes.append(self._drop(key, None))
        self._high_water = max(self._high_water, listed_at or 0)
        return changes

    def apply(self, event: Added | Modified | Deleted | Bookmark) -> Change | None:
        """What the event changed; None for news that is old, and for bookmarks."""
        if isinstance(event, Bookmark):
            self._raise_water(event.resource_version)
            return None
        if self._raise_water(_version(event.obj)) is False:
            return None
        key = key_of(event.obj)
        if isinstance(event, Deleted):
            return self._drop(key, event.obj) if self.get(key) is not None else None
        return self._put(event.obj) if self._newer(key, event.obj) else None

    def observe(self, obj: Obj) -> Change | None:
        """The answer to a write of ours, which the watch will tell too, sooner or later."""
        number = _number(_version(obj))
        if number is None or number <= self._high_water or not self._newer(key_of(obj), obj):
            return None
        return self._put(obj)

    def _raise_water(self, version: str) -> bool | None:
        """False for a version that is already behind us; None when it cannot be compared."""
        number = _number(version)
        if number is None:
            return None
        if number <= self._high_water:
            return False
        self._high_water = number
        return True

    def _newer(self, key: Key, obj: Obj) -> bool:
        old = self.get(key)
        if old is None:
            return True
        before, after = _number(_version(old)), _number(_version(obj))
        if before is None or after is None:
            return _version(old) != _version(obj)
        return after > before

    def _written_after(self, key: Key, listed_at: int | None) -> bool:
        obj = self.get(key)
        number = None if obj is None else _number(_version(obj))
        return listed_at is not None and number is not None and number > listed_at

    def _put(self, obj: Obj) -> Change:
        key = key_of(obj)
        names = self._by_namespace.setdefault(key.namespace, {})
        old = names.get(key.name)
        if old is None:
            insort(self._names.setdefault(key.namespace, []), key.name)
        else:
            self._unlink(key, old)
        names[key.name] = obj
        for uid in _owners(obj):
            self._by_owner.setdefault(uid, set()).add(key)
        for label in labels_of(obj).items():
            self._by_label.setdefault(label, set()).add(key)
        if wish := plain_selector(obj):
            self._by_wish.setdefault(min(wish.items()), set()).add(key)
        return Change(old, obj)

    def _drop(self, key: Key, last: Obj | None) -> Change:
        """Forget `key`; `last` is its final state when the server told it."""
        objects, names = self._by_namespace[key.namespace], self._names[key.namespace]
        old = objects.pop(key.name)
        del names[bisect_left(names, key.name)]
        if not names:
            del self._by_namespace[key.namespace], self._names[key.namespace]
        self._unlink(key, old)
        self._views.pop(key, None)
        return Change(last or old, None)

    def _unlink(self, key: Key, obj: Obj) -> None:
        for uid in _owners(obj):
            _take(self._by_owner, uid, key)
        for label in labels_of(obj).items():
            _take(self._by_label, label, key)
        if wish := plain_selector(obj):
            _take(self._by_wish, min(wish.items()), key)


def _take(index: dict[E, set[Key]], entry: E, key: Key) -> None:
    """Remove `key` from an entry, and the entry when it was the last. Twice is once."""
    keys = index.get(entry)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[entry]


def _owners(obj: Obj) -> Iterator[str]:
    for ref in (obj.get("metadata") or {}).get("ownerReferences") or ():
        yield str(ref.get("uid") or "")


def _version(obj: Obj) -> str:
    return str((obj.get("metadata") or {}).get("resourceVersion") or "")


def _number(version: Any) -> int | None:
    return int(version) if isinstance(version, str) and version.isdecimal() else None

"""A world that a test puts together: what a reconciler sees, without a server.

Implements tanebi.kube.plan.Seen and the following of changes that tanebi.kube.cache.Cache offers; `StandingConfigs` implements
tanebi.api.kind.Configs. Objects go in as JSON and are put through their types, so a test cannot see what a cache would not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from tanebi.api.kind import AnyKind, ConfigKind, Kind
from tanebi.api.meta import Key, Obj, Resource, key_of, labels_of
from tanebi.api.selectors import EVERYTHING, Selector, plain_selector

R = TypeVar("R", bound=Resource)
S = TypeVar("S")

Subscriber = Callable[[Obj | None, Obj | None], None]


class World:
    """`put` and `drop` change it; subscribers hear of it at once, as in the cache."""

    def __init__(self) -> None:
        self._objects: dict[AnyKind, dict[Key, Obj]] = {}
        self._views: dict[tuple[AnyKind, Key], tuple[Obj, Any]] = {}
        self._subscribers: dict[AnyKind, list[Subscriber]] = {}

    def put(self, kind: AnyKind, obj: Obj) -> Obj:
        """Add or replace; apiVersion and kind are filled in."""
        full: Obj = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
        kind.view(full)
        objects = self._objects.setdefault(kind, {})
        old = objects.get(key_of(full))
        objects[key_of(full)] = full
        self._tell(kind, old, full)
        return full

    def drop(self, kind: AnyKind, namespace: str, name: str) -> None:
        old = self._objects[kind].pop(Key(namespace, name))
        self._tell(kind, old, None)

    def subscribe(self, kind: AnyKind, callback: Subscriber) -> None:
        """As Cache.subscribe: objects already here are told at once."""
        self._subscribers.setdefault(kind, []).append(callback)
        for obj in list(self._objects.get(kind, {}).values()):
            callback(None, obj)

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None:
        return self._view(kind, Key(namespace, name))

    def list(
        self, kind: Kind[R], namespace: str | None, selector: Selector = EVERYTHING
    ) -> Sequence[R]:
        found = [
            self._view(kind, key)
            for key, obj in sorted(self._objects.get(kind, {}).items())
            if namespace in (None, key.namespace) and selector.matches(labels_of(obj))
        ]
        return [view for view in found if view is not None]

    def selecting(self, kind: Kind[R], namespace: str, labels: Mapping[str, str]) -> Sequence[R]:
        wishes = (
            (view, plain_selector(self.raw(kind, *view.key) or {}))
            for view in self.list(kind, namespace)
        )
        return [view for view, wish in wishes if wish and wish.items() <= labels.items()]

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return self._objects.get(kind, {}).get(Key(namespace, name))

    def owned(self, kind: AnyKind, uid: str) -> Sequence[Obj]:
        """Objects that name `uid` among their owners."""
        return [
            obj
            for obj in self._objects.get(kind, {}).values()
            if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or ())
        ]

    def _view(self, kind: Kind[R], key: Key) -> R | None:
        """The same view object as long as the object is the same, as in the cache."""
        obj = self._objects.get(kind, {}).get(key)
        if obj is None:
            return None
        known = self._views.get((kind, key))
        if known is None or known[0] is not obj:
            known = self._views[kind, key] = (obj, kind.view(obj))
        return cast(R, known[1])

    def _tell(self, kind: AnyKind, old: Obj | None, new: Obj | None) -> None:
        for callback in self._subscribers.get(kind, ()):
            callback(old, new)


class StandingConfigs:
    """Every ConfigMap at its defaults, except those that `set` changed."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], Any] = {}

    def set(self, kind: ConfigKind[Any], **data: str) -> StandingConfigs:
        """`set(CONFIG_AUTOSCALER, stable_window="10s")`: underscores stand for hyphens. Returns itself."""
        content = {key.replace("_", "-"): value for key, value in data.items()}
        self._values[kind.namespace, kind.name] = kind.parse(content)
        return self

    def get(self, kind: ConfigKind[S]) -> S:
        name = (kind.namespace, kind.name)
        if name not in self._values:
            self._values[name] = kind.parse(kind.data)
        return cast(S, self._values[name])

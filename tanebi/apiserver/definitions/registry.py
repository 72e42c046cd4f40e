"""Which kinds there are, as the stored definitions say: a definition that is committed is served at once.

A listener of the store: no task, no wait. Whether a definition may have its names is decided here, in the order they come; the
controller (tanebi.apiserver.definitions.controller) tells it in status. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Obj, annotations_of
from tanebi.apiserver.definitions.kinds import Acceptance, Names, accept, kinds_of
from tanebi.apiserver.definitions.own import OWN
from tanebi.apiserver.definitions.types import CRD
from tanebi.apiserver.history import Change
from tanebi.apiserver.store import Store


class Registry:
    """Keeps `kinds` as the definitions in `store` say."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._known: dict[str, tuple[object, Acceptance]] = {}
        entries = sorted(store.list(CRD.resource), key=lambda e: not is_established(e.obj))
        for entry in entries:
            self._consider(entry.obj)
        store.subscribe(self._seen)

    def acceptance(self, name: str) -> Acceptance | None:
        """What became of a definition's names; None for one that is not known."""
        found = self._known.get(name)
        return found[1] if found else None

    def _seen(self, change: Change) -> None:
        if change.resource != CRD.resource or annotations_of(change.entry.obj).get(OWN):
            return
        if change.type != "DELETED":
            self._consider(change.entry.obj)
            return
        name = change.key.name
        self._known.pop(name, None)
        self._kinds.put(name, ())
        self._store.end_watches(name)
        for entry in self._store.list(CRD.resource):
            known = self._known.get(entry.obj["metadata"]["name"])
            if known is not None and known[1].reason:
                self._consider(entry.obj, anew=True)

    def _consider(self, obj: Obj, *, anew: bool = False) -> None:
        name, edition = obj["metadata"]["name"], obj["spec"]
        if annotations_of(obj).get(OWN):
            return
        known = self._known.get(name)
        if known is not None and known[0] == edition and not anew:
            return
        accepted = accept(Names.of(obj), self._taken(obj["spec"]["group"], name))
        self._known[name] = (edition, accepted)
        if not accepted.reason:
            self._kinds.put(name, kinds_of(obj))
            self._store.end_watches(name)

    def _taken(self, group: str, name: str) -> Iterator[Names]:
        kinds: Iterable[AnyKind] = self._kinds
        return (Names.of_kind(k) for k in kinds if k.group == group and k.resource != name)


def is_established(obj: Obj) -> bool:
    return any(
        c.get("type") == "Established" and c.get("status") == "True"
        for c in (obj.get("status") or {}).get("conditions") or ()
    )

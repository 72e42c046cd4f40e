"""A world in which plans are carried out, so that tests can run reconcilers until nothing changes any more.

Not an API server: no validation, no patches but merge patches, no watches. Tests of the seam itself use the embedded server.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tanebi.api.kind import AnyKind, ConfigKind, Kind
from tanebi.api.meta import Key, Obj, Resource, controller_of, key_of, labels_of, rfc3339
from tanebi.api.selectors import EVERYTHING, Selector, plain_selector
from tanebi.kube.plan import Plan, Reconciler

R = TypeVar("R", bound=Resource)
S = TypeVar("S")


CONTENT = ("data", "type")  # what Secrets and ConfigMaps have in place of a spec


class FixedConfigs:
    """Implements tanebi.api.kind.Configs: what is installed, with some ConfigMaps given by name."""

    def __init__(self, data: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._data = data or {}

    def get(self, kind: ConfigKind[S]) -> S:
        return kind.parse(self._data.get(kind.name, kind.data))


class PlanningWorld:
    """Implements tanebi.kube.plan.Seen over what was put in."""

    def __init__(self, *, configs: FixedConfigs | None = None) -> None:
        self.configs = configs or FixedConfigs()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.writes = 0
        self._objects: dict[tuple[AnyKind, Key], Obj] = {}
        self._uids = 0

    def put(self, kind: AnyKind, obj: Obj) -> Obj:
        """Store an object as a create or an update would: uid, generation, creation time. The status given stays."""
        key = key_of(obj)
        old = self._objects.get((kind, key))
        new = copy.deepcopy(obj)
        new.setdefault("apiVersion", kind.api_version)
        new.setdefault("kind", kind.kind)
        meta = new.setdefault("metadata", {})
        if old is None:
            self._uids += 1
            meta.setdefault("uid", f"uid-{self._uids}")
            meta.setdefault("creationTimestamp", rfc3339(self.now))
            meta.setdefault("generation", 1)
        else:
            changed = old.get("spec") != new.get("spec")
            was = old["metadata"]
            meta.setdefault("uid", was["uid"])
            meta.setdefault("creationTimestamp", was["creationTimestamp"])
            meta["generation"] = was["generation"] + (1 if changed else 0)
            new.setdefault("status", old.get("status") or {})
        self._objects[kind, key] = new
        self.writes += 1
        return new

    def set_status(self, kind: AnyKind, namespace: str, name: str, status: Obj) -> None:
        """Replace the status; `observedGeneration` is filled in where the kind has one."""
        obj = self._objects[kind, Key(namespace, name)]
        status = {"observedGeneration": obj["metadata"]["generation"], **status}
        if obj.get("status") != status:
            self.writes += 1
        obj["status"] = copy.deepcopy(status)

    def delete(self, kind: AnyKind, namespace: str, name: str) -> None:
        del self._objects[kind, Key(namespace, name)]
        self.writes += 1

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None:
        found = self.raw(kind, namespace, name)
        return None if found is None else kind.view(found)

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return self._objects.get((kind, Key(namespace, name)))

    def owned(self, kind: AnyKind, uid: str) -> Sequence[Obj]:
        return [
            obj
            for (own, _), obj in sorted(self._objects.items(), key=lambda item: item[0][1])
            if own is kind
            and any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or ())
        ]

    def list(
        self, kind: Kind[R], namespace: str | None, selector: Selector = EVERYTHING
    ) -> Sequence[R]:
        return [
            kind.view(obj)
            for (of, key), obj in sorted(self._objects.items(), key=lambda item: item[0][1])
            if of is kind
            and namespace in (None, key.namespace)
            and selector.matches(labels_of(obj))
        ]

    def selecting(self, kind: Kind[R], namespace: str, labels: Mapping[str, str]) -> Sequence[R]:
        wishes = (
            (view, plain_selector(self.raw(kind, *view.key) or {}))
            for view in self.list(kind, namespace)
        )
        return [view for view, wish in wishes if wish and wish.items() <= labels.items()]

    def plan(self, reconciler: Reconciler[Any], namespace: str, name: str) -> Plan:
        resource = self.get(reconciler.kind, namespace, name)
        assert resource is not None, f"no {reconciler.kind.kind} {namespace}/{name}"
        return reconciler.desired(resource, self, self.configs, self.now)

    def reconcile(self, reconciler: Reconciler[Any], namespace: str, name: str) -> Plan:
        """Carry out one plan. Time moves on by a second."""
        plan = self.plan(reconciler, namespace, name)
        owner = self._objects[reconciler.kind, Key(namespace, name)]
        kinds = {(k.api_version, k.kind): k for k in reconciler.owns}
        named = {self._child(kinds[c["apiVersion"], c["kind"]], c) for c in plan.children}
        if plan.prune:
            self._prune(reconciler.owns, owner["metadata"]["uid"], named)
        for patch in plan.patches:
            if patch.type == "merge" and not patch.subresource:
                self._merge(patch.kind, Key(patch.namespace, patch.name), patch.body)
        for drop in plan.drops:
            if self.raw(drop.kind, drop.namespace, drop.name) is not None:
                self.delete(drop.kind, drop.namespace, drop.name)
        if plan.status is not None:
            self.set_status(reconciler.kind, namespace, name, plan.status)
        self.now += timedelta(seconds=1)
        return plan

    def settle(self, reconcilers: Iterable[Reconciler[Any]], *, rounds: int = 12) -> int:
        """Run every key of every reconciler until nothing is written. Returns the rounds it took; fails after `rounds`."""
        everyone = tuple(reconcilers)
        for done in range(rounds):
            before = self.writes
            for reconciler in everyone:
                for of, key in sorted(self._objects, key=lambda item: item[1]):
                    if of is reconciler.kind and (of, key) in self._objects:
                        self.reconcile(reconciler, key.namespace, key.name)
            if self.writes == before:
                return done
        raise AssertionError(f"still writing after {rounds} rounds")

    def _child(self, kind: AnyKind, wish: Obj) -> tuple[AnyKind, Key]:
        key = key_of(wish)
        live = self._objects.get((kind, key))
        if live is None:
            self.put(kind, wish)
            return kind, key
        new = copy.deepcopy(live)
        for name in ("labels", "annotations"):
            both = {**(live["metadata"].get(name) or {}), **(wish["metadata"].get(name) or {})}
            if both:
                new["metadata"][name] = both
        spec = copy.deepcopy(wish.get("spec"))
        if kind.scale is not None and isinstance(spec, dict):
            spec.setdefault("replicas", (live.get("spec") or {}).get("replicas"))
        if "spec" in wish:
            new["spec"] = spec
        new.update({name: copy.deepcopy(wish[name]) for name in CONTENT if name in wish})
        if new != live:
            self.put(kind, new)
        return kind, key

    def _prune(self, kinds: Sequence[AnyKind], uid: str, named: set[tuple[AnyKind, Key]]) -> None:
        for (kind, key), obj in list(self._objects.items()):
            owner = controller_of(obj)
            if kind in kinds and owner and owner["uid"] == uid and (kind, key) not in named:
                self.delete(kind, *key)

    def _merge(self, kind: AnyKind, key: Key, body: Obj) -> None:
        live = self._objects.get((kind, key))
        if live is not None and (new := _merged(live, body)) != live:
            self.put(kind, new)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result

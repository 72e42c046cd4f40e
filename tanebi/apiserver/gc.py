"""Garbage collection by owner references: background, foreground, orphan.

Driven by the store's changes, never by a clock. `Graph` is pure: who owns whom, and what should happen to one object; the
Collector carries it out. An object goes when every owner it names is gone; one whose owner waits for it (foreground) goes too; an
owner that orphans is taken out of its dependents first.
Behaviour: k8s.io/kubernetes pkg/controller/garbagecollector. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.metadata import FOREGROUND, ORPHAN
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import DeleteOptions, Propagation
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError, Conflict, NotFound

RETRY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Reference:
    """An owner reference, as far as collection cares. `known`: its kind is one of ours, so its absence can be seen."""

    uid: str
    blocking: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One object in the graph."""

    kind: AnyKind
    key: Key
    uid: str
    owners: tuple[Reference, ...]
    deleting: bool
    finalizers: frozenset[str]

    @property
    def waits(self) -> bool:
        """True while a foreground deletion waits for dependents."""
        return self.deleting and FOREGROUND in self.finalizers


@dataclass(frozen=True, slots=True)
class Verdict:
    """What should happen to one object. `release` drops these owners' references, or this object's own finalizer."""

    action: Literal["delete", "drop-owners", "drop-finalizer"]
    node: Node
    owners: frozenset[str] = frozenset()
    finalizer: str = ""
    propagation: Propagation | None = None


@dataclass(slots=True)
class Graph:
    """Every object and its owners."""

    nodes: dict[str, Node] = field(default_factory=dict)
    dependents: dict[str, set[str]] = field(default_factory=dict)

    def put(self, node: Node) -> Node | None:
        """Returns what was known of it before."""
        before = self.nodes.get(node.uid)
        if before is not None:
            self._unlink(before)
        self.nodes[node.uid] = node
        for owner in node.owners:
            self.dependents.setdefault(owner.uid, set()).add(node.uid)
        return before

    def drop(self, uid: str) -> Node | None:
        before = self.nodes.pop(uid, None)
        if before is not None:
            self._unlink(before)
        return before

    def _unlink(self, node: Node) -> None:
        for owner in node.owners:
            group = self.dependents.get(owner.uid)
            if group is not None:
                group.discard(node.uid)
                if not group:
                    del self.dependents[owner.uid]

    def below(self, uid: str) -> list[Node]:
        return [self.nodes[d] for d in sorted(self.dependents.get(uid, ()))]

    def judge(self, uid: str) -> list[Verdict]:
        """What is due now around this object. Nothing, most of the time."""
        node = self.nodes.get(uid)
        if node is None:
            return []
        if node.deleting:
            return self._ending(node)
        if not node.owners:
            return []
        gone = frozenset(o.uid for o in node.owners if o.known and o.uid not in self.nodes)
        waiting = frozenset(
            o.uid for o in node.owners if (found := self.nodes.get(o.uid)) and found.waits
        )
        if not gone and not waiting:
            return []
        if len(gone | waiting) < len({o.uid for o in node.owners}):
            return [Verdict("drop-owners", node, owners=gone | waiting)]
        return [Verdict("delete", node, propagation=self._propagation(node, waited=bool(waiting)))]

    def _propagation(self, node: Node, *, waited: bool) -> Propagation:
        if waited and self.dependents.get(node.uid):
            return "Foreground"
        if ORPHAN in node.finalizers:
            return "Orphan"
        return "Foreground" if FOREGROUND in node.finalizers else "Background"

    def _ending(self, node: Node) -> list[Verdict]:
        below = self.below(node.uid)
        if ORPHAN in node.finalizers:
            if below:
                return [Verdict("drop-owners", d, owners=frozenset((node.uid,))) for d in below]
            return [Verdict("drop-finalizer", node, finalizer=ORPHAN)]
        if FOREGROUND in node.finalizers and not any(_blocks(d, node.uid) for d in below):
            return [Verdict("drop-finalizer", node, finalizer=FOREGROUND)]
        return []


def _blocks(dependent: Node, owner: str) -> bool:
    return any(o.blocking for o in dependent.owners if o.uid == owner)


def node_of(kind: AnyKind, key: Key, obj: Obj, kinds: Kinds) -> Node:
    meta = obj["metadata"]
    return Node(
        kind=kind,
        key=key,
        uid=meta["uid"],
        owners=tuple(
            Reference(
                uid=ref["uid"],
                blocking=bool(ref.get("blockOwnerDeletion")),
                known=kinds.of(ref["apiVersion"], ref["kind"]) is not None,
            )
            for ref in meta.get("ownerReferences") or ()
        ),
        deleting=bool(meta.get("deletionTimestamp")),
        finalizers=frozenset(meta.get("finalizers") or ()),
    )


class Collector:
    """Keeps the graph as the store changes and does what it says."""

    def __init__(self, objects: Objects, kinds: Kinds) -> None:
        self._objects = objects
        self._kinds = kinds
        self._graph = Graph()
        self._inbox = Inbox[str]()
        self._log = get_logger("apiserver.gc")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        self._fill()
        self._objects.store.subscribe(self._seen)
        task_status.started()
        while True:
            batch = await self._inbox.take()
            async with anyio.create_task_group() as group:
                for uid in batch:
                    group.start_soon(self._settle, uid)

    def _fill(self) -> None:
        store = self._objects.store
        for kind in self._kinds.resources:
            for entry in store.list(kind.resource):
                meta = entry.obj["metadata"]
                key = Key(meta.get("namespace") or "", meta["name"])
                self._graph.put(node_of(kind, key, entry.obj, self._kinds))
        for uid in self._graph.nodes:
            self._inbox.put(uid)

    def _seen(self, change: Change) -> None:
        kind = self._kinds.of_resource(change.resource)
        if kind is None:
            return
        node = node_of(kind, change.key, change.entry.obj, self._kinds)
        if change.type == "DELETED":
            before = self._graph.drop(node.uid)
            self._wake(self._graph.dependents.get(node.uid, ()))
            self._wake(o.uid for o in (before or node).owners)
            return
        before = self._graph.put(node)
        if before is not None and (before.owners, before.finalizers, before.deleting) == (
            node.owners,
            node.finalizers,
            node.deleting,
        ):
            return
        if node.owners or node.deleting:
            self._inbox.put(node.uid)
        if node.deleting:
            self._wake(self._graph.dependents.get(node.uid, ()))
        if before is not None:
            self._wake(o.uid for o in before.owners)

    def _wake(self, uids: Iterable[str]) -> None:
        for uid in list(uids):
            if uid in self._graph.nodes:
                self._inbox.put(uid)

    async def _settle(self, uid: str) -> None:
        for verdict in self._graph.judge(uid):
            try:
                await self._carry_out(verdict)
            except (NotFound, Conflict):
                # Somebody was faster; their change wakes whoever it concerns.
                continue
            except (ApiError, Unavailable) as error:
                # The disk failed, or a webhook refuses; neither for ever.
                self._log.warning("cannot collect", uid=uid, error=error.message)
                await self._objects.clock.sleep(RETRY_S)
                self._inbox.put(uid)
                return

    async def _carry_out(self, verdict: Verdict) -> None:
        node = verdict.node
        match verdict.action:
            case "delete":
                options = DeleteOptions(propagation=verdict.propagation, uid=node.uid)
                await self._objects.delete(node.kind, node.key, CONTROLLER, options=options)
            case "drop-owners":
                await self._objects.amend(
                    node.kind, node.key, node.uid, lambda obj: _drop_owners(obj, verdict.owners)
                )
            case "drop-finalizer":
                await self._objects.amend(
                    node.kind,
                    node.key,
                    node.uid,
                    lambda obj: drop_finalizer(obj, verdict.finalizer),
                )


def _drop_owners(obj: Obj, uids: frozenset[str]) -> None:
    meta = obj["metadata"]
    left = [ref for ref in meta.get("ownerReferences") or () if ref["uid"] not in uids]
    meta["ownerReferences"] = left
    if not left:
        del meta["ownerReferences"]


def drop_finalizer(obj: Obj, name: str) -> None:
    meta = obj["metadata"]
    left = [finalizer for finalizer in meta.get("finalizers") or () if finalizer != name]
    meta["finalizers"] = left
    if not left:
        del meta["finalizers"]

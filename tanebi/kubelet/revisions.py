"""ControllerRevisions: which templates a StatefulSet or a DaemonSet has had. `kubectl rollout history` and `undo` read them.

Pure. Callers: tanebi.kubelet.statefulsets, daemonsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api.core.apps import ControllerRevision
from tanebi.api.core.kinds_workload import CONTROLLER_REVISION
from tanebi.api.meta import Obj, Resource, owner_reference
from tanebi.kube.plan import Drop, Patch, Seen
from tanebi.kubelet.podsets import hash_of

HASH_LABEL: Final = "controller-revision-hash"
DEFAULT_HISTORY: Final = 10


@dataclass(frozen=True, slots=True)
class History:
    """What is there, ordered by revision, and what to write. `current` is the name of the newest template's revision."""

    current: str
    known: tuple[ControllerRevision, ...]
    create: tuple[Obj, ...] = ()
    patches: tuple[Patch, ...] = ()

    def template(self, name: str) -> Obj | None:
        """The template of a revision, as the owner had it."""
        for found in self.known:
            if found.metadata.name == name and found.data is not None:
                template: Obj = dict(found.data["spec"]["template"])
                template.pop("$patch", None)
                return template
        return None


def history_of(owner: Resource, template: Obj, seen: Seen) -> History:
    meta = owner.metadata
    found = [
        each
        for each in seen.list(CONTROLLER_REVISION, meta.namespace)
        if (ref := each.metadata.controller) is not None and ref.uid == meta.uid
    ]
    known = tuple(sorted(found, key=lambda each: (each.revision, each.metadata.name)))
    name = f"{meta.name}-{hash_of(template)}"
    newest = known[-1].revision if known else 0
    wanted = _data(template)
    mine = next((each for each in known if each.data == wanted), None)  # whatever its name is
    mine = mine or next((each for each in known if each.metadata.name == name), None)
    if mine is None:
        return History(name, known, create=(_make(owner, template, name, newest + 1),))
    name = mine.metadata.name
    if mine.revision != newest:  # rolled back: the old template is the newest revision again
        again = Patch(CONTROLLER_REVISION, *mine.key, {"revision": newest + 1})
        return History(name, known, patches=(again,))
    return History(name, known)


def forgotten(history: History, limit: int | None, in_use: set[str]) -> Sequence[Drop]:
    """Revisions beyond the history that is kept, the oldest first."""
    idle = [each for each in history.known if each.metadata.name not in in_use]
    kept = DEFAULT_HISTORY if limit is None else limit
    old = idle[: max(len(idle) - kept, 0)]
    return [Drop(CONTROLLER_REVISION, *each.key, each.metadata.uid) for each in old]


def short(name: str) -> str:
    """The hash in a revision's name, as pods carry it."""
    return name.rpartition("-")[2]


def _data(template: Obj) -> dict[str, Any]:
    return {"spec": {"template": {**template, "$patch": "replace"}}}


def _make(owner: Resource, template: Obj, name: str, revision: int) -> Obj:
    labels = (template.get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": name,
            "namespace": owner.metadata.namespace,
            "labels": {**labels, HASH_LABEL: short(name)},
            "ownerReferences": [owner_reference(owner)],
        },
        "data": _data(template),
        "revision": revision,
    }

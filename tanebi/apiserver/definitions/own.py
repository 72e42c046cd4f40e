"""The server's own kinds as stored definitions: listed and watched as any other, and never changed by clients.

Written at the start, where the types say something else than what is stored; the ones of kinds that are no more go.
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, annotations_of, rfc3339
from tanebi.apiserver.crd import definition
from tanebi.apiserver.definitions.types import CRD
from tanebi.apiserver.store import Store

OWN: Final = "tanebi.dev/built-in"


def established(kind: AnyKind, now: datetime) -> Obj:
    """A definition as a server shows one that is in force."""
    found: Obj = orjson.loads(orjson.dumps(definition(kind)))
    stamp = rfc3339(now)
    found["spec"]["conversion"] = {"strategy": "None"}
    found["metadata"] |= {
        "annotations": {OWN: "true"},
        "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, kind.resource)),
        "generation": 1,
        "creationTimestamp": stamp,
    }
    found["status"] = {
        "acceptedNames": found["spec"]["names"],
        "storedVersions": [kind.version],
        "conditions": [
            condition(type_, "True", reason, message, stamp)
            for type_, reason, message in (
                ("NamesAccepted", "NoConflicts", "no conflicts found"),
                ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            )
        ],
    }
    return found


def condition(type_: str, state: str, reason: str, message: str, stamp: str) -> Obj:
    return {
        "type": type_,
        "status": state,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


async def install(store: Store, kinds: Iterable[AnyKind], now: datetime) -> None:
    """Raises Unavailable."""
    wanted = {kind.resource: kind for kind in kinds if not kind.builtin and not kind.structure}
    for name, kind in wanted.items():
        key, obj = Key("", name), established(kind, now)
        entry = store.newest(CRD.resource, key)
        if entry is not None:
            if _same(entry.obj, obj):
                continue
            stored = entry.obj["metadata"]
            obj["metadata"]["creationTimestamp"] = stored["creationTimestamp"]
            obj["metadata"]["generation"] = int(stored.get("generation") or 0) + 1
        await store.put(CRD.resource, key, obj, over=entry)
    for entry in store.list(CRD.resource):
        name = entry.obj["metadata"]["name"]
        if annotations_of(entry.obj).get(OWN) and name not in wanted:
            await store.remove(CRD.resource, Key("", name), over=entry)


def _same(stored: Obj, wanted: Obj) -> bool:
    labels = [one["metadata"].get("labels") for one in (stored, wanted)]
    own = annotations_of(stored).get(OWN)
    return bool(own and stored["spec"] == wanted["spec"] and labels[0] == labels[1])

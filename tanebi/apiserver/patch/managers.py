"""managedFields: which manager owns which fields, kept through every write.

Pure; `now` is passed in. An update makes its writer own what it changed and takes those fields from all others; an apply
(tanebi.apiserver.patch.apply) makes its writer own exactly what it named. An entry's time moves only when its fields do, so
that a write which changes nothing changes nothing here either.
Behaviour: k8s.io/apimachinery util/managedfields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, rfc3339
from tanebi.apiserver.patch.fieldset import Field, Fields, flatten, from_v1, to_v1
from tanebi.apiserver.patch.jsonpatch import same
from tanebi.apiserver.patch.schema import schema_of

Operation = Literal["Apply", "Update"]

UPDATERS_MAX: Final = 10  # more are folded into one: Kubernetes' limit
ANCIENT: Final = "ancient-changes"
BEFORE_FIRST_APPLY: Final = "before-first-apply"


@dataclass(frozen=True, slots=True, order=True)
class Writer:
    """One entry's identity."""

    operation: Operation
    manager: str
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        """As conflicts name it."""
        text = orjson.dumps(self.manager).decode()
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return text


@dataclass(frozen=True, slots=True)
class Holding:
    """What one writer owns, since when."""

    fields: Fields
    time: str

    def describe(self, writer: Writer) -> str:
        if writer.operation == "Apply":
            return str(writer)
        return f"{writer} using {writer.api_version}" + (f" at {self.time}" if self.time else "")


Holdings = dict[Writer, Holding]


def read(obj: Mapping[str, Any] | None) -> Holdings:
    """The entries of an object; malformed ones own nothing and are left out."""
    entries = ((obj or {}).get("metadata") or {}).get("managedFields") or ()
    found: Holdings = {}
    for entry in entries:
        fields = from_v1(entry.get("fieldsV1"))
        if fields and entry.get("operation") in ("Apply", "Update"):
            writer = Writer(
                entry["operation"],
                str(entry.get("manager") or ""),
                str(entry.get("apiVersion") or ""),
                str(entry.get("subresource") or ""),
            )
            found[writer] = Holding(fields, str(entry.get("time") or ""))
    return found


def write(obj: Obj, holdings: Holdings) -> Obj:
    """`obj` with these entries, in Kubernetes' order."""
    meta = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    kept = sorted((w.operation, h.time, w.manager, w, h) for w, h in holdings.items() if h.fields)
    if kept:
        meta["managedFields"] = [_entry(writer, holding) for *_, writer, holding in kept]
    return {**obj, "metadata": meta}


def _entry(writer: Writer, holding: Holding) -> Obj:
    entry: Obj = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_v1(holding.fields),
    }
    if holding.time:
        entry["time"] = holding.time
    if writer.subresource:
        entry["subresource"] = writer.subresource
    return entry


@dataclass(frozen=True, slots=True)
class Difference:
    """How the fields of two objects differ."""

    added: Fields
    changed: Fields
    removed: Fields

    @property
    def written(self) -> Fields:
        return self.added | self.changed


def compare(old: Mapping[Field, Any], new: Mapping[Field, Any]) -> Difference:
    return Difference(
        added=frozenset(new.keys() - old.keys()),
        changed=frozenset(f for f in new.keys() & old.keys() if not same(new[f], old[f])),
        removed=frozenset(old.keys() - new.keys()),
    )


def track_update(
    old: Mapping[str, Any] | None,
    new: Obj,
    *,
    kind: AnyKind,
    manager: str,
    now: datetime,
    subresource: str = "",
) -> Obj:
    """`new` with managedFields after `manager` wrote it over `old` (None: created it) by anything but an apply.

    The entries of `old` are the truth; what `new` says of them is ignored, but for an empty list, which clears them.
    """
    schema = schema_of(kind)
    cleared = (new.get("metadata") or {}).get("managedFields") in ([], [{}])
    holdings: Holdings = {} if cleared else read(old)
    difference = compare(flatten(old or {}, schema), flatten(new, schema))
    writer = Writer("Update", manager, kind.api_version, subresource)
    if cleared:
        return write(new, {})
    for other in [w for w in holdings if w != writer]:
        lost = difference.written | difference.removed
        holdings[other] = Holding(holdings[other].fields - lost, holdings[other].time)
    mine = holdings.get(writer, Holding(frozenset(), ""))
    fields = (mine.fields - difference.removed) | difference.written
    holdings[writer] = Holding(fields, mine.time if fields == mine.fields else rfc3339(now))
    return write(new, _capped(holdings))


def _capped(holdings: Holdings) -> Holdings:
    updaters = sorted(
        (h.time, w) for w, h in holdings.items() if w.operation == "Update" and h.fields
    )
    excess = len(updaters) - UPDATERS_MAX
    if excess <= 0:
        return holdings
    folded = [writer for _, writer in updaters[: excess + 1]]
    rest = {w: h for w, h in holdings.items() if w not in folded}
    ancient = Writer("Update", ANCIENT, folded[-1].api_version)
    fields = frozenset[Field]().union(*(holdings[w].fields for w in folded))
    if ancient in rest:
        fields |= rest[ancient].fields
    rest[ancient] = Holding(fields, holdings[folded[-1]].time)
    return rest

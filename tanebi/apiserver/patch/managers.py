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
from tanebi.apiserver.patch.difference import Difference, differ
from tanebi.apiserver.patch.fieldset import Field, Fields, edited, from_v1, owns, to_v1
from tanebi.apiserver.patch.schema import schema_of
from tanebi.apiserver.patch.zero import with_zeros

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
        return (
            str(writer) if writer.operation == "Apply" else f"{writer} using {writer.api_version}"
        )


Holdings = dict[Writer, Holding]


def read(obj: Mapping[str, Any] | None) -> Holdings:
    """The entries of an object; malformed ones own nothing and are left out."""
    found: Holdings = {}
    for entry in _entries(obj):
        writer = _writer(entry)
        fields = from_v1(entry.get("fieldsV1"))
        if writer is not None and fields:
            found[writer] = Holding(fields, str(entry.get("time") or ""))
    return found


def write(obj: Obj, holdings: Holdings) -> Obj:
    """`obj` with these entries, in Kubernetes' order."""
    entries = [_entry(writer, holding) for writer, holding in holdings.items() if holding.fields]
    return _with_entries(obj, sorted(entries, key=_order))


def _entries(obj: Mapping[str, Any] | None) -> list[Obj]:
    entries = ((obj or {}).get("metadata") or {}).get("managedFields") or ()
    return [entry for entry in entries if isinstance(entry, dict)]


def _with_entries(obj: Obj, entries: list[Obj]) -> Obj:
    meta = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    if entries:
        meta["managedFields"] = entries
    return {**obj, "metadata": meta}


def _writer(entry: Obj) -> Writer | None:
    """Whose entry it is; None for what is no entry."""
    if entry.get("operation") not in ("Apply", "Update") or not entry.get("fieldsV1"):
        return None
    return Writer(
        entry["operation"],
        str(entry.get("manager") or ""),
        str(entry.get("apiVersion") or ""),
        str(entry.get("subresource") or ""),
    )


def _entry(writer: Writer, holding: Holding) -> Obj:
    return _shown(writer, to_v1(holding.fields), holding.time)


def _shown(writer: Writer, tree: Obj, time: str) -> Obj:
    entry: Obj = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": tree,
    }
    if time:
        entry["time"] = time
    if writer.subresource:
        entry["subresource"] = writer.subresource
    return entry


def track_update(
    old: Obj | None,
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
    if (new.get("metadata") or {}).get("managedFields") in ([], [{}]):
        return _with_entries(new, [])
    entries = [e for e in _entries(old) if _writer(e) is not None]
    if old is not None and not entries:
        return _with_entries(new, [])  # nobody's fields are kept before somebody applies
    difference = differ(with_zeros(kind, old, new), new, schema_of(kind))
    if not difference:
        return _with_entries(new, entries)
    me = Writer("Update", manager, kind.api_version, subresource)
    if not subresource and kind.status:
        difference = _without_status(difference)
    lost = difference.written | difference.removed
    kept = [_without(e, lost) for e in entries if _writer(e) != me]
    kept.append(_mine(next((e for e in entries if _writer(e) == me), None), me, difference, now))
    settled = [entry for entry in kept if entry is not None]
    if sum(e["operation"] == "Update" for e in settled) > UPDATERS_MAX:
        return write(new, _capped(read({"metadata": {"managedFields": settled}})))
    return _with_entries(new, sorted(settled, key=_order))


def _without_status(found: Difference) -> Difference:
    def rest(fields: set[Field]) -> set[Field]:
        return {field for field in fields if field[0] != "f:status"}

    return Difference(rest(found.added), rest(found.changed), rest(found.removed))


def _without(entry: Obj, lost: set[Field]) -> Obj | None:
    """The entry after others took or removed `lost`; None when nothing is left of it."""
    if not any(owns(entry["fieldsV1"], field) for field in lost):
        return entry
    tree = edited(entry["fieldsV1"], removed=lost)
    return {**entry, "fieldsV1": tree} if tree else None


def _mine(entry: Obj | None, me: Writer, difference: Difference, now: datetime) -> Obj | None:
    """The writer's own entry after its write. Its time moves only when its fields do."""
    tree = entry["fieldsV1"] if entry is not None else {}
    new = {field for field in difference.written if not owns(tree, field)}
    if not new and not any(owns(tree, field) for field in difference.removed):
        return entry
    left = edited(tree, removed=difference.removed, added=new)
    return _shown(me, left, rfc3339(now)) if left else None


def _order(entry: Obj) -> tuple[str, str, str, str]:
    """Kubernetes' order of entries."""
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry.get("subresource", ""),
    )


def _capped(holdings: Holdings) -> Holdings:
    updaters = sorted(
        (h.time, w) for w, h in holdings.items() if w.operation == "Update" and h.fields
    )
    folded = [writer for _, writer in updaters[: len(updaters) - UPDATERS_MAX + 1]]
    rest = {w: h for w, h in holdings.items() if w not in folded}
    ancient = Writer("Update", ANCIENT, folded[-1].api_version)
    fields = frozenset[Field]().union(*(holdings[w].fields for w in folded))
    if ancient in rest:
        fields |= rest[ancient].fields
    rest[ancient] = Holding(fields, holdings[folded[-1]].time)
    return rest

"""Server-side printing: objects as rows of a meta.k8s.io/v1 Table. Pure.

Cells come from the kind's columns: a JSONPath as in a CRD, or a function for the built-in kinds. Caller: tanebi.apiserver.views.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from tanebi.api.durations import human_age
from tanebi.api.kind import AnyKind, Column
from tanebi.api.meta import Obj, parse_time
from tanebi.apiserver import jsonpath

Include = Literal["None", "Metadata", "Object"]

UNKNOWN: Final = "<unknown>"
_NAME: Final = Column(
    "Name",
    ".metadata.name",
    description="Name must be unique within a namespace.",
)
_TIMES: Final = ("Age", "Created At")
_AGE: Final = Column("Age", ".metadata.creationTimestamp", type="date")


def columns_of(kind: AnyKind) -> tuple[Column, ...]:
    """Name first and, as in Kubernetes, Age last for built-in kinds and for others without columns. A kind that places its
    name itself has said all of it."""
    own = kind.columns
    if any(c.name == "Name" for c in own):
        return own
    if any(c.name in _TIMES for c in own) or (own and not kind.builtin):
        return (_NAME, *own)
    return (_NAME, *own, _AGE)


def definitions(kind: AnyKind) -> list[Obj]:
    return [
        {
            "name": column.name,
            "type": "string" if kind.builtin and column.name == "Age" else column.type,
            "format": "name" if column.name == "Name" else "",
            "description": column.description,
            "priority": column.priority,
        }
        for column in columns_of(kind)
    ]


def cell(column: Column, obj: Obj, now: datetime, *, custom: bool = False) -> Any:
    """One cell's value, as kubectl shows it. `custom`: of a kind that is not Kubernetes' own."""
    if column.cell is not None:
        return column.cell(obj, now)
    found = jsonpath.find(column.path, obj)
    if column.type == "date":
        return age(found[0] if found else None, now)
    if not found or found == [None]:
        return "" if column.type == "string" and not custom else None
    if custom:
        found = found[:1]  # as Kubernetes, of a path that leads to several
    if column.type in ("integer", "number", "boolean"):
        return found[0]
    return ",".join(_text(value) for value in found)


def age(stamp: Any, now: datetime) -> str:
    if not isinstance(stamp, str) or not stamp:
        return UNKNOWN
    try:
        then = parse_time(stamp)
    except ValueError:
        return UNKNOWN
    return human_age((now - then).total_seconds())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def row(kind: AnyKind, obj: Obj, now: datetime, include: Include) -> Obj:
    cells = [
        cell(column, obj, now, custom=kind.structure is not None) for column in columns_of(kind)
    ]
    shown: Obj = {"cells": cells}
    if include == "Metadata":
        shown["object"] = partial(obj)
    elif include == "Object":
        shown["object"] = obj
    return shown


def partial(obj: Obj) -> Obj:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }


def table(kind: AnyKind, rows: list[Obj], meta: Obj) -> Obj:
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": definitions(kind),
        "rows": rows,
    }

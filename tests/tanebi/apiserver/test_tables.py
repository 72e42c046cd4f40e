"""Objects as rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, EVENT, LEASE, NAMESPACE, SECRET
from tanebi.api.kind import Column
from tanebi.apiserver.tables import age, cell, columns_of, row, table
from tests.tanebi.apiserver.calling import WIDGET, widget

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column("a", ".spec.size", type="integer"), 3),
        (Column("a", ".spec.none", type="integer"), None),
        (Column("a", ".spec.none"), ""),
        (Column("a", ".spec.flag"), "true"),
        (Column("a", ".spec.names[*]"), "x,y"),
        (Column("a", ".metadata.creationTimestamp", type="date"), "60m"),
        (Column("a", ".spec.none", type="date"), "<unknown>"),
        (Column("a", cell=lambda obj, now: obj["spec"]["size"] * 2), 6),
    ],
)
def test_cells(column: Column, value: Any) -> None:
    obj = {
        "metadata": {"name": "n", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"size": 3, "flag": True, "names": ["x", "y"]},
    }
    assert cell(column, obj, NOW) == value


def test_ages_of_nonsense() -> None:
    assert age("yesterday", NOW) == "<unknown>"
    assert age(7, NOW) == "<unknown>"


def test_age_is_added_where_kubernetes_adds_it() -> None:
    assert [c.name for c in columns_of(WIDGET)] == ["Name", "Size", "Ready"]
    assert [c.name for c in columns_of(CONFIG_MAP)] == ["Name", "Data", "Age"]


def test_rows_and_what_they_include() -> None:
    obj = widget("a")
    assert row(WIDGET, obj, NOW, "None") == {"cells": ["a", 1, ""]}
    assert row(WIDGET, obj, NOW, "Object")["object"] is obj
    assert row(WIDGET, obj, NOW, "Metadata")["object"]["metadata"] == {"name": "a"}
    found = table(WIDGET, [], {"resourceVersion": "1"})
    assert found["columnDefinitions"][0]["format"] == "name"


def test_columns_of_the_plain_kinds() -> None:
    meta = {"name": "x", "creationTimestamp": "2026-01-01T00:59:00Z"}

    def cells(kind: Any, **more: Any) -> list[Any]:
        found: list[Any] = row(kind, {"metadata": meta, **more}, NOW, "None")["cells"]
        return found

    assert cells(NAMESPACE, status={"phase": "Active"}) == ["x", "Active", "60s"]
    assert cells(CONFIG_MAP, data={"a": ""}, binaryData={"b": ""}) == ["x", 2, "60s"]
    assert cells(SECRET, type="Opaque", data={"a": ""}) == ["x", "Opaque", 1, "60s"]
    assert cells(LEASE, spec={"holderIdentity": "me"}) == ["x", "me", "60s"]
    event = cells(
        EVENT,
        lastTimestamp="2026-01-01T00:59:30Z",
        type="Normal",
        reason="Made",
        involvedObject={"kind": "Pod", "name": "p"},
        message="m",
        count=2,
    )
    assert event == ["30s", "Normal", "Made", "pod/p", "", "", "m", "<unknown>", 2, "x"]

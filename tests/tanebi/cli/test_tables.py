from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tanebi.cli.tables import (
    broker_columns,
    cell,
    column_widths,
    layout,
    revision_columns,
    server_table,
)

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
TABLE: dict[str, Any] = {
    "columnDefinitions": [
        {"name": "Name", "priority": 0},
        {"name": "Ready"},
        {"name": "Node", "priority": 1},
    ],
    "rows": [
        {"cells": ["a", True, "n1"], "object": {"metadata": {"namespace": "x"}}},
        {"cells": ["b", None, "n2"], "object": {"metadata": {"namespace": "y"}}},
    ],
}


def test_a_servers_table() -> None:
    head, rows = server_table(TABLE, wide=False, with_namespace=False, prefix="kind/")
    assert (head, rows) == (["NAME", "READY"], [["kind/a", "true"], ["kind/b", "<none>"]])


def test_wide_and_with_namespaces() -> None:
    head, rows = server_table(TABLE, wide=True, with_namespace=True)
    assert head == ["NAMESPACE", "NAME", "READY", "NODE"]
    assert rows[1] == ["y", "b", "<none>", "n2"]


def test_lines_are_aligned_and_have_no_trailing_blanks() -> None:
    assert layout([["NAME", "B"], ["longer", ""]]) == ["NAME     B", "longer"]
    assert layout([]) == []
    assert column_widths([["a"]], [5]) == [5]
    assert layout([["a", "b"]], widths=[4, 1]) == ["a      b"]


def test_cells_are_one_line() -> None:
    assert cell("a\nb") == "a b"


def test_the_reason_of_a_revision_that_cannot_run_comes_before_its_scale() -> None:
    obj = {
        "metadata": {"name": "r", "namespace": "n"},
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "ContainerMissing",
                    "message": "no image",
                }
            ],
            "annotations": {"tanebi.dev/why": "asleep"},
        },
    }
    row = revision_columns(NOW).row(obj, with_namespace=True)
    assert row == ["n", "r", "<none>", "False", "0", "<unknown>", "ContainerMissing: no image"]


def test_a_broker_without_an_address_yet() -> None:
    obj = {"metadata": {"name": "b", "namespace": "n"}}
    row = broker_columns(NOW, "http://localhost:8080").row(obj, with_namespace=False)
    assert row == ["b", "", "http://localhost:8080/n/b", "<unknown>", "Unknown", ""]

"""Tables as kubectl prints them: three spaces between columns, upper-case heads, `<none>` for nothing.

Pure. Rows come from the server's Table or from objects through `Columns`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.cli.objects import condition, dig
from tanebi.cli.timing import age

GAP: Final = "   "
Row = list[str]


def cell(value: Any) -> str:
    """One cell's text."""
    if value is None:
        return "<none>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split("\n"))


def layout(rows: Sequence[Row], *, widths: Sequence[int] | None = None) -> list[str]:
    """Aligned lines without trailing blanks. `widths` keeps the columns of an earlier call at least as wide."""
    if not rows:
        return []
    sizes = column_widths(rows, widths)
    return [
        GAP.join(text.ljust(size) for text, size in zip(row, sizes, strict=True)).rstrip()
        for row in rows
    ]


def column_widths(rows: Sequence[Row], least: Sequence[int] | None = None) -> list[int]:
    sizes = [max(len(text) for text in column) for column in zip(*rows, strict=True)]
    return [max(pair) for pair in zip(sizes, least, strict=True)] if least else sizes


def server_table(
    table: dict[str, Any], *, wide: bool, with_namespace: bool, prefix: str = ""
) -> tuple[Row, list[Row]]:
    """Head and rows of a `meta.k8s.io/v1 Table`. `prefix` (`service.serving.knative.dev/`) goes before names."""
    definitions = table.get("columnDefinitions") or []
    shown = [i for i, d in enumerate(definitions) if wide or not d.get("priority")]
    head = [str(definitions[i]["name"]).upper() for i in shown]
    rows = []
    for row in table.get("rows") or ():
        cells = [cell(row["cells"][i]) for i in shown]
        if prefix and cells:
            cells[0] = f"{prefix}{cells[0]}"
        rows.append(_located(cells, row) if with_namespace else cells)
    return (["NAMESPACE", *head] if with_namespace else head), rows


def _located(cells: Row, row: dict[str, Any]) -> Row:
    return [str(dig(row, "object", "metadata", "namespace") or ""), *cells]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns made of objects, where we show more than the server's Table does."""

    cells: tuple[tuple[str, Callable[[dict[str, Any]], Any]], ...]

    def head(self, *, with_namespace: bool) -> Row:
        names = [name for name, _ in self.cells]
        return ["NAMESPACE", *names] if with_namespace else names

    def row(self, obj: dict[str, Any], *, with_namespace: bool) -> Row:
        cells = [cell(value(obj)) for _, value in self.cells]
        return [obj["metadata"].get("namespace", ""), *cells] if with_namespace else cells


def revision_columns(now: datetime) -> Columns:
    """READY, SCALE and WHY: every scaling decision explains itself."""
    return Columns(
        (
            ("NAME", lambda o: o["metadata"]["name"]),
            ("SERVICE", lambda o: dig(o, "metadata", "labels", "serving.knative.dev/service")),
            ("READY", lambda o: condition(o, "Ready").get("status", "Unknown")),
            ("SCALE", _scale),
            ("AGE", lambda o: age(dig(o, "metadata", "creationTimestamp"), now)),
            ("WHY", _why),
        )
    )


def _scale(obj: dict[str, Any]) -> str:
    """`ready/wanted`, or one number when they agree."""
    actual = dig(obj, "status", "actualReplicas") or 0
    wanted = dig(obj, "status", "desiredReplicas") or 0
    return str(actual) if actual == wanted else f"{actual}/{wanted}"


def _why(obj: dict[str, Any]) -> str:
    """The autoscaler's reason; for a revision that cannot run, that reason."""
    ready = condition(obj, "Ready")
    if ready.get("status") == "False":
        return f"{ready.get('reason', '')}: {ready.get('message', '')}"
    return dig(obj, "status", "annotations", "tanebi.dev/why") or ""


def broker_columns(now: datetime, gateway: str) -> Columns:
    """The cluster's address of a broker, and the plain one that works from this machine."""

    def local(obj: dict[str, Any]) -> str:
        meta = obj["metadata"]
        return f"{gateway}/{meta['namespace']}/{meta['name']}"

    return Columns(
        (
            ("NAME", lambda o: o["metadata"]["name"]),
            ("URL", lambda o: dig(o, "status", "address", "url") or ""),
            ("LOCAL URL", local),
            ("AGE", lambda o: age(dig(o, "metadata", "creationTimestamp"), now)),
            ("READY", lambda o: condition(o, "Ready").get("status", "Unknown")),
            ("REASON", lambda o: condition(o, "Ready").get("reason", "")),
        )
    )

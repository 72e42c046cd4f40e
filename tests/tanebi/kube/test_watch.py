from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kube.errors import Expired
from tanebi.kube.watch import (
    Added,
    BadWatch,
    Bookmark,
    Deleted,
    Failed,
    Modified,
    WatchEvent,
    WatchParser,
)


def obj(rv: str, **meta: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "x", "resourceVersion": rv, **meta}}


def line(type_: str, body: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": type_, "object": body}) + b"\n"


LAST = {"annotations": {"k8s.io/initial-events-end": "true"}}
CASES: list[tuple[bytes, WatchEvent]] = [
    (line("ADDED", obj("1")), Added(obj("1"))),
    (line("MODIFIED", obj("2")), Modified(obj("2"))),
    (line("DELETED", obj("3", labels={"é": "\n"})), Deleted(obj("3", labels={"é": "\n"}))),
    (line("BOOKMARK", obj("4")), Bookmark("4")),
    (line("BOOKMARK", obj("5", **LAST)), Bookmark("5", initial_end=True)),
]
STREAM = b"".join(raw for raw, _ in CASES)
EVENTS = [event for _, event in CASES]


@pytest.mark.parametrize(("raw", "event"), CASES)
def test_each_type(raw: bytes, event: WatchEvent) -> None:
    assert WatchParser().feed(raw) == [event]


def test_whole_and_byte_by_byte() -> None:
    assert WatchParser().feed(STREAM) == EVENTS
    parser = WatchParser()
    assert [e for i in range(len(STREAM)) for e in parser.feed(STREAM[i : i + 1])] == EVENTS
    assert parser.position == "5"


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = WatchParser()
    found = [e for a, b in pairwise(edges) for e in parser.feed(STREAM[a:b])]
    assert found == EVENTS


def test_a_truncated_line_is_not_an_event() -> None:
    parser = WatchParser(position="0")
    assert parser.feed(STREAM[:20]) == []
    assert parser.position == "0"


def test_empty_lines_and_carriage_returns_mean_nothing() -> None:
    assert WatchParser().feed(b"\n \r\n" + CASES[0][0]) == [CASES[0][1]]


def test_an_error_line_ends_the_watch_with_its_error() -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    parser = WatchParser(position="7")
    (event,) = parser.feed(line("ERROR", status))
    assert isinstance(event, Failed)
    assert isinstance(event.error, Expired)
    assert parser.position == "7"


def test_an_error_without_a_reason_is_known_by_its_code() -> None:
    (event,) = WatchParser().feed(line("ERROR", {"kind": "Status", "code": 410}))
    assert isinstance(event, Failed)
    assert isinstance(event.error, Expired)


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>\n",
        b"[]\n",
        b"{}\n",
        b'{"type":"ADDED"}\n',
        b'{"type":"ADDED","object":[]}\n',
        line("FROBBED", obj("1")),
        b'{"type":["ADDED"],"object":{}}\n',
        b"\xff\xfe\n",
    ],
)
def test_nonsense(raw: bytes) -> None:
    with pytest.raises(BadWatch):
        WatchParser().feed(raw)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_has_a_limit_ended_or_not(end: bytes) -> None:
    parser = WatchParser(line_bytes_max=100)
    parser.feed(b"x" * 100)
    with pytest.raises(BadWatch, match="longer than 100 bytes"):
        parser.feed(b"x" + end)


@given(st.binary(max_size=200))
def test_garbage_never_breaks_it_in_another_way(raw: bytes) -> None:
    try:
        WatchParser().feed(raw + b"\n")
    except BadWatch:
        pass

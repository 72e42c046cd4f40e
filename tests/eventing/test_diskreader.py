"""Reads of the event log's file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventing import sqlstatements as sql
from eventing.delivery import Failure
from eventing.diskreader import SPAN_BYTES_MAX, DiskReader, StreamRow
from eventing.events import Event, pack
from eventing.log import Name
from tanebi.base.errors import Unavailable
from tanebi.base.groupcommit import connect

pytestmark = pytest.mark.anyio


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[DiskReader]:
    opened = DiskReader.open(tmp_path / "new" / "events.db", connect)
    yield opened
    await opened.close()
    opened.take_writer().close()


def write(reader: DiskReader, *statements: sql.Statement) -> None:
    for statement in statements:
        reader.take_writer().execute(*statement)


def put(reader: DiskReader, stream: int, seqs: range, data: bytes = b"d") -> None:
    meta = pack(Event({"id": "x"}))
    write(reader, *sql.insert_events([(sql.rowid(stream, n), 0.0, meta, data) for n in seqs]))


async def test_an_empty_file(reader: DiskReader) -> None:
    loaded = await reader.load()
    assert (loaded.streams, loaded.cursors, list(loaded.retries)) == ([], [], [])
    assert (loaded.last_stream, loaded.last_cursor, list(loaded.dropped)) == (0, 0, [])
    used, free = await reader.usage()
    assert 0 < used < 1_000_000 < free


async def test_what_a_start_loads(reader: DiskReader) -> None:
    put(reader, 2, range(5, 9))
    write(
        reader,
        ("INSERT INTO streams VALUES (1,'ns','empty','u1',0)", ()),
        ("INSERT INTO streams VALUES (2,'ns','b','u2',0)", ()),
        ("INSERT INTO streams VALUES (3,'ns','gone','u3',1)", ()),
        ("INSERT INTO cursors VALUES (7,2,'ns','t','u7',6)", ()),
        *sql.insert_retries([(7, 5, sql.rowid(2, 5), 1, 3.5, None)]),
    )
    loaded = await reader.load()
    assert loaded.streams == [
        StreamRow(1, Name("ns", "empty", "u1"), 1, 0),
        StreamRow(2, Name("ns", "b", "u2"), 5, 8),
    ]
    assert loaded.cursors == [(7, 2, Name("ns", "t", "u7"), 6)]
    assert list(loaded.retries) == [(7, 5, 1, 3.5, None)]
    assert (loaded.last_stream, loaded.last_cursor, loaded.dropped) == (3, 7, [3])


async def test_spans_and_single_events(reader: DiskReader) -> None:
    put(reader, 1, range(1, 11))
    put(reader, 2, range(1, 3))
    assert list(await reader.span(1, 3, 5)) == [3, 4, 5]
    assert list(await reader.span(1, 9, 99)) == [9, 10]
    assert sorted(await reader.some(1, [2, 7, 99])) == [2, 7]
    low, high = sql.rowid(1, 0), sql.rowid(2, 0) - 1
    assert await reader.nth_id(low, high, 4) == sql.rowid(1, 4)
    assert await reader.nth_id(sql.rowid(9, 0), sql.rowid(10, 0), 4) is None


async def test_a_heavy_span_stops_early(reader: DiskReader) -> None:
    put(reader, 1, range(1, 9), b"x" * (SPAN_BYTES_MAX // 3))
    assert list(await reader.span(1, 1, 8)) == [1, 2, 3]


async def test_dead_letters(reader: DiskReader) -> None:
    why = Failure("http://x/", 500, "answered 500")
    dumped = sql.dump_failure(why)
    assert dumped is not None
    rows = [(7, n, 1.0, dumped, pack(Event({"id": str(n)})), b"d") for n in (1, 2, 3)]
    write(reader, *sql.insert_dead(rows))
    found = await reader.dead_letters(7, 2)
    assert [(d.seq, d.failure, d.event.attributes["id"]) for d in found] == [
        (1, why, "1"),
        (2, why, "2"),
    ]


async def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be opened"):
        DiskReader.open(tmp_path / "file" / "events.db", connect)

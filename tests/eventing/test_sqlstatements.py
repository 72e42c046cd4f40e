"""Statements against a real schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing import sqlstatements as sql
from eventing.delivery import Failure, Progress


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(":memory:") as opened:
        for statement in sql.SCHEMA:
            opened.execute(statement)
        yield opened
    opened.close()


@pytest.mark.parametrize("count", [0, 1, 3, 64, 65, 200])
def test_rows_go_in_whole(db: sqlite3.Connection, count: int) -> None:
    rows = [(sql.rowid(3, n), 1.5, b"m", bytes([n % 256])) for n in range(count)]
    for statement in sql.insert_events(rows):
        db.execute(*statement)
    assert db.execute("SELECT * FROM events ORDER BY id").fetchall() == rows


def test_few_shapes_are_ever_compiled() -> None:
    shapes = {
        text
        for count in range(1, 300)
        for text, _ in sql.insert_events([(0, 0.0, b"", b"")] * count)
    }
    assert len(shapes) == 7


def test_a_range_is_deleted_but_for_retries(db: sqlite3.Connection) -> None:
    ids = [sql.rowid(1, n) for n in range(1, 6)]
    for statement in (
        *sql.insert_events([(one, 0.0, b"", b"") for one in ids]),
        *sql.insert_retries([(9, 2, ids[1], 1, 0.0, None)]),
        sql.delete_range(ids[0], ids[3]),
        *sql.delete_unwanted([ids[1]]),
    ):
        db.execute(*statement)
    assert [row[0] for row in db.execute("SELECT id FROM events")] == [ids[1], ids[4]]
    for statement in (*sql.delete_retries(9, [2]), *sql.delete_unwanted([ids[1]])):
        db.execute(*statement)
    assert [row[0] for row in db.execute("SELECT id FROM events")] == [ids[4]]


@given(
    st.one_of(
        st.none(),
        st.builds(
            Failure,
            st.text(st.characters(exclude_categories=("Cs",))),
            st.none() | st.integers(100, 599),
            st.text(st.characters(exclude_categories=("Cs",))),
            st.binary(),
        ),
    )
)
def test_failures_are_read_as_written(failure: Failure | None) -> None:
    assert sql.load_progress(3, sql.dump_failure(failure)) == Progress(3, failure)

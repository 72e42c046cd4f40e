"""PodLogOptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tanebi.apiserver.podlogs import Bounded, read_options
from tanebi.kube.errors import BadRequest

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_options() -> None:
    options = read_options(
        {
            "container": "c",
            "follow": "true",
            "previous": "1",
            "timestamps": "",
            "sinceSeconds": "5",
            "tailLines": "0",
            "limitBytes": "7",
        },
        now=NOW,
    )
    assert (options.container, options.follow, options.previous, options.timestamps) == (
        "c",
        True,
        True,
        True,
    )
    assert options.since == NOW - timedelta(seconds=5)
    assert (options.tail_lines, options.limit_bytes) == (0, 7)
    since = read_options({"sinceTime": "2025-12-31T23:59:00Z"}, now=NOW).since
    assert since == NOW - timedelta(minutes=1)
    assert read_options({}, now=NOW).since is None


@pytest.mark.parametrize(
    "query",
    [
        {"follow": "perhaps"},
        {"tailLines": "-1"},
        {"sinceSeconds": "0"},
        {"limitBytes": "0"},
        {"sinceTime": "yesterday"},
        {"sinceTime": "2025-12-31T23:59:00Z", "sinceSeconds": "1"},
    ],
)
def test_nonsense(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        read_options(query, now=NOW)


async def test_bytes_are_bounded() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"12345"

    assert b"".join([c async for c in Bounded(chunks(), 7)]) == b"1234512"
    assert len(b"".join([c async for c in Bounded(chunks(), None)])) == 25


async def test_closing_closes_the_source_even_unread() -> None:
    class Source:
        closed = False

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            return b""

        async def aclose(self) -> None:
            self.closed = True

    source = Source()
    await Bounded(source, None).aclose()
    assert source.closed

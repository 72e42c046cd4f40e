"""Long answers in gzip."""

from __future__ import annotations

import gzip

import pytest

from tanebi.apiserver.compress import THRESHOLD_BYTES, compressed, takes_gzip
from tanebi.kube.transport import Response

pytestmark = pytest.mark.anyio


async def test_only_long_answers_and_only_for_those_who_ask() -> None:
    long = Response(200, {"content-type": "application/json"}, b"x" * THRESHOLD_BYTES)
    packed = await compressed(long, "gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == long.body
    assert await compressed(long, "") is long
    short = Response(200, {}, b"x")
    assert await compressed(short, "gzip") is short


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("br", False),
    ],
)
def test_headers(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes

"""Both sides of HTTP/1.1 are what the exchange asks for: the types say so, and nothing is missing at run time either."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from activator.proxy import Exchange
from tanebi.http.request import ServerRequest
from tanebi.http.sides import (
    Answer,
    BodySink,
    ClientStream,
    PodStream,
    PodStreams,
    Switching,
    came_from,
)
from tanebi.http.upstream import UpstreamConnection, Upstreams


def streams(
    request: ServerRequest, upstream: UpstreamConnection, upstreams: Upstreams, exchange: Exchange
) -> tuple[ClientStream, PodStream, PodStreams, BodySink, Answer, Switching]:
    """Checked by mypy."""
    return request, upstream, upstreams, exchange, exchange, exchange


@pytest.mark.parametrize(
    ("protocol", "implementation"),
    [
        (ClientStream, ServerRequest),
        (PodStream, UpstreamConnection),
        (PodStreams, Upstreams),
        (BodySink, Exchange),
        (Answer, Exchange),
        (Switching, Exchange),
    ],
)
def test_nothing_is_missing(protocol: type, implementation: type) -> None:
    asked = {name for name in vars(protocol) if not name.startswith("_")}
    asked |= set(protocol.__annotations__)
    assert [name for name in sorted(asked) if not hasattr(implementation, name)] == []


@pytest.mark.parametrize(
    ("peer", "shown"),
    [(("10.0.0.1", 80), "10.0.0.1:80"), (("::1", 80, 0, 0), "[::1]:80"), ("", ""), (None, "")],
)
def test_where_a_client_came_from(peer: object, shown: str) -> None:
    class Transport:
        def get_extra_info(self, name: str) -> object:
            return peer if name == "peername" else None

    assert came_from(cast(asyncio.Transport, Transport())) == shown

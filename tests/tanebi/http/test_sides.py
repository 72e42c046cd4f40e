"""Both sides of HTTP/1.1 are what the exchange asks for: the types say so, and nothing is missing at run time either."""

from __future__ import annotations

import pytest

from activator.proxy import Exchange
from tanebi.http.request import ServerRequest
from tanebi.http.sides import Answer, BodySink, ClientStream, PodStream, PodStreams, Switching
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

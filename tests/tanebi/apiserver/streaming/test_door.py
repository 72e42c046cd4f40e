"""Which protocol, whether a stream may be had, and refusals as plain HTTP. The whole of it is tests/e2e/test_pod_streams.py."""

from __future__ import annotations

import orjson
import pytest

from tanebi.api.meta import Key
from tanebi.api.podstreams import NoStream
from tanebi.apiserver import paths
from tanebi.apiserver.streaming.door import SPDY, WEBSOCKET, Head, StreamDoor, refusal
from tanebi.kube.errors import ApiError, BadRequest, Forbidden, NotFound, ServerError, Unauthorized
from tests.tanebi.apiserver.streaming.pipes import MemoryPipe

pytestmark = pytest.mark.anyio

PATH = "/api/v1/namespaces/ns/pods/p"
KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
VERSION = (b"sec-websocket-version", b"13")


class Closed:
    """No pod can be entered."""

    def __init__(self, why: NoStream | None = None) -> None:
        self._why = why

    def check(self, pod: Key, container: str | None) -> None:
        if self._why:
            raise self._why


async def refused(
    door: StreamDoor, verb: str, upgrade: bytes, *headers: tuple[bytes, bytes]
) -> ApiError:
    pipe = MemoryPipe()
    target = paths.target(f"{PATH}/{verb}")
    assert target is not None
    with pytest.raises(ApiError) as caught:
        await door.serve(Head("GET", PATH, b"command=ls", headers, upgrade), target, pipe)  # type: ignore[arg-type]
    assert pipe.sent == b""
    return caught.value


def door(why: NoStream | None = None) -> StreamDoor:
    return StreamDoor(Closed(why))  # type: ignore[arg-type]


async def test_no_common_protocol() -> None:
    offered = (b"sec-websocket-protocol", b"v1.channel.k8s.io, base64.channel.k8s.io")
    error = await refused(door(), "exec", WEBSOCKET, KEY, VERSION, offered)
    assert isinstance(error, Forbidden)
    assert "['v1.channel.k8s.io', 'base64.channel.k8s.io']" in error.message
    assert isinstance(await refused(door(), "portforward", SPDY), Forbidden)


async def test_a_handshake_that_is_none() -> None:
    offered = (b"sec-websocket-protocol", b"v5.channel.k8s.io")
    assert isinstance(await refused(door(), "exec", WEBSOCKET, VERSION, offered), BadRequest)


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        (NoStream("no", pod_unknown=True), NotFound),
        (NoStream("no", ours=True), ServerError),
        (NoStream("no"), BadRequest),
    ],
)
async def test_a_pod_that_cannot_be_entered(why: NoStream, kind: type[ApiError]) -> None:
    assert type(await refused(door(why), "exec", SPDY)) is kind


async def test_without_a_kubelet() -> None:
    assert isinstance(await refused(StreamDoor(None), "exec", SPDY), BadRequest)


def test_refusals_are_whole_answers() -> None:
    head, _, body = refusal(Unauthorized("Unauthorized")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"WWW-Authenticate: Bearer" in head
    assert orjson.loads(body)["reason"] == "Unauthorized"
    assert b"WWW-Authenticate" not in refusal(BadRequest("no"))

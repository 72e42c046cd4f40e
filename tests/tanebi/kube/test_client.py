"""The client over a transport that answers by script. Behaviour against a server: tests/contract/test_kube_api.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.kube.client import ERROR_BODY_BYTES_MAX, Kube
from tanebi.kube.errors import BadRequest, Expired, NotFound, ServerError, Unreachable
from tanebi.kube.transport import Request, Response, Stream
from tanebi.kube.watch import Added, BadWatch

pytestmark = pytest.mark.anyio


class Scripted:
    """Answers every request alike and remembers the last one."""

    def __init__(self, status: int, *chunks: bytes) -> None:
        self.status = status
        self.chunks = chunks
        self.seen: Request | None = None
        self.closed = False

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        self.seen = request
        return Response(self.status, {}, b"".join(self.chunks))

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        self.seen = request

        async def chunks() -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                if chunk == b"!":
                    raise Unreachable("broken")
                yield chunk

        try:
            yield Stream(self.status, {}, chunks())
        finally:
            self.closed = True


def kube(status: int, *bodies: Any) -> Kube:
    raw = [body if isinstance(body, bytes) else orjson.dumps(body) for body in bodies]
    return Kube(Scripted(status, *raw), field_manager="m")


async def test_items_of_a_list_say_what_they_are() -> None:
    body = {"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "a"}}]}
    listing = await kube(200, body).list(CONFIG_MAP, None)
    assert listing.resource_version == "9"
    assert listing.items == [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]


async def test_a_list_without_items_is_empty() -> None:
    assert (await kube(200, {"items": None}).list(CONFIG_MAP, None)).items == []


async def test_refusals_are_raised() -> None:
    with pytest.raises(NotFound):
        await kube(404, {"kind": "Status", "reason": "NotFound"}).get(CONFIG_MAP, "d", "a")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
async def test_an_answer_that_is_no_object(body: bytes) -> None:
    with pytest.raises(ServerError, match="GET /api/v1/namespaces/d/configmaps/a"):
        await kube(200, body).get(CONFIG_MAP, "d", "a")


async def test_the_manager_is_named() -> None:
    client = kube(200, {}).as_manager("other")
    await client.patch(CONFIG_MAP, "d", "a", {})
    assert isinstance(client.transport, Scripted)
    assert client.transport.seen is not None
    assert client.transport.seen.query == {"fieldManager": "other"}


LINE = b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}\n'
ADDED = Added({"metadata": {"resourceVersion": "5"}})


async def test_a_watch_gives_events_and_closes_its_stream() -> None:
    client = kube(200, LINE[:10], LINE[10:] + LINE)
    async with client.watch(CONFIG_MAP, None, resource_version="1") as events:
        assert [event async for event in events] == [ADDED, ADDED]
    assert isinstance(client.transport, Scripted)
    assert client.transport.closed


async def test_a_watch_may_be_left_in_the_middle() -> None:
    client = kube(200, LINE, LINE, LINE)
    async with client.watch(CONFIG_MAP, None, resource_version="1") as events:
        async for event in events:
            assert event == ADDED
            break
    assert isinstance(client.transport, Scripted)
    assert client.transport.closed


async def test_a_watch_that_is_refused() -> None:
    client = kube(410, {"kind": "Status", "reason": "Expired", "message": "too old"})
    with pytest.raises(Expired, match="too old"):
        async with client.watch(CONFIG_MAP, None, resource_version="1"):
            raise AssertionError("opened")


async def test_a_watch_that_breaks_or_talks_nonsense() -> None:
    with pytest.raises(Unreachable):
        async with kube(200, LINE, b"!").watch(CONFIG_MAP, None, resource_version="1") as events:
            assert [event async for event in events] == []
    with pytest.raises(BadWatch):
        async with kube(200, b"<html>\n").watch(CONFIG_MAP, None, resource_version="") as events:
            assert [event async for event in events] == []


async def test_the_body_of_a_refusal_has_a_limit() -> None:
    client = kube(400, b"x" * ERROR_BODY_BYTES_MAX, b"x", b"!")
    with pytest.raises(BadRequest):
        async with client.stream(Request("GET", "/x")):
            raise AssertionError("opened")

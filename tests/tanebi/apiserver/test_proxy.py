"""Requests through the API server to what a pod serves, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from tanebi.kube.transport import Request, Response, Stream
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
async def port(api: Api) -> AsyncIterator[int]:
    """A pod with the address of this machine, and a server at this port of it that says what it was asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        length = head.lower().partition("content-length:")[2].split("\r\n")[0].strip()
        body = await reader.readexactly(int(length)) if length else b""
        page = b'<a href="/x">' if path.endswith(".html") else f"{method} {path} ".encode() + body
        kind = b"text/html" if path.endswith(".html") else b"text/plain"
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n" % kind)
        writer.write(b"content-length: %d\r\n\r\n" % len(page))
        writer.write(b"" if method == "HEAD" else page)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found = server.sockets[0].getsockname()[1]
    spec = {"containers": [{"name": "a", "image": "a", "ports": [{"containerPort": found}]}]}
    await api.ok("POST", PODS, {"metadata": {"name": "y"}, "spec": spec})
    await api.ok(
        "PATCH",
        f"{PODS}/y/status",
        {"status": {"podIP": "127.0.0.1", "phase": "Running"}},
        headers={"content-type": "application/merge-patch+json"},
    )
    async with server:
        yield found
        await api.server._proxy.aclose()


async def body_of(api: Api, method: str, path: str, body: bytes = b"") -> str:
    answer = await api.server.handle(Request(method, path, {"q": "1"}, {}, body), api.user)
    assert answer.status == 200
    if isinstance(answer, Response):
        return answer.body.decode()
    assert isinstance(answer, Stream)
    return b"".join([chunk async for chunk in answer.chunks]).decode()


async def test_methods_paths_and_bodies_arrive(api: Api, port: int) -> None:
    assert await body_of(api, "GET", f"{PODS}/y/proxy/a/b/") == "GET /a/b/?q=1 "
    assert await body_of(api, "POST", f"{PODS}/http:y:{port}/proxy/x", b"hi") == "POST /x?q=1 hi"


async def test_pages_lead_through_the_proxy(api: Api, port: int) -> None:
    answer = await api("GET", f"{PODS}/y/proxy/x.html")
    assert answer.body.decode() == f'<a href="{PODS}/y/proxy/x">'


async def test_the_root_has_a_slash_and_head_has_no_body(api: Api, port: int) -> None:
    answer = await api("GET", f"{PODS}/y/proxy", query={"a": "b"})
    assert (answer.status, answer.headers["location"]) == (301, f"{PODS}/y/proxy/?a=b")
    told = await api("HEAD", f"{PODS}/y/proxy/x")
    assert (told.status, told.body, told.headers["content-length"]) == (200, b"", "8")


async def test_refusals(api: Api, port: int) -> None:
    await api.refused(404, "GET", f"{PODS}/nobody/proxy/")
    status = await api.refused(503, "GET", f"{PODS}/y:1/proxy/")
    assert status["message"].startswith("error trying to reach pod: dial 127.0.0.1:1: ")
    services = "/api/v1/namespaces/default/services"
    await api.ok("POST", services, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    found = await api.refused(503, "GET", f"{services}/s/proxy/")
    assert found["message"] == 'no endpoints available for service "s:"'
    assert orjson.loads((await api("TRACE", f"{PODS}/y/proxy/")).body)["code"] == 405

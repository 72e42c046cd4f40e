"""Handshakes in front of HTTP: ALPN, versions, what fails, what is turned away, uploads and tunnels through them."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest

from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock
from tanebi.http import tls
from tanebi.http.server import HttpServer, ServerLimits
from tanebi.http.tls import KeyPair, server_context
from tanebi.testing.h2 import connect_h2
from tanebi.testing.http import Client
from tanebi.testing.waiting import wait_until
from tests.tanebi.http.echoing import Echo

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyPair, bytes]:
    """A pair for localhost, and the authority that signed it."""
    folder: Path = tmp_path_factory.mktemp("pki")
    now = SystemClock().wall()
    authority = pki.ensure(folder, now=now).ca_pem
    return KeyPair(*pki.mint(folder, "localhost", now=now)), authority


def trusting(authority: bytes, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.decode())
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@asynccontextmanager
async def secure_echo(pair: KeyPair) -> AsyncIterator[tuple[Echo, HttpServer]]:
    app = Echo()
    server = HttpServer(
        app,
        host="127.0.0.1",
        port=0,
        clock=SystemClock(),
        limits=ServerLimits(drain_s=0.1),
        tls=server_context(pair),
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.run)
        yield app, server
        tasks.cancel_scope.cancel()


async def connect_tls(server: HttpServer, context: ssl.SSLContext) -> Client:
    streams = await asyncio.open_connection(
        *server.address, ssl=context, server_hostname="localhost"
    )
    return Client(*streams)


async def test_alpn_decides_the_version(made: tuple[KeyPair, bytes]) -> None:
    pair, authority = made
    async with secure_echo(pair) as (app, server):
        h2 = await connect_h2(
            server.address, tls=trusting(authority, "h2"), server_name="localhost"
        )
        assert (await h2.get("/two", host="h")).body == b"GET /two "
        assert app.begun[0].connection.scheme == b"https"
        for protocols in (("http/1.1",), (), ("http/1.1", "h2")):
            plain = await connect_tls(server, trusting(authority, *protocols))
            if protocols[1:]:
                alpn = plain.writer.get_extra_info("ssl_object").selected_alpn_protocol()
                assert alpn == "h2"  # ours is the choice
            else:
                plain.get("/one", host="h")
                assert (await plain.answer()).body == b"GET /one "
                assert app.begun[-1].connection.scheme == b"https"
            plain.close()
        h2.close()


async def test_httpx_speaks_both(made: tuple[KeyPair, bytes]) -> None:
    pair, authority = made
    async with (
        secure_echo(pair) as (_, server),
        httpx.AsyncClient(http2=True, verify=trusting(authority)) as client,
    ):
        answer = await client.post(
            f"https://localhost:{server.address[1]}/x", content=b"y" * 300_000
        )
        assert (answer.http_version, len(answer.content)) == ("HTTP/2", 300_008)


async def test_old_versions_plain_bytes_and_silence_get_nowhere(
    made: tuple[KeyPair, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, authority = made
    monkeypatch.setattr(tls, "HANDSHAKE_S", 0.3)
    async with secure_echo(pair) as (_, server):
        old = trusting(authority)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)):
            await connect_tls(server, old)
        plain = Client(*await asyncio.open_connection(*server.address))
        plain.get(host="h")
        await plain.closed()
        mute = Client(*await asyncio.open_connection(*server.address))
        await mute.closed()
        assert not server.connections
        fine = await connect_tls(server, trusting(authority))
        fine.get(host="h")
        assert (await fine.answer()).status == 200
        fine.close()


async def test_only_so_many_handshakes_at_once(
    made: tuple[KeyPair, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, authority = made
    monkeypatch.setattr(tls, "HANDSHAKES_MAX", 2)
    async with secure_echo(pair) as (_, server):
        mute = [Client(*await asyncio.open_connection(*server.address)) for _ in range(2)]
        assert server._handshakes is not None
        await wait_until(lambda: server._handshakes and server._handshakes.under_way == 2)
        turned_away = Client(*await asyncio.open_connection(*server.address))
        assert await turned_away.closed() == b""
        for each in mute:
            each.close()
        await wait_until(lambda: server._handshakes and server._handshakes.under_way == 0)
        fine = await connect_tls(server, trusting(authority))
        fine.close()


async def test_a_refused_upload_is_answered(made: tuple[KeyPair, bytes]) -> None:
    """TLS has no half of a close: the answer says that it is the last."""
    pair, authority = made
    async with secure_echo(pair) as (app, server):
        app.hold = True
        client = await connect_tls(server, trusting(authority))
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nsome")
        await wait_until(lambda: app.begun)
        app.begun[0].respond(413, (), b"too much")
        answer = await client.answer()
        assert (answer.status, answer.header("connection")) == (413, b"close")
        client.close()


def test_what_is_no_pair() -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        server_context(KeyPair(b"nothing", b"nothing"))
    assert "secret" not in repr(KeyPair(b"c", b"secret"))

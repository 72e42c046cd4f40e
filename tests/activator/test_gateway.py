"""The front door: routes, probes, mounted handlers, and starting and stopping."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from activator.certificates import Certificates
from activator.facts import EndpointFacts, RevisionFacts
from activator.gateway import Gateway
from activator.table import Path as TablePath
from activator.table import Split, Table
from tanebi.api.meta import Key
from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.http.messages import HttpRequest, HttpResponse
from tanebi.http.server import ServerLimits
from tanebi.http.tls import KeyPair
from tanebi.testing.http import Client, answering, connect, ok, serving
from tanebi.testing.waiting import wait_until
from tests.activator.conftest import HOST, Sink

pytestmark = pytest.mark.anyio


class Handler:
    body_max = 10

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        return HttpResponse(202, ((b"X-A", b"b"),), b"taken")


async def test_an_unknown_host_gets_a_helpful_404(world: Any) -> None:
    async with world() as w:
        client = await w.client()
        client.get(host="nobody.example:80")
        answer = await client.answer()
        assert answer.status == 404
        assert b'no service answers to the host "nobody.example"' in answer.body
        assert b"tanebi get ksvc" in answer.body


async def test_cluster_local_hosts_are_for_clients_inside_alone() -> None:
    gateway = Gateway(
        "0.0.0.0",
        0,
        clock=SystemClock(),
        rng=random.Random(7),
        sink=Sink(),
        limits=ServerLimits(drain_s=0.2),
        inside=lambda address: address == "127.0.0.1",
    )
    async with (
        anyio.create_task_group() as tasks,
        serving(answering(lambda head, body: ok(b"hi"))) as app,
    ):
        await tasks.start(gateway.run)
        key = Key("default", "hello-00001")
        backend = gateway.router.set_revision(key, RevisionFacts())
        backend.set_endpoints({app: EndpointFacts(app, True, False)})
        paths = (TablePath("", (Split(key, 100),), 100),)
        hosts = {HOST: paths, "hello.default": paths}
        gateway.router.set_table(Table(hosts, local=frozenset({"hello.default"})))
        for place, local in (("127.0.0.1", 200), ("127.0.0.2", 404)):
            client = await connect((place, gateway.address[1]))
            for host, expected in {
                HOST: 200,
                "hello.default": local,
                "hello-00001.default.svc.cluster.local": local,
            }.items():
                client.get(host=host)
                assert (await client.answer()).status == expected, (place, host)
            client.close()
        tasks.cancel_scope.cancel()


async def test_a_route_to_a_revision_that_does_not_exist(
    world: Any, host: str, revision: Any
) -> None:
    async with world() as w:
        w.gateway.router.remove_revision(revision)
        client = await w.client()
        client.get(host=host)
        answer = await client.answer()
        assert (answer.status, b"no revision serves" in answer.body) == (404, True)


async def test_a_mounted_handler_answers_in_the_process(world: Any) -> None:
    handler = Handler()
    async with world() as w:
        w.gateway.mount(["localhost", "broker.ns.svc.cluster.local"], handler)
        client = await w.client()
        for host in ("Broker.ns.svc.cluster.local:80", "localhost:1", "127.0.0.1"):
            client.send(
                b"POST /ns/b?x HTTP/1.1\r\nHost: %b\r\nce-Id: 1\r\nContent-Length: 2\r\n\r\nhi"
                % host.encode()
            )
            answer = await client.answer()
            assert (answer.status, answer.body, answer.header("x-a")) == (202, b"taken", b"b")
        first = handler.seen[0]
        assert (first.method, first.host, first.target, first.body) == (
            "POST",
            "broker.ns.svc.cluster.local",
            "/ns/b?x",
            b"hi",
        )
        assert (b"ce-Id", b"1") in list(first.headers)


async def test_url_and_address(world: Any) -> None:
    async with world() as w:
        host, port = w.gateway.address
        assert w.gateway.url == f"http://{host}:{port}"
        assert port > 0


async def test_a_taken_port(sink: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway = Gateway(
            "127.0.0.1",
            taken.getsockname()[1],
            clock=SystemClock(),
            rng=random.Random(1),
            sink=sink,
        )
        with pytest.raises(UserError, match="cannot listen"):
            await gateway.run()


async def test_a_request_under_way_survives_the_stop(world: Callable[..., Any], host: str) -> None:
    from tanebi.http.server import ServerLimits

    entered, go = anyio.Event(), anyio.Event()

    async def app(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        entered.set()
        await go.wait()
        writer.write(ok(b"late"))

    async with serving(app) as address, world(limits=ServerLimits(drain_s=5)) as w:
        w.pods(address)
        client = await w.client()
        client.get(host=host)
        await entered.wait()
        async with anyio.create_task_group() as tasks:

            async def finish() -> None:
                await anyio.sleep(0.3)
                go.set()

            tasks.start_soon(finish)
            assert (await client.answer()).body == b"late"


async def test_load_is_reported_every_second_and_once_with_zero(
    world: Any, host: str, revision: Any
) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=host)
        await client.answer()
        await wait_until(lambda: len(w.sink.reports) >= 2, 5)
        await anyio.sleep(1.1)
        first, second = w.sink.reports
        assert first.revision == second.revision == revision
        assert 0 < first.requests <= 1.1
        assert (second.concurrency, second.requests) == (0, 0)


async def test_a_bug_in_one_request_does_not_end_the_gateway(world: Any, host: str) -> None:
    async def bug() -> None:
        raise RuntimeError("a bug")

    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        w.pods(app)
        await w.gateway.spawn(bug())
        client = await w.client()
        client.get(host=host)
        assert (await client.answer()).body == b"x"


# --- Upgrade -----------------------------------------------------------------------------------

ASK = "Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n"
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: a\r\n\r\n"
)
TUNNEL_BYTES = 10 * 1024 * 1024


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers 101 and sends back what comes; without Upgrade in the request, its head."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"upgrade: websocket" in head.lower():
            break
        writer.write(ok(head))
    writer.write(SWITCHED + b"hello ")
    reader._limit = 65536  # type: ignore[attr-defined]  # the app takes no more ahead than the gateway does
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def upgrade(w: Any, host: str, ahead: bytes = b"") -> Any:
    """A client whose connection has become a tunnel."""
    client = await w.client()
    client.send(f"GET /ws HTTP/1.1\r\nHost: {host}\r\n{ASK}\r\n".encode() + ahead)
    with anyio.fail_after(5):
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head == (
            b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert await client.reader.readexactly(6) == b"hello "
    return client


async def end_of(client: Any) -> bytes:
    """What still comes; a cut is an end too."""
    with anyio.fail_after(5):
        try:
            return bytes(await client.reader.read())
        except ConnectionError:
            return b"cut"


async def test_a_tunnel_passes_bytes_and_half_closes(world: Any, host: str) -> None:
    async with world() as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host, ahead=b"early ")
        client.send(b"and more")
        client.writer.write_eof()
        assert await end_of(client) == b"early and more"
        await wait_until(lambda: w.backend.throttler.in_flight == 0)
        assert w.backend.counts.by_class[1] == 1
        await wait_until(lambda: w.backend.meter is None or w.backend.meter.concurrency == 0)


async def send_in_pieces(client: Any, data: bytes) -> None:
    for at in range(0, len(data), 65536):
        client.send(data[at : at + 65536])
        await client.writer.drain()


async def test_ten_megabytes_each_way_with_a_slow_reader_in_bounded_memory(
    world: Any, host: str
) -> None:
    async with world() as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host)
        data = bytes(range(256)) * (TUNNEL_BYTES // 256)
        tracemalloc.start()
        try:
            sending = asyncio.get_running_loop().create_task(send_in_pieces(client, data))
            await asyncio.sleep(0.3)  # nobody reads: all stands still
            got = 0
            with anyio.fail_after(20):
                while got < len(data):
                    piece = await client.reader.read(65536)
                    assert piece == data[got : got + len(piece)]
                    got += len(piece)
            await sending
            assert tracemalloc.get_traced_memory()[1] < 5 * 1024 * 1024
        finally:
            tracemalloc.stop()


async def test_a_tunnel_counts_as_concurrency_until_its_client_leaves(
    world: Any, host: str
) -> None:
    async with world(RevisionFacts(concurrency=1)) as w, serving(echo) as app:
        w.pods(app)
        first = await upgrade(w, host)
        second = await w.client()
        second.get(host=host)
        await wait_until(lambda: w.backend.throttler.waiting == 1)
        assert w.backend.meter.concurrency == 2
        first.writer.transport.abort()
        assert (await second.answer()).status == 200


async def test_an_app_that_dies_ends_its_tunnels(world: Any, host: str) -> None:
    async def app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED + b"hello ")
        await reader.read(1)
        writer.close()

    async with world() as w, serving(app) as address:
        w.pods(address)
        client = await upgrade(w, host)
        client.send(b"x")
        assert await end_of(client) in (b"", b"cut")
        client.close()
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


@pytest.mark.parametrize(
    ("facts", "cut"),
    [
        (RevisionFacts(timeout_s=0.3), True),
        (RevisionFacts(idle_timeout_s=0.3), True),
        (RevisionFacts(upgrade_timeout_s=0.3), True),
        (RevisionFacts(response_start_timeout_s=0.2), False),
        (RevisionFacts(response_start_timeout_s=0.2, upgrade_timeout_s=60.0), False),
        (RevisionFacts(timeout_s=0.2, idle_timeout_s=0.2, upgrade_timeout_s=0.0), False),
        (RevisionFacts(timeout_s=0.2, upgrade_timeout_s=60.0), False),
    ],
)
async def test_the_times_of_a_tunnel(
    world: Any, host: str, facts: RevisionFacts, cut: bool
) -> None:
    async with world(facts) as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host)
        if cut:
            assert await end_of(client) in (b"", b"cut")
            await wait_until(lambda: w.backend.throttler.in_flight == 0)
        else:
            await asyncio.sleep(0.6)
            client.send(b"x")
            with anyio.fail_after(5):
                assert await client.reader.readexactly(1) == b"x"


async def test_an_app_that_agrees_and_says_nothing_has_not_begun_to_answer(
    world: Any, host: str
) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED)
        while await reader.read(65536):
            pass

    async with world(RevisionFacts(response_start_timeout_s=0.3)) as w, serving(mute) as app:
        w.pods(app)
        client = await w.client()
        client.send(f"GET /ws HTTP/1.1\r\nHost: {host}\r\n{ASK}\r\n".encode())
        with anyio.fail_after(5):
            assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await end_of(client) in (b"", b"cut")
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_bytes_either_way_keep_an_idle_timeout_away(world: Any, host: str) -> None:
    async with world(RevisionFacts(idle_timeout_s=0.5)) as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host)
        for _ in range(5):
            await asyncio.sleep(0.2)
            client.send(b"x")
            with anyio.fail_after(5):
                assert await client.reader.readexactly(1) == b"x"


async def test_tunnels_get_the_drain_time_and_are_cut_then(world: Any, host: str) -> None:
    async with world(limits=ServerLimits(drain_s=0.5)) as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(w.gateway.drain)
            await asyncio.sleep(0.2)
            client.send(b"still")
            with anyio.fail_after(5):
                assert await client.reader.readexactly(5) == b"still"
        assert await end_of(client) in (b"", b"cut")
        await wait_until(lambda: w.backend.throttler.in_flight == 0)


async def test_a_pod_waits_for_its_tunnels_before_it_stops(world: Any, host: str) -> None:
    async with world() as w, serving(echo) as app:
        w.pods(app)
        client = await upgrade(w, host)
        over: list[bool] = []
        assert w.backend.drain(app, lambda: over.append(True))
        assert not over
        client.close()
        await wait_until(lambda: bool(over))


@pytest.mark.parametrize(
    "lines",
    [
        "Upgrade: websocket\r\n",  # Connection does not name it
        "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n",
    ],
)
async def test_an_upgrade_that_cannot_be_granted_is_ignored(
    world: Any, host: str, lines: str
) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(head + body))) as app:
        w.pods(app)
        client = await w.client()
        body = "hi" if "Length" in lines else ""
        for _ in range(2):
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n{body}".encode())
        for _ in range(2):
            answer = await client.answer()
            assert b"pgrade" not in answer.body
            assert answer.body.endswith(b"\r\n\r\n" + body.encode())


async def test_an_app_without_101_answers_as_always_and_the_connection_goes_on(
    world: Any, host: str
) -> None:
    async with world() as w, serving(answering(lambda head, body: ok(head))) as app:
        w.pods(app)
        client = await w.client()
        one = f"GET /%d HTTP/1.1\r\nHost: {host}\r\n{ASK}\r\n"
        client.send("".join(one % i for i in range(3)).encode())
        for i in range(3):
            answer = await client.answer()
            assert answer.body.startswith(b"GET /%d " % i)
            assert b"\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" in answer.body


async def test_a_101_for_another_protocol_is_a_502(world: Any, host: str) -> None:
    other = SWITCHED.replace(b"websocket", b"other")
    async with world() as w, serving(answering(lambda head, body: other)) as app:
        w.pods(app)
        client = await w.client()
        client.get(host=host, extra=ASK)
        assert (await client.answer()).status == 502


# --- TLS ---------------------------------------------------------------------------------------


@asynccontextmanager
async def secure(folder: Path, app: Any) -> AsyncIterator[tuple[Gateway, ssl.SSLContext]]:
    """A gateway with https, a revision at three hosts: one plain, one redirected, one with a certificate in a Secret."""
    now = SystemClock().wall()
    trusting = ssl.create_default_context(cadata=pki.ensure(folder, now=now).ca_pem.decode())

    def mint(name: str) -> KeyPair:
        return KeyPair(*pki.mint(folder, name, now=now))

    shown = Certificates(mint=mint)
    gateway = Gateway(
        "127.0.0.1",
        0,
        clock=SystemClock(),
        rng=random.Random(7),
        sink=Sink(),
        limits=ServerLimits(drain_s=0.2),
        tls=(0, shown),
    )
    key = Key("default", "hello-00001")
    backend = gateway.router.set_revision(key, RevisionFacts())
    backend.set_endpoints({app: EndpointFacts(app, True, False)})
    paths = (TablePath("", (Split(key, 100),), 100),)
    hosts = dict.fromkeys((HOST, "moved.example", "own.example"), paths)
    gateway.router.set_table(Table(hosts, redirected=frozenset(("moved.example",))))
    shown.set_secrets({"own.example": mint("own.example")})
    async with anyio.create_task_group() as tasks:
        await tasks.start(gateway.run)
        yield gateway, trusting
        tasks.cancel_scope.cancel()


async def secured(gateway: Gateway, trusting: ssl.SSLContext, name: str) -> Client:
    assert gateway.tls_port is not None
    streams = await asyncio.open_connection(
        "127.0.0.1", gateway.tls_port, ssl=trusting, server_hostname=name
    )
    return Client(*streams)


async def test_each_name_has_its_certificate(tmp_path: Path) -> None:
    async with (
        serving(answering(lambda head, body: ok(head))) as app,
        secure(tmp_path, app) as (gateway, trusting),
    ):
        for name in (HOST, "own.example", "localhost"):
            client = await secured(gateway, trusting, name)
            client.get(host=HOST)
            head = (await client.answer()).body
            assert b"\r\nX-Forwarded-Proto: https\r\n" in head
            assert b";proto=https\r\n" in head
            client.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await secured(gateway, trusting, "unknown.example")


async def test_plain_requests_are_redirected_where_the_ingress_says_so(tmp_path: Path) -> None:
    async with (
        serving(answering(lambda head, body: ok(b"served"))) as app,
        secure(tmp_path, app) as (gateway, trusting),
    ):
        plain = await connect(gateway.address)
        plain.get("/a?b=c", host="moved.example:80")
        answer = await plain.answer()
        where = f"https://moved.example:{gateway.tls_port}/a?b=c"
        assert (answer.status, answer.header("location")) == (301, where.encode())
        plain.get(host=HOST)
        assert (await plain.answer()).body == b"served"
        plain.close()
        client = await secured(gateway, trusting, "moved.example")
        client.get(host="moved.example")
        assert (await client.answer()).body == b"served"
        client.close()


async def test_redirects_lead_to_https_of_another_process_too(world: Any) -> None:
    async with world() as w:
        router = w.gateway.router
        router.set_table(Table(router.table.hosts, redirected=frozenset((HOST,))))
        client = await w.client()
        for port, shown in ((443, ""), (8443, ":8443")):
            router.https_port = port
            client.get("/a", host=HOST)
            answer = await client.answer()
            where = f"https://{HOST}{shown}/a".encode()
            assert (answer.status, answer.header("location")) == (301, where)


async def test_a_tunnel_through_tls(tmp_path: Path) -> None:
    async with serving(echo) as app, secure(tmp_path, app) as (gateway, trusting):
        client = await secured(gateway, trusting, HOST)
        client.send(f"GET /ws HTTP/1.1\r\nHost: {HOST}\r\n{ASK}\r\n".encode())
        with anyio.fail_after(20):
            await client.reader.readuntil(b"\r\n\r\n")
            assert await client.reader.readexactly(6) == b"hello "
            sent = bytes(range(256)) * 8192
            async with anyio.create_task_group() as tasks:

                async def send() -> None:
                    client.send(sent)
                    await client.writer.drain()

                tasks.start_soon(send)
                assert await client.reader.readexactly(len(sent)) == sent
        client.close()
        backend = gateway.router.revisions[Key("default", "hello-00001")]
        await wait_until(lambda: backend.throttler.in_flight == 0)


async def test_an_app_that_ends_a_tunnel_ends_its_tls_client(tmp_path: Path) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED + b"goodbye")
        writer.write_eof()
        await reader.read()

    async with serving(greet) as app, secure(tmp_path, app) as (gateway, trusting):
        client = await secured(gateway, trusting, HOST)
        client.send(f"GET /ws HTTP/1.1\r\nHost: {HOST}\r\n{ASK}\r\n".encode())
        assert (await client.closed()).endswith(b"goodbye")
        backend = gateway.router.revisions[Key("default", "hello-00001")]
        await wait_until(lambda: backend.throttler.in_flight == 0)

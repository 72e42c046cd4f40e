from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import cast

import anyio
import pytest

from tanebi.kubelet import dns, dnsserver
from tanebi.kubelet.dns import A, Found, Named, Record, World
from tanebi.kubelet.dnsserver import DnsServer

pytestmark = pytest.mark.anyio

SERVICES = {
    ("ns", "web"): Named(("10.0.0.2",)),
    ("ns", "many"): Named(tuple(f"10.0.1.{n}" for n in range(100))),
    ("ns", "away"): Named(alias="example.com"),
}
WORLD = World("cluster.local", lambda ns, name: SERVICES.get((ns, name)))
OUTSIDE = World("example.com", lambda ns, name: None, {"example.com": "192.0.2.9"})


def query(name: str, kind: int = A) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return (
        struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)
    )


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    """Ours, with another of ours as the machine's, and before it one that nobody answers at."""
    async with DnsServer(lambda: OUTSIDE, []).listening() as machine:
        both = [f"127.0.0.1#{machine.udp_port}", f"127.0.0.1#{machine.tcp_port}"]
        async with DnsServer(lambda: WORLD, both).listening() as opened:
            yield opened


async def by_udp(server: DnsServer, data: bytes) -> bytes:
    socket = await anyio.create_connected_udp_socket("127.0.0.1", server.udp_port)
    async with socket:
        with anyio.fail_after(10):
            await socket.send(data)
            return await socket.receive()


async def by_tcp(server: DnsServer, *questions: bytes) -> list[bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port)
    found = []
    with anyio.fail_after(10):
        for data in questions:
            writer.write(len(data).to_bytes(2, "big") + data)
            size = int.from_bytes(await reader.readexactly(2), "big")
            found.append(await reader.readexactly(size))
    writer.transport.abort()
    return found


def told(answer: bytes) -> list[str]:
    return [".".join(map(str, one.data)) for one in dns.addresses_in(answer, "x")]


async def test_a_name_of_the_cluster(server: DnsServer) -> None:
    asked = query("web.ns.svc.cluster.local")
    assert told(await by_udp(server, asked)) == ["10.0.0.2"]
    assert [told(one) for one in await by_tcp(server, asked, asked)] == [["10.0.0.2"]] * 2


async def test_an_answer_too_long_for_udp_is_had_by_tcp(server: DnsServer) -> None:
    asked = query("many.ns.svc.cluster.local")
    cut = await by_udp(server, asked)
    assert struct.unpack_from("!H", cut, 2)[0] & dns.TRUNCATED
    assert len(told((await by_tcp(server, asked))[0])) == 100


async def test_other_names_are_asked_of_the_machines_servers(server: DnsServer) -> None:
    assert told(await by_udp(server, query("example.com"))) == ["192.0.2.9"]


async def test_an_alias_to_the_outside(server: DnsServer) -> None:
    answer = (await by_tcp(server, query("away.ns.svc.cluster.local")))[0]
    assert struct.unpack_from("!H", answer, 6) == (2,), "the alias, and where it leads"
    assert told(answer) == ["192.0.2.9"]


async def test_nobody_answers(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnsserver, "SERVER_S", 0.2)
    async with DnsServer(lambda: WORLD, ["127.0.0.1#1"]).listening() as alone:
        for answer in (await by_udp(alone, query("a.b")), (await by_tcp(alone, query("a.b")))[0]):
            assert answer[3] & 0xF == dns.SERVER_FAILURE


async def test_nonsense_is_refused_and_the_server_goes_on(server: DnsServer) -> None:
    assert (await by_udp(server, b"\0\7xx"))[3] & 0xF == dns.FORMAT_ERROR
    assert told(await by_udp(server, query("web.ns.svc.cluster.local"))) == ["10.0.0.2"]


async def test_too_many_questions_for_others_are_dropped(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dnsserver, "UNDER_WAY_MAX", 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await by_udp(server, query("example.com"))
    assert told(await by_udp(server, query("web.ns.svc.cluster.local"))) == ["10.0.0.2"]


def test_records_are_those_of_the_question() -> None:
    question = dns.read(query("x"))
    encoded = dns.encode(question, Found((Record("x", A, bytes(4)),)), WORLD, size_max=None)
    assert cast(bytes, encoded).endswith(bytes(4))

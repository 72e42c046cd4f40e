from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet import dns
from tanebi.kubelet.dns import AAAA, CNAME, SRV, A, BadQuery, Elsewhere, Found, Named, World

GATEWAY = "10.201.0.1"
SERVICES = {
    ("default", "web"): Named(("10.0.0.2", "10.0.0.3"), (("http", "TCP", 80),)),
    ("default", "db"): Named(("10.0.0.4",), (), hosts={"db-0": "10.0.0.4"}),
    ("default", "six"): Named(("fd00::1",)),
    ("default", "hello"): Named(alias="gateway.system.svc.cluster.local"),
    ("default", "other"): Named(alias="web.default.svc.cluster.local"),
    ("default", "away"): Named(alias="example.com."),
    ("default", "none"): Named(),
}
WORLD = World(
    "cluster.local",
    lambda namespace, name: SERVICES.get((namespace, name)),
    {"gateway.system.svc.cluster.local": GATEWAY},
    {"10.96.0.9": "web.default.svc"}.get,  # type: ignore[arg-type]
)


def query(name: str, kind: int = A, *, id_: int = 7, edns: int = 0) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    more = b"\0" + struct.pack("!HHIH", dns.OPT, edns, 0, 0) if edns else b""
    head = struct.pack("!HHHHHH", id_, 0x100, 1, 0, 0, 1 if edns else 0)
    return head + labels + b"\0" + struct.pack("!HH", kind, 1) + more


def ask(name: str, kind: int = A) -> Found | Elsewhere:
    return dns.look_up(dns.read(query(name, kind)), WORLD)


def addresses(found: Found | Elsewhere) -> list[str]:
    assert isinstance(found, Found)
    return [str(ip_address(one.data)) for one in found.records if one.kind in (A, AAAA)]


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("web.default.svc.cluster.local", A, ["10.0.0.2", "10.0.0.3"]),
        ("WEB.Default.svc.Cluster.local", A, ["10.0.0.2", "10.0.0.3"]),
        ("web.default.svc.cluster.local", AAAA, []),
        ("six.default.svc.cluster.local", AAAA, ["fd00::1"]),
        ("six.default.svc.cluster.local", dns.ANY, ["fd00::1"]),
        ("gateway.system.svc.cluster.local", A, [GATEWAY]),
        ("hello.default.svc.cluster.local", A, [GATEWAY]),
        ("other.default.svc.cluster.local", A, ["10.0.0.2", "10.0.0.3"]),
        ("db-0.db.default.svc.cluster.local", A, ["10.0.0.4"]),
        ("10-1-2-3.default.pod.cluster.local", A, ["10.1.2.3"]),
        ("none.default.svc.cluster.local", A, []),
        ("default.svc.cluster.local", A, []),
    ],
)
def test_names_and_their_addresses(name: str, kind: int, wanted: list[str]) -> None:
    found = ask(name, kind)
    assert addresses(found) == wanted
    assert isinstance(found, Found)
    assert found.code == dns.NOERROR


@pytest.mark.parametrize(
    "name",
    [
        "no.default.svc.cluster.local",
        "x.web.default.svc.cluster.local",
        "example.com.default.svc.cluster.local",
        "example.com.cluster.local",
        "nonsense.default.pod.cluster.local",
        "_no._tcp.web.default.svc.cluster.local",
    ],
)
def test_names_that_are_not_there(name: str) -> None:
    assert ask(name) == Found(code=dns.NAME_ERROR)


def test_a_ports_record_tells_port_and_addresses() -> None:
    found = ask("_http._tcp.web.default.svc.cluster.local", SRV)
    assert isinstance(found, Found)
    assert struct.unpack_from("!HHH", found.records[0].data) == (0, 100, 80)
    assert len(found.extra) == 2
    assert ask("_http._tcp.web.default.svc.cluster.local", A) == Found()
    whole = ask("web.default.svc.cluster.local", SRV)
    assert isinstance(whole, Found)
    assert len(whole.records) == 1


@pytest.mark.parametrize("name", ["example.com", "com", "cluster.local.example.com", ""])
def test_other_names_are_for_others(name: str) -> None:
    question = dns.Question(1, 0, name, A, b"", 512)
    assert dns.look_up(question, WORLD) == Elsewhere(name)


def test_an_alias_to_the_outside_is_followed() -> None:
    found = ask("away.default.svc.cluster.local")
    assert isinstance(found, Elsewhere)
    assert found.name == "example.com"
    assert found.alias is not None
    assert found.alias.kind == CNAME
    told = ask("away.default.svc.cluster.local", CNAME)
    assert isinstance(told, Found)
    assert told.records == (found.alias,)


def test_an_answer_can_be_read_again() -> None:
    question = dns.read(query("web.default.svc.cluster.local"))
    found = dns.look_up(question, WORLD)
    assert isinstance(found, Found)
    answer = dns.encode(question, found, WORLD, size_max=512)
    id_, flags, *counts = struct.unpack_from("!HHHHHH", answer)
    assert (id_, flags, counts) == (7, 0x8000 | 0x400 | 0x100 | 0x80, [1, 2, 0, 0])
    read = dns.addresses_in(answer, "web")
    assert [str(ip_address(one.data)) for one in read] == ["10.0.0.2", "10.0.0.3"]


def test_a_no_says_how_long_it_holds() -> None:
    question = dns.read(query("no.default.svc.cluster.local"))
    answer = dns.encode(question, Found(code=dns.NAME_ERROR), WORLD, size_max=512)
    assert struct.unpack_from("!HHHHHH", answer)[2:] == (1, 0, 1, 0)
    assert answer.endswith(struct.pack("!I", dns.TTL_S))


@pytest.mark.parametrize(("edns", "size_max"), [(0, 512), (1232, 1232), (100, 512), (65535, 4096)])
def test_how_much_a_client_takes(edns: int, size_max: int) -> None:
    question = dns.read(query("x", edns=edns))
    assert question.size_max == size_max
    many = Found(tuple(dns.Record("x", A, bytes(4)) for _ in range(400)))
    answer = dns.encode(question, many, WORLD, size_max=question.size_max)
    assert len(answer) <= size_max
    assert struct.unpack_from("!H", answer, 2)[0] & dns.TRUNCATED
    assert len(dns.encode(question, many, WORLD, size_max=None)) > 4096


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"short",
        query("x")[:-1],
        struct.pack("!HHHHHH", 1, 0x8000, 1, 0, 0, 0),
        struct.pack("!HHHHHH", 1, 0, 2, 0, 0, 0),
        struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + b"\xc0\x0c",
        struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + b"\x80",
    ],
)
def test_questions_that_are_none(bad: bytes) -> None:
    with pytest.raises(BadQuery):
        dns.read(bad)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        question = dns.read(data)
    except BadQuery:
        assert len(dns.failure(data, dns.FORMAT_ERROR)) in (0, 12)
        return
    found = dns.look_up(question, WORLD)
    if isinstance(found, Found):
        assert len(dns.encode(question, found, WORLD, size_max=512)) <= max(
            512, 12 + len(question.raw)
        )


@given(st.binary(max_size=300))
def test_any_answer_is_read_or_refused(data: bytes) -> None:
    try:
        assert len(dns.addresses_in(data, "x")) <= dns.RECORDS_MAX
    except BadQuery:
        return


def test_an_answer_that_breaks_off() -> None:
    whole = dns.encode(
        dns.read(query("x")), Found((dns.Record("x", A, bytes(4)),)), WORLD, size_max=None
    )
    with pytest.raises(BadQuery):
        dns.addresses_in(whole[:-8], "x")
    assert dns.read(dns.ask(dns.read(query("x", AAAA)), "y.z")).name == "y.z"


def test_names_of_addresses() -> None:
    found = ask("9.0.96.10.in-addr.arpa", dns.PTR)
    assert isinstance(found, Found)
    assert found.records[0].data == b"\x03web\x07default\x03svc\x07cluster\x05local\x00"
    for other in ("8.0.96.10.in-addr.arpa", "0.96.10.in-addr.arpa", "x.in-addr.arpa"):
        assert ask(other, dns.PTR) == Elsewhere(other)
    assert ask("9.0.96.10.in-addr.arpa", A) == Elsewhere("9.0.96.10.in-addr.arpa")

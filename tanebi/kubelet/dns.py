"""Names inside: what a pod is told that asks for a Service, as bytes of the DNS protocol (RFC 1035; names by the Kubernetes DNS
specification 1.1).

Pure: a question and the world in, an answer out, or what must be asked of the machine's own servers. Names of a cluster are a
small part of DNS, so the few record types are written out here: a library's import costs more than a cold start has.

Callers: tanebi.kubelet.dnsserver (sockets), tanebi.kubelet.dnsworld (the world from the API).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Final

A, CNAME, SOA, PTR, AAAA, SRV, OPT, ANY = 1, 5, 6, 12, 28, 33, 41, 255
IN: Final = 1
NOERROR, FORMAT_ERROR, SERVER_FAILURE, NAME_ERROR, NOT_IMPLEMENTED = 0, 1, 2, 3, 4
RESPONSE, AUTHORITATIVE, TRUNCATED, DESIRED, AVAILABLE = 0x8000, 0x400, 0x200, 0x100, 0x80
TTL_S: Final = 5
UDP_MAX: Final = 512  # bytes of an answer for who does not say more
UDP_MORE_MAX: Final = 4096
RECORDS_MAX: Final = 1000
NAME_MAX, LABEL_MAX = 255, 63
REVERSE: Final = ".in-addr.arpa"
POINTERS_MAX: Final = 20

_HEAD: Final = struct.Struct("!HHHHHH")


class BadQuery(Exception):
    """Not a question that can be answered."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a Service's name stands for. `ports`: name, protocol, number. `hosts`: an address for a pod's own name."""

    addresses: tuple[str, ...] = ()
    ports: tuple[tuple[str, str, int], ...] = ()
    alias: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """`service(namespace, name)`; None: there is none. `fixed` are names that stand for one address; `name_of(address)` is
    the name of a Service, below the domain, empty for an address that is none's."""

    domain: str
    service: Callable[[str, str], Named | None]
    fixed: Mapping[str, str] = field(default_factory=dict)
    name_of: Callable[[str], str] = lambda address: ""


@dataclass(frozen=True, slots=True)
class Question:
    id: int
    flags: int
    name: str  # lower case, without the last dot
    kind: int
    raw: bytes  # the question's section
    size_max: int  # of an answer by UDP


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Found:
    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()
    code: int = NOERROR


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Ask the machine's servers for `name`. `alias`: what to say before their answer; none: pass the question on whole."""

    name: str
    alias: Record | None = None


def read(query: bytes) -> Question:
    """Raises BadQuery."""
    if len(query) < _HEAD.size:
        raise BadQuery("too short")
    id_, flags, questions, _, _, extra = _HEAD.unpack_from(query)
    if flags & RESPONSE or questions != 1 or flags >> 11 & 0xF:
        raise BadQuery("not one plain question")
    labels, at = _labels(query, _HEAD.size)
    if at + 4 > len(query):
        raise BadQuery("the question breaks off")
    kind, _ = struct.unpack_from("!HH", query, at)
    size = _size_max(query, at + 4, extra)
    name = ".".join(labels).lower()
    return Question(id_, flags, name, kind, query[_HEAD.size : at + 4], size)


def look_up(question: Question, world: World) -> Found | Elsewhere:
    """What is known of a name."""
    name = question.name
    if name in world.fixed:
        return Found(_addresses(name, [world.fixed[name]], question.kind))
    if name.endswith(REVERSE) and question.kind in (PTR, ANY):
        return _reverse(question, world)
    inside = f".{world.domain}"
    if name != world.domain and not name.endswith(inside):
        return Elsewhere(name)
    labels = name.removesuffix(inside).split(".")
    match labels:
        case [*front, service, namespace, "svc"]:
            named = world.service(namespace, service)
            if named is not None:
                return _of_service(question, world, named, front)
        case [dashed, _, "pod"]:
            address = _dashed(dashed)
            if address is not None:
                return Found(_addresses(name, [address], question.kind))
        case [_, "svc"] | ["svc"] | ["pod"]:
            return Found()  # there may be names below
    return Found(code=NOERROR if name == world.domain else NAME_ERROR)


def encode(question: Question, found: Found, world: World, *, size_max: int | None) -> bytes:
    """The answer; one that is larger than `size_max` says that it is cut, and the client asks again by TCP."""
    records = list(found.records[:RECORDS_MAX])
    authority = [] if records else [_authority(world)]
    flags = RESPONSE | AUTHORITATIVE | AVAILABLE | (question.flags & DESIRED) | found.code
    sections = (records, authority, found.extra[:RECORDS_MAX])
    body = b"".join(_record(one) for section in sections for one in section)
    if size_max is not None and _HEAD.size + len(question.raw) + len(body) > size_max:
        return _HEAD.pack(question.id, flags | TRUNCATED, 1, 0, 0, 0) + question.raw
    counts = (len(section) for section in sections)
    return _HEAD.pack(question.id, flags, 1, *counts) + question.raw + body


def failure(query: bytes, code: int) -> bytes:
    """An answer to what could not be answered; empty when not even that can be."""
    if len(query) < 2:
        return b""
    return _HEAD.pack(int.from_bytes(query[:2], "big"), RESPONSE | AVAILABLE | code, 0, 0, 0, 0)


def ask(question: Question, name: str) -> bytes:
    """The same question for another name, to be sent to the machine's servers."""
    body = _name(name) + struct.pack("!HH", question.kind, IN)
    return _HEAD.pack(question.id, DESIRED, 1, 0, 0, 0) + body


def addresses_in(answer: bytes, name: str) -> tuple[Record, ...]:
    """The A and AAAA records of a server's answer, told of `name`. Raises BadQuery."""
    if len(answer) < _HEAD.size:
        raise BadQuery("too short")
    _, _, questions, answers, _, _ = _HEAD.unpack_from(answer)
    at = _HEAD.size
    for _ in range(questions):
        at = _labels(answer, at)[1] + 4
    found = []
    for _ in range(min(answers, RECORDS_MAX)):
        at = _labels(answer, at)[1]
        if at + 10 > len(answer):
            raise BadQuery("the answer breaks off")
        kind, _, _, size = struct.unpack_from("!HHIH", answer, at)
        at += 10
        if kind in (A, AAAA):
            found.append(Record(name, kind, answer[at : at + size]))
        at += size
    return tuple(found)


def _reverse(question: Question, world: World) -> Found | Elsewhere:
    """By an address written backwards."""
    try:
        labels = question.name.removesuffix(REVERSE).split(".")
        address = str(IPv4Address(".".join(reversed(labels))))
    except ValueError:
        return Elsewhere(question.name)
    name = world.name_of(address)
    if not name:
        return Elsewhere(question.name)
    return Found((Record(question.name, PTR, _name(f"{name}.{world.domain}")),))


def _of_service(
    question: Question, world: World, named: Named, front: Sequence[str]
) -> Found | Elsewhere:
    name = question.name
    if named.alias and not front:
        return _alias(question, world, named.alias)
    match front:
        case []:
            if question.kind == SRV:
                return _services(name, named, named.ports)
            return Found(_addresses(name, named.addresses, question.kind))
        case [port, protocol] if port.startswith("_") and protocol.startswith("_"):
            wanted = (port[1:], protocol[1:])
            ports = [p for p in named.ports if (p[0].lower(), p[1].lower()) == wanted]
            service = name.split(".", 2)[2]
            return _services(service, named, ports, asked=name, all_=question.kind == SRV)
        case [host] if host in named.hosts:
            return Found(_addresses(name, [named.hosts[host]], question.kind))
    return Found(code=NAME_ERROR)


def _alias(question: Question, world: World, alias: str) -> Found | Elsewhere:
    target = alias.rstrip(".").lower()
    record = Record(question.name, CNAME, _name(target))
    if question.kind == CNAME:
        return Found((record,))
    known = target in world.fixed or target.endswith(f".{world.domain}")
    if not known:
        return Elsewhere(target, record)
    if target in world.fixed:
        return Found((record, *_addresses(target, [world.fixed[target]], question.kind)))
    namespace_of = target.removesuffix(f".{world.domain}").split(".")
    named = world.service(namespace_of[1], namespace_of[0]) if len(namespace_of) == 3 else None
    further = () if named is None else _addresses(target, named.addresses, question.kind)
    return Found((record, *further))


def _services(
    service: str,
    named: Named,
    ports: Sequence[tuple[str, str, int]],
    *,
    asked: str = "",
    all_: bool = True,
) -> Found:
    if not ports:
        return Found(code=NAME_ERROR)
    if not all_:
        return Found()
    data = [struct.pack("!HHH", 0, 100, number) + _name(service) for _, _, number in ports]
    records = tuple(Record(asked or service, SRV, one) for one in data)
    return Found(records, extra=_addresses(service, named.addresses, A))


def _addresses(name: str, addresses: Sequence[str], kind: int) -> tuple[Record, ...]:
    """Of the version that was asked for."""
    known = [ip_address(one) for one in addresses]
    wanted = {A: (4,), AAAA: (6,), ANY: (4, 6)}.get(kind, ())
    return tuple(
        Record(name, A if one.version == 4 else AAAA, one.packed)
        for one in known
        if one.version in wanted
    )


def _dashed(text: str) -> str | None:
    try:
        return str(IPv4Address(text.replace("-", ".")))
    except ValueError:
        return None


def _authority(world: World) -> Record:
    """Says how long a "no" may be believed."""
    names = _name(f"ns.dns.{world.domain}") + _name(f"hostmaster.{world.domain}")
    return Record(world.domain, SOA, names + struct.pack("!IIIII", 1, 7200, 1800, 86400, TTL_S))


def _record(one: Record) -> bytes:
    return _name(one.name) + struct.pack("!HHIH", one.kind, IN, TTL_S, len(one.data)) + one.data


def _name(text: str) -> bytes:
    """Labels that are too long are cut: such a name exists nowhere."""
    labels = [label.encode("utf-8", "replace")[:LABEL_MAX] for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _labels(data: bytes, at: int) -> tuple[list[str], int]:
    """A name and where it ends. Raises BadQuery."""
    labels: list[str] = []
    end, jumps, size = -1, 0, 0
    while True:
        if at >= len(data):
            raise BadQuery("a name breaks off")
        length = data[at]
        if length & 0xC0 == 0xC0:
            if at + 1 >= len(data) or jumps == POINTERS_MAX:
                raise BadQuery("a name does not end")
            end = at + 2 if end < 0 else end
            at, jumps = (length & 0x3F) << 8 | data[at + 1], jumps + 1
            continue
        if length > LABEL_MAX:
            raise BadQuery("a label that cannot be")
        at += 1
        if length == 0:
            return labels, at if end < 0 else end
        size += length + 1
        if at + length > len(data) or size > NAME_MAX:
            raise BadQuery("a name breaks off")
        labels.append(data[at : at + length].decode("latin-1"))
        at += length


def _size_max(query: bytes, at: int, extra: int) -> int:
    """What EDNS says of the client's buffer; anything that is not understood counts as nothing."""
    if extra != 1 or at + 11 > len(query) or query[at] != 0:
        return UDP_MAX
    kind, size = struct.unpack_from("!HH", query, at + 1)
    return min(max(size, UDP_MAX), UDP_MORE_MAX) if kind == OPT else UDP_MAX

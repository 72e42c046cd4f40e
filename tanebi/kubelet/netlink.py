"""Messages to the kernel's network: interfaces, addresses, routes (rtnetlink), and packet rules (nfnetlink, nf_tables).

Pure: bytes for requests and what answers say. Numbers are those of linux/rtnetlink.h, linux/if_link.h and
linux/netfilter/nf_tables.h, named here as there. Only what a pod's network needs. Shell: tanebi.kubelet.podnet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

NETLINK_ROUTE: Final = 0
NETLINK_NETFILTER: Final = 12

REQUEST, ACK, EXCL, CREATE, APPEND = 0x1, 0x4, 0x200, 0x400, 0x800
ERROR: Final = 2
NESTED: Final = 0x8000
HEAD: Final = struct.Struct("=IHHII")

RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 20, 24
IFF_UP: Final = 1
IFLA_IFNAME, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
AF_INET: Final = 2
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RTN_UNICAST = 254, 4, 0, 253, 1

SUBSYS_NFTABLES: Final = 10
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE = 0, 3, 6
NFT_TABLE_F_OWNER: Final = 2
PREROUTING, POSTROUTING = 0, 4
PRIORITY_RAW, PRIORITY_DSTNAT, PRIORITY_SRCNAT = -300, -100, 100
NF_DROP, NF_ACCEPT = 0, 1
TCP, UDP = 6, 17
META_IIF, META_L4PROTO = 4, 16
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
SOURCE_AT, DESTINATION_AT, PORT_AT = (
    12,
    16,
    2,
)  # bytes into the IPv4 header, and the TCP or UDP header


@dataclass(frozen=True, slots=True)
class Message:
    """One request without its number in the conversation."""

    kind: int
    flags: int
    body: bytes

    def encoded(self, seq: int) -> bytes:
        return HEAD.pack(HEAD.size + len(self.body), self.kind, self.flags, seq, 0) + self.body


def answers(data: bytes) -> Iterator[tuple[int, int]]:
    """What an answer says of each request: its number and its errno, 0 for done."""
    while len(data) >= HEAD.size:
        length, kind, _, seq, _ = HEAD.unpack_from(data)
        if kind == ERROR:
            yield seq, -struct.unpack_from("=i", data, HEAD.size)[0]
        data = data[max((length + 3) & ~3, HEAD.size) :]


# --- interfaces, addresses, routes -----------------------------------------------------------------


def new_veth(name: str, peer: str, peer_ns: int) -> Message:
    """A pair of interfaces; the other end is made in the network namespace of the open file `peer_ns`."""
    other = _link() + _attr(IFLA_IFNAME, _text(peer)) + _attr(IFLA_NET_NS_FD, _u32(peer_ns))
    data = _nested(IFLA_INFO_DATA, _nested(VETH_INFO_PEER, other))
    info = _nested(IFLA_LINKINFO, _attr(IFLA_INFO_KIND, _text("veth")) + data)
    body = _link() + _attr(IFLA_IFNAME, _text(name)) + info
    return Message(RTM_NEWLINK, REQUEST | ACK | CREATE | EXCL, body)


def link_up(index: int) -> Message:
    return Message(RTM_NEWLINK, REQUEST | ACK, _link(index, IFF_UP, IFF_UP))


def new_address(index: int, own: IPv4Address, other: IPv4Address) -> Message:
    """`own` on one end of a line of two; the kernel adds the way to `other`."""
    body = struct.pack("=BBBBI", AF_INET, 32, 0, 0, index)
    body += _attr(IFA_LOCAL, own.packed) + _attr(IFA_ADDRESS, other.packed)
    return Message(RTM_NEWADDR, REQUEST | ACK | CREATE | EXCL, body)


def new_default_route(index: int, gateway: IPv4Address) -> Message:
    body = struct.pack(
        "=BBBBBBBBI",
        *(AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST, 0),
    )
    body += _attr(RTA_GATEWAY, gateway.packed) + _attr(RTA_OIF, _u32(index))
    return Message(RTM_NEWROUTE, REQUEST | ACK | CREATE | EXCL, body)


# --- packet rules ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What is sent to `port` of the gateway's address goes to `to`."""

    protocol: int
    port: int
    to: tuple[IPv4Address, int]


def machine_rules(
    table: str, pods: IPv4Network, gateway: IPv4Address, forwarded: Sequence[Forwarded]
) -> list[Message]:
    """The machine's side, in a table that ends with the socket that made it.

    Pods reach the outside by the machine's own address, and the platform's ports by the gateway's address. Loopback addresses
    can be reached only so: what comes from elsewhere and names one is dropped.
    """
    loopback = IPv4Network("127.0.0.0/8")
    foreign = _load_meta(META_IIF) + _compare(struct.pack("=I", 1), equal=False)
    to_loopback = foreign + _in(DESTINATION_AT, loopback)
    leaving = _in(SOURCE_AT, pods) + _in(DESTINATION_AT, pods, inside=False)
    nat = [
        _rule(
            table,
            "in",
            _in(DESTINATION_AT, IPv4Network(gateway))
            + _port(one.protocol, one.port)
            + _destination(*one.to),
        )
        for one in forwarded
    ]
    return _batch(
        _table(table, NFT_TABLE_F_OWNER),
        _chain(table, "guard", "filter", PREROUTING, PRIORITY_RAW),
        _chain(table, "in", "nat", PREROUTING, PRIORITY_DSTNAT),
        _chain(table, "out", "nat", POSTROUTING, PRIORITY_SRCNAT),
        _rule(table, "guard", to_loopback + _verdict(NF_DROP)),
        *nat,
        _rule(table, "out", leaving + _expression("masq", b"")),
    )


def enclosed_rules(
    table: str,
    inside: Sequence[IPv4Network],
    gateway: IPv4Address,
    *,
    relay: int,
    ports: Sequence[int],
) -> list[Message]:
    """Of a network without a way out: what pods say by TCP to anything but `inside`, or to these ports of the gateway, reaches
    the relay at the port `relay` of the gateway, which finds in the connection where it was to go.
    """
    to_relay = _destination(gateway, relay)
    asked = [
        _rule(table, "in", _in(DESTINATION_AT, IPv4Network(gateway)) + _port(TCP, port) + to_relay)
        for port in ports
    ]
    outside = b"".join(_in(DESTINATION_AT, net, inside=False) for net in inside)
    outward = _protocol(TCP) + outside
    return _batch(
        _table(table, NFT_TABLE_F_OWNER),
        _chain(table, "in", "nat", PREROUTING, PRIORITY_DSTNAT),
        *asked,
        _rule(table, "in", outward + to_relay),
    )


def pod_rules(table: str) -> list[Message]:
    """A pod's side: a program that listens on 127.0.0.1 only is reached by the pod's address too, as behind a queue-proxy.

    Where somebody listens on the pod's address nothing is changed.
    """
    # `socket wildcard`: goes on only where there is a socket
    listening = _protocol(TCP) + _expression("socket", _numbers((1, 2), (2, 1)))
    return _batch(
        _table(table, 0),
        _chain(table, "in", "nat", PREROUTING, PRIORITY_DSTNAT),
        _rule(table, "in", listening + _verdict(NF_ACCEPT)),
        _rule(table, "in", _protocol(TCP) + _destination(IPv4Address("127.0.0.1"), 0)),
    )


def _batch(*messages: Message) -> list[Message]:
    """All or nothing."""
    body = struct.pack("!BBH", 0, 0, SUBSYS_NFTABLES)
    return [Message(BATCH_BEGIN, REQUEST, body), *messages, Message(BATCH_END, REQUEST, body)]


def _table(name: str, flags: int) -> Message:
    return _nft(NFT_MSG_NEWTABLE, EXCL, _attr(1, _text(name)) + _attr(2, struct.pack("!I", flags)))


def _chain(table: str, name: str, kind: str, hook: int, priority: int) -> Message:
    at = _attr(1, struct.pack("!I", hook)) + _attr(2, struct.pack("!i", priority))
    body = _attr(1, _text(table)) + _attr(3, _text(name)) + _nested(4, at) + _attr(7, _text(kind))
    return _nft(NFT_MSG_NEWCHAIN, EXCL, body)


def _rule(table: str, chain: str, expressions: bytes) -> Message:
    body = _attr(1, _text(table)) + _attr(2, _text(chain)) + _nested(4, expressions)
    return _nft(NFT_MSG_NEWRULE, APPEND, body)


def _nft(kind: int, flags: int, body: bytes) -> Message:
    head = struct.pack("!BBH", AF_INET, 0, 0)
    return Message(SUBSYS_NFTABLES << 8 | kind, REQUEST | ACK | CREATE | flags, head + body)


def _expression(name: str, data: bytes) -> bytes:
    return _nested(1, _attr(1, _text(name)) + _nested(2, data))


def _load_meta(key: int) -> bytes:
    return _expression("meta", _numbers((1, 1), (2, key)))


def _load(header: int, offset: int, length: int) -> bytes:
    return _expression("payload", _numbers((1, 1), (2, header), (3, offset), (4, length)))


def _compare(value: bytes, *, equal: bool = True) -> bytes:
    head = _numbers((1, 1), (2, 0 if equal else 1))
    return _expression("cmp", head + _value(3, value))


def _in(offset: int, net: IPv4Network, *, inside: bool = True) -> bytes:
    """Goes on when the address at `offset` is in `net`, or is not."""
    head = _numbers((1, 1), (2, 1), (3, 4))
    mask = _expression("bitwise", head + _value(4, net.netmask.packed) + _value(5, bytes(4)))
    found = _compare(net.network_address.packed, equal=inside)
    return _load(NETWORK_HEADER, offset, 4) + mask + found


def _protocol(number: int) -> bytes:
    return _load_meta(META_L4PROTO) + _compare(bytes([number]))


def _port(protocol: int, port: int) -> bytes:
    wanted = _compare(struct.pack("!H", port))
    return _protocol(protocol) + _load(TRANSPORT_HEADER, PORT_AT, 2) + wanted


def _destination(address: IPv4Address, port: int) -> bytes:
    """Send it there; port 0 stays what it was."""
    found = _immediate(1, address.packed)
    numbers = [(1, 1), (2, AF_INET), (3, 1)]
    if port:
        found += _immediate(2, struct.pack("!H", port))
        numbers.append((5, 2))
    return found + _expression("nat", _numbers(*numbers))


def _immediate(register: int, value: bytes) -> bytes:
    return _expression("immediate", _attr(1, struct.pack("!I", register)) + _value(2, value))


def _verdict(code: int) -> bytes:
    inner = _nested(2, _attr(1, struct.pack("!i", code)))
    return _expression("immediate", _attr(1, struct.pack("!I", 0)) + _nested(2, inner))


def _value(kind: int, data: bytes) -> bytes:
    return _nested(kind, _attr(1, data))


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BBHiII", 0, 0, 0, index, flags, change)


def _attr(kind: int, data: bytes) -> bytes:
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + bytes(-size % 4)


def _numbers(*pairs: tuple[int, int]) -> bytes:
    return b"".join(_attr(kind, struct.pack("!I", value)) for kind, value in pairs)


def _nested(kind: int, data: bytes) -> bytes:
    return _attr(kind | NESTED, data)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _u32(value: int) -> bytes:
    return struct.pack("=I", value)


# --- Services --------------------------------------------------------------------------------------

NFT_MSG_DELRULE: Final = 8
LOCAL_OUT, FORWARD = 3, 2
PRIORITY_FILTER: Final = 0
NFT_JUMP: Final = -3
CHAINS: Final = ("services", "ports", "others")  # by where they are reached: below service_table
META_MARK: Final = 3
FIB_ADDRESS_TYPE, FIB_DESTINATION, ROUTE_LOCAL = 3, 2, 2
MARK: Final = (
    0x4000  # on the first packet of a connection to a Service: what answers must come back by us
)


@dataclass(frozen=True, slots=True)
class Balanced:
    """What is sent to `port` of `address` (None: of this machine) goes to one of `targets`; to the same one from the same
    client where it is `sticky`. Without targets it is refused, as is any other port of a Service's address."""

    protocol: int
    address: IPv4Address | None
    port: int
    targets: tuple[tuple[IPv4Address, int], ...]
    sticky: bool = False


def service_table(table: str, services: IPv4Network) -> list[Message]:
    """A table for Services, which ends with the socket that made it; `service_rules` fills it.

    `services` are the addresses that Services have. Packets from pods and from this machine are looked at.
    """
    to_service = _in(DESTINATION_AT, services)
    here = _fib_type() + _compare(struct.pack("=I", ROUTE_LOCAL))
    asks = (("services", to_service), ("ports", here), ("others", b""))
    marked = _masked_mark() + _compare(struct.pack("=I", 0), equal=False)
    return _batch(
        _table(table, NFT_TABLE_F_OWNER),
        *(_plain_chain(table, name) for name in (*CHAINS, "refused")),
        _chain(table, "in", "nat", PREROUTING, PRIORITY_DSTNAT),
        _chain(table, "own", "nat", LOCAL_OUT, PRIORITY_DSTNAT),
        _chain(table, "out", "nat", POSTROUTING, PRIORITY_SRCNAT),
        _chain(table, "through", "filter", FORWARD, PRIORITY_FILTER),
        _chain(table, "leaving", "filter", LOCAL_OUT, PRIORITY_FILTER),
        *(
            _rule(table, base, match + _jump(chain))
            for base in ("in", "own")
            for chain, match in asks
        ),
        _rule(table, "out", marked + _expression("masq", b"")),
        *(_rule(table, base, to_service + _jump("refused")) for base in ("through", "leaving")),
    )


def service_rules(table: str, services: IPv4Network, found: Sequence[Balanced]) -> list[Message]:
    """All rules anew, in one step. Only the last one is answered, for there may be thousands."""
    rules = [rule for one in found for rule in _balanced(table, services, one)]
    for address in dict.fromkeys(one.address for one in found if one.address is not None):
        match = _in(DESTINATION_AT, IPv4Network(address))
        rules.append(_rule(table, "refused", match + _protocol(TCP) + _reject(TCP)))
        rules.append(_rule(table, "refused", match + _reject(UDP)))
    batch = _batch(*(_flush(table, chain) for chain in (*CHAINS, "refused")), *rules)
    last = batch[-2]
    quiet = [Message(m.kind, m.flags & ~ACK, m.body) for m in batch[:-2]]
    return [*quiet, last, batch[-1]]


def _balanced(table: str, services: IPv4Network, one: Balanced) -> Iterator[Message]:
    match = b"" if one.address is None else _in(DESTINATION_AT, IPv4Network(one.address))
    match += _port(one.protocol, one.port)
    chain = "ports" if one.address is None else "others"
    if one.address is not None and one.address in services:
        chain = "services"
    count = len(one.targets)
    for i, target in enumerate(one.targets):
        chosen = b""
        if i < count - 1 and one.sticky:
            chosen = _hash_of_source(count) + _compare(struct.pack("=I", i))
        elif i < count - 1:
            chosen = _lot(count - i) + _compare(struct.pack("=I", 0))
        yield _rule(table, chain, match + chosen + _set_mark() + _destination(*target))


def _flush(table: str, chain: str) -> Message:
    head = struct.pack("!BBH", AF_INET, 0, 0)
    body = head + _attr(1, _text(table)) + _attr(2, _text(chain))
    return Message(SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE, REQUEST | ACK, body)


def _plain_chain(table: str, name: str) -> Message:
    body = _attr(1, _text(table)) + _attr(3, _text(name))
    return _nft(NFT_MSG_NEWCHAIN, EXCL, body)


def _jump(chain: str) -> bytes:
    verdict = _attr(1, struct.pack("!i", NFT_JUMP)) + _attr(2, _text(chain))
    inner = _nested(2, verdict)
    return _expression("immediate", _attr(1, struct.pack("!I", 0)) + _nested(2, inner))


def _fib_type() -> bytes:
    """What the destination is to this machine's routes."""
    return _expression("fib", _numbers((1, 1), (2, FIB_ADDRESS_TYPE), (3, FIB_DESTINATION)))


def _lot(count: int) -> bytes:
    return _expression("numgen", _numbers((1, 1), (2, count), (3, 1)))


def _hash_of_source(count: int) -> bytes:
    load = _load(NETWORK_HEADER, SOURCE_AT, 4)
    return load + _expression("hash", _numbers((1, 1), (2, 1), (3, 4), (4, count), (7, 0)))


def _bits(mask: int, xor: int) -> bytes:
    """`mask` and `xor` on the first register."""
    values = _value(4, struct.pack("=I", mask)) + _value(5, struct.pack("=I", xor))
    return _expression("bitwise", _numbers((1, 1), (2, 1), (3, 4)) + values)


def _masked_mark() -> bytes:
    return _load_meta(META_MARK) + _bits(MARK, 0)


def _set_mark() -> bytes:
    set_ = _expression("meta", _numbers((2, META_MARK), (3, 1)))
    return _load_meta(META_MARK) + _bits(0xFFFFFFFF & ~MARK, MARK) + set_


def _reject(protocol: int) -> bytes:
    """With a reset, or as a port where nobody is."""
    if protocol == TCP:
        return _expression("reject", _attr(1, struct.pack("!I", 1)))
    return _expression("reject", _attr(1, struct.pack("!I", 0)) + _attr(2, b"\x03"))

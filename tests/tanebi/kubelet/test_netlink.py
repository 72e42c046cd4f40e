from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network

import pytest

from tanebi.kubelet import netlink
from tanebi.kubelet.netlink import TCP, UDP, Forwarded, Message

GATEWAY = IPv4Address("10.201.0.1")
POD = IPv4Address("10.201.0.2")


def attributes(data: bytes) -> dict[int, bytes]:
    """A second reader of what was written: kind (without the nested mark) to content."""
    found = {}
    while data:
        size, kind = struct.unpack_from("=HH", data)
        found[kind & 0x7FFF] = data[4:size]
        data = data[size + -size % 4 :]
    return found


def test_a_veth_pair_names_both_ends_and_where_the_other_goes() -> None:
    message = netlink.new_veth("tnb1x2", "eth0", 7)
    body = attributes(message.body[16:])
    assert body[netlink.IFLA_IFNAME] == b"tnb1x2\0"
    info = attributes(body[netlink.IFLA_LINKINFO])
    assert info[netlink.IFLA_INFO_KIND] == b"veth\0"
    peer = attributes(info[netlink.IFLA_INFO_DATA])[netlink.VETH_INFO_PEER]
    other = attributes(peer[16:])
    assert other[netlink.IFLA_IFNAME] == b"eth0\0"
    assert struct.unpack("=I", other[netlink.IFLA_NET_NS_FD]) == (7,)


def test_an_address_on_a_line_of_two() -> None:
    message = netlink.new_address(3, GATEWAY, POD)
    assert message.body[:8] == struct.pack("=BBBBI", 2, 32, 0, 0, 3)
    found = attributes(message.body[8:])
    assert found[netlink.IFA_LOCAL] == GATEWAY.packed
    assert found[netlink.IFA_ADDRESS] == POD.packed


def test_a_default_route() -> None:
    found = attributes(netlink.new_default_route(3, GATEWAY).body[12:])
    assert found[netlink.RTA_GATEWAY] == GATEWAY.packed
    assert netlink.RTA_DST not in found


def test_a_message_says_its_length_and_number() -> None:
    whole = Message(16, 5, b"12345678").encoded(9)
    assert netlink.HEAD.unpack_from(whole) == (len(whole), 16, 5, 9, 0)


@pytest.mark.parametrize(
    ("errnos", "told"), [((0,), [(1, 0)]), ((0, -17), [(1, 0), (2, 17)]), ((), [])]
)
def test_answers(errnos: tuple[int, ...], told: list[tuple[int, int]]) -> None:
    data = b"".join(
        netlink.HEAD.pack(36, netlink.ERROR, 0, seq, 0) + struct.pack("=i", errno) + bytes(16)
        for seq, errno in enumerate(errnos, 1)
    )
    assert list(netlink.answers(data)) == told


@pytest.mark.parametrize("data", [b"", b"short", bytes(16), bytes(40)])
def test_answers_of_nonsense_end(data: bytes) -> None:
    assert list(netlink.answers(data)) == []


def test_rules_are_one_batch_in_a_table_that_has_an_owner() -> None:
    forwarded = [Forwarded(TCP, 80, (IPv4Address("127.0.0.1"), 8080)), Forwarded(UDP, 53, (POD, 5))]
    messages = netlink.machine_rules("t", IPv4Network("10.201.0.0/22"), GATEWAY, forwarded)
    kinds = [message.kind & 0xFF for message in messages]
    assert kinds == [netlink.BATCH_BEGIN, 0, 3, 3, 3, 6, 6, 6, 6, netlink.BATCH_END]
    table = attributes(messages[1].body[4:])
    assert table == {1: b"t\0", 2: struct.pack("!I", netlink.NFT_TABLE_F_OWNER)}
    assert any(struct.pack("!H", 8080) in message.body for message in messages)


def test_a_pods_rules_have_no_owner() -> None:
    messages = netlink.pod_rules("t")
    assert attributes(messages[1].body[4:])[2] == bytes(4)
    assert b"socket\0" in messages[3].body
    assert IPv4Address("127.0.0.1").packed in messages[4].body


def test_rules_of_services_replace_each_other_and_only_the_last_is_answered() -> None:
    targets = ((IPv4Address("10.0.0.1"), 80), (IPv4Address("10.0.0.2"), 80))
    found = [
        netlink.Balanced(netlink.TCP, IPv4Address("10.96.0.1"), 80, targets),
        netlink.Balanced(netlink.TCP, IPv4Address("10.96.0.2"), 80, targets, sticky=True),
        netlink.Balanced(netlink.UDP, IPv4Address("10.96.0.3"), 53, ()),
        netlink.Balanced(netlink.UDP, None, 53, ()),
    ]
    _, *inside, _ = netlink.service_rules("t", IPv4Network("10.96.0.0/12"), found)
    rules = [m for m in inside if m.kind & 0xFF == netlink.NFT_MSG_NEWRULE]
    assert (len(inside) - len(rules), len(rules)) == (4, 4 + 3 * 2)
    assert [bool(m.flags & netlink.ACK) for m in inside] == [*(len(inside) - 1) * [False], True]
    assert b"numgen" in rules[0].body
    assert b"numgen" not in rules[1].body
    assert b"hash" in rules[2].body
    assert all(b"reject" in rule.body for rule in rules[4:])

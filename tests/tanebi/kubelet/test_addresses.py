from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.base.errors import Unavailable
from tanebi.kubelet.addresses import BASES, Addresses, blocks, routes_of, without_ours

BLOCK = IPv4Network("10.201.4.0/22")
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tnb1x2\t0204C90A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""


def test_routes_as_the_kernel_shows_them() -> None:
    found = routes_of(ROUTES + "nonsense\n")
    assert [str(route) for route in found] == ["0.0.0.0/0", "192.0.2.0/24", "10.201.4.2/32"]
    assert [str(route) for route in without_ours(found)] == ["0.0.0.0/0", "192.0.2.0/24"]


def test_blocks_begin_at_the_platforms_own_and_go_round() -> None:
    found = list(blocks([], first=3))
    assert found[0] == IPv4Network("10.201.12.0/22")
    assert len(found) == len(set(found)) == sum(2 ** (22 - base.prefixlen) for base in BASES)


def test_a_base_that_the_machine_routes_elsewhere_is_left_alone() -> None:
    routes = [IPv4Network("0.0.0.0/0"), IPv4Network("10.0.0.0/8")]
    assert not any(block.overlaps(routes[1]) for block in blocks(routes, first=0))
    everything = [IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1")]
    assert next(blocks(everything, first=0)).subnet_of(BASES[0]), "better than nothing"


def test_the_gateway_is_nobodys() -> None:
    addresses = Addresses(BLOCK)
    assert addresses.gateway == IPv4Address("10.201.4.1")
    assert addresses.take() == IPv4Address("10.201.4.2")


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 2000))
def test_no_address_twice_and_a_freed_one_rests(steps: list[bool], start: int) -> None:
    addresses, held, freed = Addresses(BLOCK, start), [], []
    for take in steps:
        if take or not held:
            found = addresses.take()
            assert found not in held
            assert found not in freed, "none comes back within so few"
            assert found in BLOCK
            assert found not in (BLOCK[0], BLOCK[1], BLOCK[-1])
            held.append(found)
        else:
            freed.append(held.pop(0))
            addresses.release(freed[-1])


def test_all_in_use() -> None:
    addresses = Addresses(IPv4Network("10.0.0.0/29"))
    taken = [addresses.take() for _ in range(5)]
    with pytest.raises(Unavailable, match="no free address"):
        addresses.take()
    addresses.release(taken[2])
    assert addresses.take() == taken[2]

"""Which addresses pods get: a block for each platform of a machine, and in it one address after the other.

A block of 1024 addresses is taken by a lock that the shell gives; the first one is the gateway's, by which pods reach the
platform. Addresses are handed out in turn, so that one that was just freed rests as long as possible: whoever still knows it must
not meet another pod there. Pure. Caller: tanebi.kubelet.podnet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from tanebi.base.errors import Unavailable

BASES: Final = (
    IPv4Network("10.201.0.0/16"),
    IPv4Network("172.29.0.0/16"),
    IPv4Network("192.168.192.0/18"),
)
BLOCK_BITS: Final = 22


def blocks(routes: Iterable[IPv4Network], *, first: int) -> Iterator[IPv4Network]:
    """Blocks in the order to try them: of the first base that no route of the machine overlaps, from the `first`-th on."""
    known = [route for route in routes if route.prefixlen]
    free = [base for base in BASES if not any(base.overlaps(route) for route in known)]
    for base in free or BASES[:1]:
        found = list(base.subnets(new_prefix=BLOCK_BITS))
        start = first % len(found)
        yield from (*found[start:], *found[:start])


def without_ours(routes: Sequence[IPv4Network]) -> list[IPv4Network]:
    """The machine's routes but for those to single pods, of this platform or of others."""
    return [route for route in routes if route.prefixlen < 32]


def routes_of(table: str) -> list[IPv4Network]:
    """The networks in /proc/net/route. Lines that are not understood are passed over."""
    return [network for network, _ in _routes(table)]


def interface_to(address: IPv4Address, table: str) -> str:
    """Where packets to `address` leave this machine, by /proc/net/route; empty: nowhere but by the default."""
    fitting = [(net.prefixlen, name) for net, name in _routes(table) if address in net]
    length, name = max(fitting, default=(0, ""))
    return name if length else ""


def _routes(table: str) -> Iterator[tuple[IPv4Network, str]]:
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) > 7:
            raw = IPv4Address(int(words[1], 16).to_bytes(4, "little"))
            mask = IPv4Address(int(words[7], 16).to_bytes(4, "little"))
            yield IPv4Network(f"{raw}/{mask}", strict=False), words[0]


@dataclass(slots=True)
class Addresses:
    """The addresses of one block. `next` is where the turn is; a shell keeps it over restarts."""

    block: IPv4Network
    next: int = 0
    _taken: set[int] = field(default_factory=set)

    @property
    def gateway(self) -> IPv4Address:
        return self.block[1]

    def take(self) -> IPv4Address:
        """Raises Unavailable when every address is in use."""
        count = self.block.num_addresses - 3  # without the block's own two, and the gateway
        for step in range(count):
            at = (self.next + step) % count
            if at not in self._taken:
                self._taken.add(at)
                self.next = (at + 1) % count
                return self.block[at + 2]
        raise Unavailable(
            "no-free-address",
            f"no free address in {self.block} for another pod",
            hint="delete pods",
        )

    def release(self, address: IPv4Address) -> None:
        self._taken.discard(int(address) - int(self.block[2]))

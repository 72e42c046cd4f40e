"""Where exchanges get their PodStreams: each address by the version that is spoken there.

Implements tanebi.http.sides.PodStreams. An address speaks HTTP/1.1 unless it was marked. Caller: activator.gateway.
"""

from __future__ import annotations

from tanebi.base.clock import Clock
from tanebi.http.h2.upstream import H2Upstreams
from tanebi.http.pool import Address
from tanebi.http.sides import PodStream
from tanebi.http.upstream import Upstreams


class PodWays:
    """Both versions' connections."""

    def __init__(self, clock: Clock, upstreams: Upstreams) -> None:
        self._plain = upstreams
        self._h2 = H2Upstreams(clock)
        self._h2c: dict[Address, int] = {}  # how many say so

    def speaks_h2(self, address: Address, says: bool) -> None:
        """Somebody says that HTTP/2 by prior knowledge is spoken at `address`, or takes it back."""
        count = self._h2c.get(address, 0) + (1 if says else -1)
        if count > 0:
            self._h2c[address] = count
        else:
            self._h2c.pop(address, None)

    def is_h2(self, address: Address) -> bool:
        return address in self._h2c

    def take(self, address: Address) -> PodStream | None:
        if address in self._h2c:
            return self._h2.take(address)
        return self._plain.take(address)

    async def dial(self, address: Address) -> PodStream:
        if address in self._h2c:
            return await self._h2.dial(address)
        return await self._plain.dial(address)

    def forget(self, address: Address) -> None:
        """Nothing listens at `address` any more, or it is not trusted."""
        self._h2.forget(address)
        self._plain.forget(address)

    def expire(self, now: float) -> None:
        """Close what has been idle too long."""
        self._h2.sweep(now)
        self._plain.expire(now)

    def close(self) -> None:
        self._h2.close()
        self._plain.close()

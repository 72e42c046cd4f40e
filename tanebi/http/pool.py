"""Which idle connection serves next, and which are closed.

Pure: connections are opaque, time is told by `expire`, and what must be closed is returned. The newest idle connection is used
first, so that the pool shrinks to what the load needs. Caller: tanebi.http.upstream.Upstreams.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

C = TypeVar("C", bound=Hashable)
Address = tuple[str, int]

# Knative's activator keeps 1000 idle connections, 100 to one host (reference/knative-serving.md §3.4). Here one address also gets
# the deliveries of several triggers, 256 of each at a time; dialling anew for what exceeds the pool costs a third of a delivery.
IDLE_MAX: Final = 4000
IDLE_PER_ADDRESS_MAX: Final = 1000
IDLE_TIMEOUT_S: Final = 90.0


@dataclass(slots=True)
class Pool(Generic[C]):
    """Idle connections by address."""

    idle_max: int = IDLE_MAX
    idle_per_address_max: int = IDLE_PER_ADDRESS_MAX
    idle_timeout_s: float = IDLE_TIMEOUT_S
    now: float = 0.0  # of the last `expire`: idle times are measured in its steps
    _idle: dict[Address, list[tuple[C, float]]] = field(default_factory=dict)
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def take(self, address: Address) -> C | None:
        """The most recently used idle connection to `address`, now the caller's."""
        stack = self._idle.get(address)
        if not stack:
            return None
        self._count -= 1
        return stack.pop()[0]

    def put(self, address: Address, connection: C) -> C | None:
        """`connection` is idle. Returns the one to close when there are too many: the oldest of its address, or itself."""
        stack = self._idle.get(address)
        if stack is None:
            stack = self._idle[address] = []
        if len(stack) >= self.idle_per_address_max:
            surplus = stack.pop(0)[0]
            stack.append((connection, self.now))
            return surplus
        if self._count >= self.idle_max:
            return connection
        self._count += 1
        stack.append((connection, self.now))
        return None

    def drop(self, address: Address, connection: C) -> bool:
        """An idle connection died. False: it was not idle here."""
        stack = self._idle.get(address, [])
        for index, (candidate, _) in enumerate(stack):
            if candidate is connection:
                del stack[index]
                self._count -= 1
                return True
        return False

    def forget(self, address: Address) -> list[C]:
        """The pod at `address` is gone: close all of these."""
        stack = self._idle.pop(address, [])
        self._count -= len(stack)
        return [connection for connection, _ in stack]

    def expire(self, now: float) -> list[C]:
        """Idle for too long: close all of these. Call it often; it is cheap."""
        self.now = now
        old: list[C] = []
        for address, stack in list(self._idle.items()):
            fresh = [entry for entry in stack if now - entry[1] < self.idle_timeout_s]
            old += [c for c, since in stack if now - since >= self.idle_timeout_s]
            if fresh:
                self._idle[address] = fresh
            else:
                del self._idle[address]
        self._count -= len(old)
        return old

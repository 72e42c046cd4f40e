"""One revision's pods, how busy each is, and which of them takes the next request.

Pure: chance is passed in. Each method changes the state at once and returns the grants that follow, oldest waiter first.
Promises, each a property test: a pod never has more than containerConcurrency requests; nobody waits while there is room; the
queue is bounded and first in, first out; a request counts until it is released, also when its pod has left the list meanwhile.
Policies are Knative's (reference/knative-serving.md §3.4): containerConcurrency 0: the less busy of two random pods; 1 to 3:
the first with room; above: in turn. Callers: activator.backend, activator.proxy.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from activator.breaker import QUEUE_MAX, UNLIMITED, Breaker, Verdict
from tanebi.http.pool import Address

W = TypeVar("W", bound=Hashable)

FIRST_AVAILABLE_MAX: Final = 3
NO_GRANTS: Final = ()


class Chance(Protocol):
    """What of a random source is needed here."""

    def random(self) -> float:
        """At least 0, below 1."""


@dataclass(slots=True, eq=False)
class Target:
    """One pod's port. `usable`: takes new requests. `in_flight` counts on after it stopped being usable. `peer`: it is no pod,
    but another activator, which has pods and admits to them itself."""

    address: Address
    room: int
    in_flight: int = 0
    usable: bool = True
    peer: bool = False

    def __repr__(self) -> str:
        state = "usable" if self.usable else "closed"
        return f"Target({self.address[0]}:{self.address[1]} {self.in_flight} {state})"


class Throttler(Generic[W]):
    """Admission to one revision. `W` is whatever waits."""

    __slots__ = ("_breaker", "_chance", "_limit", "_targets", "_turn", "concurrency")

    def __init__(self, concurrency: int, chance: Chance, *, queue_max: int = QUEUE_MAX) -> None:
        self.concurrency = concurrency  # containerConcurrency; 0: no limit
        self._limit = concurrency or UNLIMITED
        self._chance = chance
        self._breaker: Breaker[W] = Breaker(queue_max)
        self._targets: list[Target] = []  # the usable ones, in order of arrival
        self._turn = 0

    @property
    def waiting(self) -> int:
        return len(self._breaker)

    @property
    def targets(self) -> Sequence[Target]:
        """The usable ones."""
        return self._targets

    @property
    def in_flight(self) -> int:
        """At usable targets."""
        return sum(target.in_flight for target in self._targets)

    @property
    def capacity(self) -> int:
        """Requests that can be at usable pods at once; 0: none, UNLIMITED and more: any number."""
        return sum(target.room for target in self._targets)

    def offer(self, who: W, *, first: bool = False) -> Target | Verdict:
        """The target when `who` is admitted now, else QUEUED or FULL. `first`: see Breaker.offer."""
        breaker = self._breaker
        if breaker.tokens > 0:  # the usual case, without a call
            breaker.tokens -= 1
            return self._pick()
        verdict = breaker.offer(who, first=first)
        return self._pick() if verdict is Verdict.ADMITTED else verdict

    def release(self, target: Target) -> Sequence[tuple[W, Target]]:
        """A request at `target` is over."""
        assert target.in_flight > 0, f"released without a grant: {target}"
        target.in_flight -= 1
        if not target.usable:
            return NO_GRANTS
        breaker = self._breaker
        if not breaker.waiting:
            breaker.tokens += 1
            return NO_GRANTS
        return self._grant(breaker.add(1))

    def cancel(self, who: W) -> bool:
        """`who` waits no longer. False: it did not wait."""
        return self._breaker.cancel(who)

    def add(self, address: Address, *, peer: bool = False) -> tuple[Target, list[tuple[W, Target]]]:
        """A pod became usable, or (`peer`) another activator that sends on any number of requests."""
        target = Target(address, UNLIMITED if peer else self._limit, peer=peer)
        self._targets.append(target)
        return target, self._grant(self._breaker.add(target.room))

    def close(self, target: Target) -> None:
        """Nothing new goes to `target`; what is there may end."""
        if not target.usable:
            return
        target.usable = False
        self._targets.remove(target)
        self._breaker.remove(target.room - target.in_flight)

    def reopen(self, target: Target) -> list[tuple[W, Target]]:
        """`target` takes requests again."""
        if target.usable:
            return []
        target.usable = True
        self._targets.append(target)
        return self._grant(self._breaker.add(target.room - target.in_flight))

    def _grant(self, admitted: Iterable[W]) -> list[tuple[W, Target]]:
        return [(who, self._pick()) for who in admitted]

    def _pick(self) -> Target:
        """A usable target with room; the breaker's tokens say that there is one."""
        targets = self._targets
        if len(targets) == 1:
            target = targets[0]
        elif self.concurrency == 0:
            target = self._less_busy_of_two()
        elif targets[0].peer:
            target = min((t for t in targets if t.peer), key=lambda t: t.in_flight)
        elif self.concurrency <= FIRST_AVAILABLE_MAX:
            target = next(t for t in targets if t.in_flight < t.room)
        else:
            target = self._in_turn()
        target.in_flight += 1
        assert target.in_flight <= target.room, f"over its concurrency: {target}"
        return target

    def _less_busy_of_two(self) -> Target:
        count = len(self._targets)
        first = int(self._chance.random() * count)
        second = int(self._chance.random() * (count - 1))
        a, b = self._targets[first], self._targets[second + (second >= first)]
        return b if b.in_flight < a.in_flight else a

    def _in_turn(self) -> Target:
        count = len(self._targets)
        for step in range(count):
            target = self._targets[(self._turn + step) % count]
            if target.in_flight < target.room:
                self._turn = (self._turn + step + 1) % count
                return target
        raise AssertionError("a token without room")

"""One destination: a revision's pods (or a plain Service's), who may take a request, and who waits for one.

Joins the pure parts for one revision: which endpoints are usable (ready by the kubelet's word or by our own probe, not
terminating, not draining), the throttler, the meter and the counters. State changes are synchronous; grants that follow from
them are told to those who waited before the method returns. No sockets, no tasks. Callers: activator.feed (endpoints),
activator.prober (answers), activator.proxy and activator.capacity (requests), activator.drain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from activator.breaker import Verdict
from activator.facts import EndpointFacts, ProbeSpec, RevisionFacts
from activator.meter import Meter
from activator.throttler import Chance, Target, Throttler
from tanebi.api.meta import Key
from tanebi.http.pool import Address


class Share(NamedTuple):
    """What this activator has of a revision whose pods are divided: its own pods, those to give back once they are idle, and
    where the activators listen that have the others."""

    own: frozenset[Address] = frozenset()
    leaving: frozenset[Address] = frozenset()
    peers: tuple[Address, ...] = ()


class Waiter(Protocol):
    """Who asks for room: an exchange, or somebody in the process."""

    def __hash__(self) -> int: ...

    def on_granted(self, target: Target) -> None:
        """Room at last. Release it exactly once, by Backend.release."""


@dataclass(slots=True, eq=False)
class Pod:
    """One endpoint and what we know of it."""

    facts: EndpointFacts
    target: Target | None = None  # exists once it has been usable
    answered: bool = False  # our own probe succeeded
    was_ready: bool = (
        False  # the kubelet has called it ready once; its "not ready" is believed from then on
    )
    distrusted: bool = (
        False  # a connection failed although it was usable: it must answer a probe first
    )
    draining: bool = False
    stale: bool = False  # who asked to drain it is gone: the next word about it counts
    foreign: bool = False  # another activator's: it alone may send requests there

    def usable(self) -> bool:
        if self.facts.terminating or self.draining or self.distrusted or self.foreign:
            return False
        return self.facts.ready or (self.answered and not self.was_ready)

    def wants_probe(self, spec: ProbeSpec) -> bool:
        """Whether our probe could make it usable."""
        if self.facts.terminating or self.draining or self.foreign:
            return False
        if self.distrusted:
            return True
        return not self.facts.ready and not self.was_ready and spec.kind != "kubelet"


class Counts:
    """Answers by hundred (0: the client left before one), and cold starts."""

    __slots__ = ("by_class",)

    def __init__(self) -> None:
        self.by_class = [0] * 6


def _ignore(*_: object) -> None:
    """A hook that nobody has taken."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a backend tells its surroundings. Called synchronously; must not block."""

    poke: Callable[[Key], None]  # the first request of an episode
    probe: Callable[
        [Backend, Address], None
    ]  # ask this pod until it answers or is not wanted any more
    forget: Callable[[Address], None]  # nothing listens there any more
    listed: Callable[[Backend], None] = _ignore  # its endpoints are others now
    released: Callable[[Backend, Address], None] = _ignore  # what was to be given back is idle
    # HTTP/2 by prior knowledge is spoken there; or not any more, as far as this backend knows
    speaks_h2: Callable[[Address, bool], None] = _ignore


class Backend:
    """Admission to one revision. `metered`: its load is reported (plain Services scale by nobody)."""

    def __init__(
        self, key: Key, facts: RevisionFacts, *, chance: Chance, hooks: Hooks, metered: bool = True
    ) -> None:
        self.key = key
        self.facts = facts
        self.metered = metered
        self.counts = Counts()
        self.meter: Meter | None = None  # exists while there is load, and one period longer
        self.throttler: Throttler[Waiter] = Throttler(
            facts.concurrency, chance, queue_max=facts.queue_max
        )
        self.pods: dict[Address, Pod] = {}
        self.probe_s = 0.0  # how long the last answer to our probe took
        self._hooks = hooks
        self._leaving: dict[Address, Target] = {}  # not listed any more, but with requests
        self._idle_waiters: list[tuple[Target, Callable[[], None]]] = []
        self._share: Share | None = None  # None: every pod is ours
        self._peers: dict[Address, Target] = {}

    def __repr__(self) -> str:
        return f"Backend({self.key} {len(self.throttler.targets)}/{len(self.pods)} pods)"

    # --- load ----------------------------------------------------------------------------------

    def arrive(self, now: float) -> Meter:
        """A request is here. Tell the meter that it leaves when its answer is out, or it will get none."""
        meter = self.meter
        if meter is None:
            meter = self.meter = Meter(now)
            meter.arrive(now)
            if self.metered:
                self._hooks.poke(self.key)
        else:
            meter.arrive(now)
        return meter

    # --- admission -----------------------------------------------------------------------------

    def acquire(self, waiter: Waiter, *, again: bool = False) -> Target | Verdict:
        """The target, or QUEUED (`on_granted` follows) or FULL. `again`: it held a slot whose pod then failed it."""
        return self.throttler.offer(waiter, first=again)

    def cancel(self, waiter: Waiter) -> bool:
        return self.throttler.cancel(waiter)

    def release(self, target: Target) -> None:
        """A request at `target` is over. Those who wait go on."""
        granted = self.throttler.release(target)
        if granted:
            self._tell(granted)
        elif not target.usable and target.in_flight == 0:
            self._last_left(target)

    # --- endpoints -----------------------------------------------------------------------------

    def set_endpoints(self, endpoints: Mapping[Address, EndpointFacts]) -> None:
        """The pods are these now."""
        for address in [a for a in self.pods if a not in endpoints]:
            self._remove(address)
        for address, facts in endpoints.items():
            pod = self.pods.get(address)
            if facts.h2c != (pod is not None and pod.facts.h2c):
                self._hooks.speaks_h2(address, facts.h2c)
            if pod is None:
                pod = self.pods[address] = Pod(facts, foreign=self._is_foreign(address))
            pod.facts = facts
            if pod.stale:
                pod.stale = pod.draining = False
            if facts.ready and not pod.was_ready:
                pod.was_ready = True
            self._apply(pod)
        self._hooks.listed(self)

    def set_share(self, share: Share | None) -> None:
        """Of pods with containerConcurrency only these are ours; None: all are. Peers come before the pods that they replace
        leave, and leave after the pods that replace them have come, so that nobody waits for want of either."""
        if not self.facts.concurrency:
            return
        self._share = share
        peers = share.peers if share is not None and not share.own else ()
        self._tell(grant for peer in peers for grant in self._add_peer(peer))
        for pod in list(self.pods.values()):
            pod.foreign = self._is_foreign(pod.facts.address)
            self._apply(pod)
        for address in [a for a in self._peers if a not in peers]:
            self.throttler.close(self._peers.pop(address))
        for address in share.leaving if share is not None else ():
            if self._is_idle(address):
                self._hooks.released(self, address)

    def _is_foreign(self, address: Address) -> bool:
        return (
            self.facts.concurrency > 0
            and self._share is not None
            and address not in self._share.own
        )

    def _add_peer(self, address: Address) -> list[tuple[Waiter, Target]]:
        if address in self._peers:
            return []
        self._peers[address], granted = self.throttler.add(address, peer=True)
        return granted

    def _is_idle(self, address: Address) -> bool:
        pod = self.pods.get(address)
        target = pod.target if pod is not None else self._leaving.get(address)
        return target is None or target.in_flight == 0

    def answered(self, address: Address, took_s: float = 0.0) -> None:
        """Our probe of `address` succeeded, and how long the answer took."""
        self.probe_s = took_s
        peer = self._peers.get(address)
        if peer is not None:
            self._tell(self.throttler.reopen(peer))
        pod = self.pods.get(address)
        if pod is not None:
            pod.answered = True
            pod.distrusted = False
            self._apply(pod)

    def wants_probe(self, address: Address) -> bool:
        pod, peer = self.pods.get(address), self._peers.get(address)
        if peer is not None and not peer.usable:
            return True
        return pod is not None and not pod.usable() and pod.wants_probe(self.facts.probe)

    def knows(self, address: Address) -> bool:
        """Whether requests go there, or are still there."""
        return address in self.pods or address in self._leaving

    def distrust(self, address: Address) -> None:
        """A connection to `address` failed: nothing more goes there before it answers a probe."""
        pod = self.pods.get(address)
        peer = self._peers.get(address)
        if peer is not None and peer.usable:
            self.throttler.close(peer)
            self._hooks.forget(address)
            self._hooks.probe(self, address)
        if pod is not None and not pod.distrusted:
            pod.distrusted = True
            self._hooks.forget(address)
            self._apply(pod)

    def drain(self, address: Address, done: Callable[[], None]) -> bool:
        """Send nothing more to `address` and call `done` when its last request is over. False: it is already so."""
        pod = self.pods.get(address)
        if pod is not None:
            pod.draining = True
            self._apply(pod)
        target = pod.target if pod is not None else self._leaving.get(address)
        if target is None or target.in_flight == 0:
            return False
        self._idle_waiters.append((target, done))
        return True

    def undrain(self) -> None:
        """Whoever asked for drains is gone. Pods that are told of again are good; what is known now is of an earlier run."""
        for pod in self.pods.values():
            pod.stale = True

    def restore(self, address: Address) -> None:
        """The pod goes on after a drain."""
        pod = self.pods.get(address)
        if pod is not None and pod.draining:
            pod.draining = False
            self._apply(pod)

    def close(self) -> None:
        """The revision is gone. Whoever waits runs into its deadline; what is in flight may end."""
        self.set_endpoints({})

    def _remove(self, address: Address) -> None:
        pod = self.pods.pop(address)
        if pod.facts.h2c:
            self._hooks.speaks_h2(address, False)
        if pod.target is not None:
            self.throttler.close(pod.target)
            if pod.target.in_flight:
                self._leaving[address] = pod.target
        self._hooks.forget(address)

    def _apply(self, pod: Pod) -> None:
        address = pod.facts.address
        if pod.usable():
            if pod.target is None:
                pod.target, granted = self.throttler.add(address)
            else:
                granted = self.throttler.reopen(pod.target)
            self._tell(granted)
            return
        if pod.target is not None:
            self.throttler.close(pod.target)
        if pod.wants_probe(self.facts.probe):
            self._hooks.probe(self, address)

    def _tell(self, granted: Iterable[tuple[Waiter, Target]]) -> None:
        for waiter, target in granted:
            waiter.on_granted(target)

    def _last_left(self, target: Target) -> None:
        if self._leaving.get(target.address) is target:
            del self._leaving[target.address]
        if self._share is not None and target.address in self._share.leaving:
            self._hooks.released(self, target.address)
        due = [done for waited, done in self._idle_waiters if waited is target]
        self._idle_waiters = [entry for entry in self._idle_waiters if entry[0] is not target]
        for done in due:
            done()

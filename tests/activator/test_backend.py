"""Which endpoints take requests, and what follows when that changes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from activator.backend import Backend, Hooks, Share
from activator.breaker import Verdict
from activator.facts import EndpointFacts, ProbeSpec, RevisionFacts
from activator.throttler import Target
from tanebi.api.meta import Key
from tanebi.http.pool import Address

KEY = Key("ns", "r1")
A, B = ("10.0.0.1", 1), ("10.0.0.2", 2)


class Calls:
    def __init__(self) -> None:
        self.poked: list[Key] = []
        self.probed: list[Address] = []
        self.forgotten: list[Address] = []


class Waiter:
    def __init__(self) -> None:
        self.target: Target | None = None

    def on_granted(self, target: Target) -> None:
        self.target = target


def make(
    concurrency: int = 1, probe: ProbeSpec | None = None, **change: Any
) -> tuple[Backend, Calls]:
    calls = Calls()
    hooks = Hooks(calls.poked.append, lambda b, a: calls.probed.append(a), calls.forgotten.append)
    facts = RevisionFacts(concurrency=concurrency, probe=probe or ProbeSpec())
    return Backend(KEY, facts, chance=random.Random(1), hooks=hooks, **change), calls


def pods(backend: Backend, *facts: EndpointFacts) -> None:
    backend.set_endpoints({f.address: f for f in facts})


def pod(address: Address, *, ready: bool = False, terminating: bool = False) -> EndpointFacts:
    return EndpointFacts(address, ready, terminating)


def usable(backend: Backend) -> list[Address]:
    return [target.address for target in backend.throttler.targets]


def test_a_new_pod_is_probed_and_its_answer_wakes_who_waits() -> None:
    backend, calls = make()
    waiter = Waiter()
    assert backend.acquire(waiter) is Verdict.QUEUED
    pods(backend, pod(A))
    assert (calls.probed, usable(backend)) == ([A], [])
    assert backend.wants_probe(A)
    backend.answered(A)
    assert waiter.target is not None
    assert waiter.target.address == A
    assert not backend.wants_probe(A)


def test_the_kubelets_word_needs_no_probe() -> None:
    backend, calls = make()
    pods(backend, pod(A, ready=True))
    assert (calls.probed, usable(backend)) == ([], [A])


def test_a_pod_that_was_ready_and_is_not_is_dropped_until_it_is_again() -> None:
    backend, _ = make()
    pods(backend, pod(A))
    backend.answered(A)
    pods(backend, pod(A, ready=True))
    pods(backend, pod(A))
    assert usable(backend) == []
    assert not backend.wants_probe(A)
    pods(backend, pod(A, ready=True))
    assert usable(backend) == [A]


def test_where_only_the_kubelet_can_probe_it_is_waited_for() -> None:
    backend, calls = make(probe=ProbeSpec("kubelet"))
    pods(backend, pod(A))
    assert (calls.probed, usable(backend), backend.wants_probe(A)) == ([], [], False)
    pods(backend, pod(A, ready=True))
    assert usable(backend) == [A]


def test_terminating_pods_get_nothing_new() -> None:
    backend, _ = make()
    pods(backend, pod(A, ready=True), pod(B, ready=True, terminating=True))
    assert usable(backend) == [A]
    pods(backend, pod(A, ready=True, terminating=True))
    assert usable(backend) == []


def test_a_pod_that_disappears_is_forgotten_and_its_slot_still_released() -> None:
    backend, calls = make()
    pods(backend, pod(A, ready=True))
    target = backend.acquire(Waiter())
    assert isinstance(target, Target)
    pods(backend, pod(B, ready=True))
    assert calls.forgotten == [A]
    assert backend.knows(A)
    backend.release(target)
    assert not backend.knows(A)
    assert usable(backend) == [B]


def test_a_distrusted_pod_must_answer_first() -> None:
    backend, calls = make(probe=ProbeSpec("kubelet"))
    pods(backend, pod(A, ready=True))
    backend.distrust(A)
    backend.distrust(A)
    assert (usable(backend), calls.probed, calls.forgotten) == ([], [A], [A])
    backend.answered(A)
    assert usable(backend) == [A]
    backend.distrust(B)
    backend.answered(B)


def test_drain_stops_new_requests_at_once_and_tells_when_the_last_is_over() -> None:
    backend, _ = make(concurrency=5)
    pods(backend, pod(A, ready=True))
    held = [backend.acquire(Waiter()) for _ in range(2)]
    over: list[int] = []
    assert backend.drain(A, lambda: over.append(1))
    assert usable(backend) == []
    for target in held:
        assert over == []
        assert isinstance(target, Target)
        backend.release(target)
    assert over == [1]
    assert not backend.drain(A, lambda: over.append(2))
    assert not backend.drain(B, lambda: over.append(2))


def test_drain_of_a_pod_that_left_the_list_first() -> None:
    backend, _ = make()
    pods(backend, pod(A, ready=True))
    target = backend.acquire(Waiter())
    assert isinstance(target, Target)
    pods(backend)
    over: list[int] = []
    assert backend.drain(A, lambda: over.append(1))
    backend.release(target)
    assert over == [1]


def test_one_poke_an_episode() -> None:
    backend, calls = make()
    for now in (1.0, 1.1):
        meter = backend.arrive(now)
    meter.leave(1.2)
    meter.leave(1.3)
    backend.arrive(1.4)
    assert calls.poked == [KEY]
    backend.meter = None  # what the reporter does after a silent period
    backend.arrive(9.0)
    assert calls.poked == [KEY, KEY]


def test_plain_services_poke_nobody() -> None:
    backend, calls = make(metered=False)
    backend.arrive(1.0)
    assert calls.poked == []


def test_close_gives_up_all_pods() -> None:
    backend, calls = make()
    pods(backend, pod(A, ready=True), pod(B))
    backend.close()
    assert (usable(backend), backend.pods) == ([], {})
    assert set(calls.forgotten) == {A, B}


@pytest.mark.parametrize("ready", [True, False])
def test_repr_says_how_many_pods(ready: bool) -> None:
    backend, _ = make()
    pods(backend, pod(A, ready=ready))
    assert repr(backend) == f"Backend(ns/r1 {int(ready)}/1 pods)"


def shared(
    *own: Address, peers: tuple[Address, ...] = (), leaving: tuple[Address, ...] = ()
) -> Share:
    return Share(frozenset(own), frozenset(leaving), peers)


PEER = ("10.0.9.9", 9)


def test_only_our_own_pods_are_used_when_they_are_divided() -> None:
    backend, _ = make()
    backend.set_share(shared(A))
    pods(backend, pod(A, ready=True), pod(B, ready=True))
    assert usable(backend) == [A]
    backend.set_share(shared(B))
    assert usable(backend) == [B]
    backend.set_share(None)
    assert usable(backend) == [B, A]


def test_without_a_limit_every_pod_is_everybodys() -> None:
    backend, _ = make(concurrency=0)
    backend.set_share(shared())
    pods(backend, pod(A, ready=True), pod(B, ready=True))
    assert usable(backend) == [A, B]


def test_who_has_no_pod_sends_to_who_has_and_stops_when_it_has_one() -> None:
    backend, _ = make()
    backend.set_share(shared())
    waiter = Waiter()
    assert backend.acquire(waiter) is Verdict.QUEUED
    backend.set_share(shared(peers=(PEER,)))
    assert waiter.target is not None
    assert (waiter.target.address, waiter.target.peer) == (PEER, True)
    assert not isinstance(backend.acquire(Waiter()), Verdict), "the other one admits"
    pods(backend, pod(A, ready=True))
    backend.set_share(shared(A, peers=(PEER,)))
    assert usable(backend) == [A]


def test_a_pod_is_given_back_when_its_last_request_is_over() -> None:
    released: list[Address] = []
    calls = Calls()
    hooks = Hooks(
        calls.poked.append,
        lambda b, a: calls.probed.append(a),
        calls.forgotten.append,
        released=lambda backend, address: released.append(address),
    )
    backend = Backend(KEY, RevisionFacts(concurrency=1), chance=random.Random(1), hooks=hooks)
    backend.set_share(shared(A))
    pods(backend, pod(A, ready=True))
    target = backend.acquire(Waiter())
    assert isinstance(target, Target)
    backend.set_share(shared(leaving=(A,)))
    assert released == []
    backend.release(target)
    assert released == [A]
    backend.set_share(shared(leaving=(B,)))  # never had anything there
    assert released == [A, B]


def test_a_peer_that_refuses_is_asked_again_before_it_is_used() -> None:
    backend, calls = make()
    backend.set_share(shared(peers=(PEER,)))
    backend.distrust(PEER)
    assert (usable(backend), calls.probed) == ([], [PEER])
    assert backend.wants_probe(PEER)
    backend.answered(PEER)
    assert usable(backend) == [PEER]


def test_drains_of_who_is_gone_end_with_the_next_word_about_a_pod() -> None:
    backend, _ = make()
    pods(backend, pod(A, ready=True))
    backend.drain(A, lambda: None)
    backend.undrain()
    assert usable(backend) == []
    pods(backend, pod(A, ready=True))
    assert usable(backend) == [A]


def test_the_queue_is_as_deep_as_the_revision_says() -> None:
    facts = RevisionFacts(concurrency=1, queue_max=2)
    calls = Calls()
    hooks = Hooks(calls.poked.append, lambda b, a: None, calls.forgotten.append)
    backend = Backend(KEY, facts, chance=random.Random(1), hooks=hooks)
    assert [backend.acquire(Waiter()) for _ in range(3)] == [
        Verdict.QUEUED,
        Verdict.QUEUED,
        Verdict.FULL,
    ]

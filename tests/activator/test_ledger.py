from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activator.ledger import Ledger, Share
from tanebi.api.meta import Key
from tanebi.http.pool import Address

R = Key("ns", "r")
A, B, C, D = [("10.0.0.1", port) for port in (1, 2, 3, 4)]


def ledger(*members: str, pods: tuple[Address, ...] = ()) -> Ledger:
    made = Ledger()
    for member in members:
        made.join(member)
    made.set_pods(R, pods)
    return made


def test_pods_are_divided() -> None:
    made = ledger("x", "y", pods=(A, B, C, D))
    assert len(made.share("x", R).own) == len(made.share("y", R).own) == 2
    assert made.share("x", R).others == ("y",)


def test_who_has_none_knows_who_has_one() -> None:
    made = ledger("x", "y", "z", pods=(A,))
    (holder,) = made.holders(R).values()
    for member in {"x", "y", "z"} - {holder}:
        assert made.share(member, R) == Share(others=(holder,))
    assert made.share(holder, R) == Share(frozenset({A}))


def test_a_member_that_comes_later_is_given_pods_one_by_one_as_they_are_free() -> None:
    made = ledger("x", pods=(A, B, C, D))
    assert made.join("y") == {R}
    assert len(made.share("x", R).own) == 3
    assert made.share("y", R).own == frozenset()
    (leaving,) = made.share("x", R).leaving
    assert made.holders(R)[leaving] == "x"
    assert made.released("x", R, leaving) == {R}
    assert made.share("y", R).own == {leaving}
    assert len(made.share("x", R).own) == 2  # and the next one is asked for
    (second,) = {A, B, C, D} - made.share("x", R).own - {leaving}
    made.released("x", R, second)
    assert made.share("y", R).own == {leaving, second}
    assert made.released("x", R, second) == frozenset()


def test_the_dead_hold_nothing() -> None:
    made = ledger("x", "y", pods=(A, B))
    assert made.leave("x") == {R}
    assert made.share("y", R) == Share(frozenset({A, B}))


def test_an_address_that_comes_back_is_not_given_to_another_early() -> None:
    made = ledger("x", pods=(A,))
    made.set_pods(R, ())
    made.join("w")
    made.set_pods(R, (A,))
    assert made.holders(R) == {A: "x"}
    made.released("x", R, A)
    assert list(made.holders(R)) == [A]


def test_what_a_member_brings_it_keeps_unless_another_has_it() -> None:
    made = Ledger()
    made.set_pods(R, (A, B))
    made.join("y", {R: (A,)})
    made.join("x", {R: (A, B)})
    assert made.holders(R)[A] == "y"


def test_after_a_restart_nothing_is_given_away_before_everybody_has_spoken() -> None:
    made = Ledger(closed=True)
    made.set_pods(R, (A, B))
    assert made.join("x") == frozenset()
    made.join("y", {R: (A,)})
    assert made.holders(R) == {A: "y"}
    assert made.open() == {R}
    assert made.holders(R) == {A: "y", B: "x"}


def test_a_revision_without_pods_is_forgotten() -> None:
    made = ledger("x", pods=(A,))
    made.set_pods(R, ())
    made.released("x", R, A)
    assert made.revisions == ()


class Machine(RuleBasedStateMachine):
    """Members see their shares late, requests take their time, members die: no pod ever has more than its holder's requests."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.pods: set[Address] = set()
        self.alive: set[str] = set()
        self.told: dict[str, frozenset[Address]] = {}  # as each member sees it
        self.busy: dict[tuple[str, Address], int] = {}
        self.unreleased: set[tuple[str, Address]] = set()

    @precondition(lambda self: len(self.alive) < 4)
    @rule(name=st.sampled_from("wxyz"))
    def join(self, name: str) -> None:
        if name not in self.alive:
            self.alive.add(name)
            self.told[name] = frozenset()
            self.ledger.join(name)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.alive)))
        self.alive.discard(name)
        self.busy = {key: n for key, n in self.busy.items() if key[0] != name}
        self.unreleased = {key for key in self.unreleased if key[0] != name}
        self.ledger.leave(name)

    @rule(pods=st.sets(st.sampled_from([A, B, C, D])))
    def change(self, pods: set[Address]) -> None:
        self.pods = pods
        self.ledger.set_pods(R, pods)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def tell(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.alive)))
        share = self.ledger.share(name, R)
        self.unreleased = {key for key in self.unreleased if key[0] != name}
        self.unreleased |= {(name, a) for a in share.leaving}
        self.told[name] = share.own

    @precondition(lambda self: any(self.told.get(n) for n in self.alive))
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        places = [(n, a) for n in sorted(self.alive) for a in sorted(self.told[n])]
        place = data.draw(st.sampled_from(places))
        self.busy[place] = min(2, self.busy.get(place, 0) + 1)

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.busy)))
        self.busy[place] -= 1
        if not self.busy[place]:
            del self.busy[place]

    @precondition(lambda self: any(p not in self.busy for p in self.unreleased))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        idle = sorted(p for p in self.unreleased if p not in self.busy)
        name, address = data.draw(st.sampled_from(idle))
        self.unreleased.discard((name, address))
        self.ledger.released(name, R, address)

    @invariant()
    def one_sender_for_each_pod(self) -> None:
        for address in (A, B, C, D):
            may_send = {n for n in self.alive if address in self.told[n]}
            sending = {n for n, a in self.busy if a == address}
            assert len(may_send | sending) <= 1, f"{address}: {may_send} {sending}"

    @invariant()
    def nothing_lies_idle(self) -> None:
        held = self.ledger.holders(R)
        assert not self.alive or self.pods <= held.keys()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

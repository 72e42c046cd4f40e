"""Frozen pods: which, how many, for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import rfc3339
from tanebi.api.standby import STANDBY_SINCE, Standby
from tanebi.kubelet.standby import Turn, is_frozen, marks, parted, turn

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TWO = Standby(most=2, age_s=600)


def pod(name: str, *, ready: bool = True, frozen_s: float | None = None) -> Pod:
    """`frozen_s`: how long ago it was frozen."""
    since = {} if frozen_s is None else {STANDBY_SINCE: rfc3339(NOW - timedelta(seconds=frozen_s))}
    status = "True" if ready else "False"
    return POD.view(
        {
            "metadata": {
                "name": name,
                "namespace": "n",
                "uid": f"uid-{name}",
                "annotations": since,
            },
            "spec": {"containers": [{"name": "c"}]},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        }
    )


def names(pods: tuple[Pod, ...]) -> list[str]:
    return [pod.metadata.name for pod in pods]


def down(*surplus: Pod, frozen: tuple[Pod, ...] = (), wanted: Standby | None = TWO) -> Turn:
    return turn(wanted, create=0, victims=surplus, surplus=surplus, frozen=frozen, now=NOW)


def up(create: int, *frozen: Pod, wanted: Standby | None = TWO) -> Turn:
    return turn(wanted, create=create, victims=(), surplus=(), frozen=frozen, now=NOW)


def test_a_scale_down_freezes_as_many_as_may_stand_by() -> None:
    found = down(pod("a"), pod("b"), pod("c"))
    assert (names(found.freeze), names(found.victims)) == (["a", "b"], ["c"])
    assert found.again_s == 600


def test_those_that_stand_by_already_count() -> None:
    found = down(pod("a"), pod("b"), frozen=(pod("z", frozen_s=100),))
    assert (names(found.freeze), names(found.victims)) == (["a"], ["b"])
    assert found.again_s == 500


def test_a_pod_that_is_not_ready_is_not_worth_keeping() -> None:
    found = down(pod("a", ready=False), pod("b"))
    assert (names(found.freeze), names(found.victims)) == (["b"], ["a"])


def test_pods_of_an_older_template_go() -> None:
    old, new = pod("old"), pod("new")
    found = turn(TWO, create=0, victims=(old, new), surplus=(new,), frozen=(), now=NOW)
    assert (names(found.freeze), names(found.victims)) == (["new"], ["old"])


def test_a_scale_up_wakes_before_it_creates() -> None:
    found = up(3, pod("early", frozen_s=300), pod("late", frozen_s=1))
    assert (names(found.wake), found.create, found.again_s) == (["late", "early"], 1, None)
    found = up(1, pod("early", frozen_s=300), pod("late", frozen_s=1))
    assert (names(found.wake), found.create, found.victims) == (["late"], 0, ())
    assert found.again_s == 300


def test_what_is_too_old_is_not_woken_but_removed() -> None:
    found = up(1, pod("old", frozen_s=600))
    assert (found.create, names(found.victims), found.wake) == (1, ["old"], ())


def test_fewer_may_stand_by_than_before() -> None:
    found = up(0, pod("a", frozen_s=1), pod("b", frozen_s=2), wanted=Standby(1, 600))
    assert names(found.victims) == ["b"]


def test_without_standby_all_go() -> None:
    found = down(pod("a"), frozen=(pod("z", frozen_s=1),), wanted=None)
    assert (names(found.victims), found.freeze, found.again_s) == (["a", "z"], (), None)


def test_the_marks() -> None:
    found = turn(
        TWO,
        create=1,
        victims=(pod("a"),),
        surplus=(pod("a"),),
        frozen=(pod("b", frozen_s=1),),
        now=NOW,
    )
    assert [(patch.name, patch.body["metadata"]) for patch in marks(found, NOW)] == [
        ("b", {"uid": "uid-b", "annotations": {STANDBY_SINCE: None}}),
        ("a", {"uid": "uid-a", "annotations": {STANDBY_SINCE: rfc3339(NOW)}}),
    ]
    assert is_frozen(pod("b", frozen_s=1))
    assert not is_frozen(pod("a"))
    assert tuple(map(len, parted([pod("a"), pod("b", frozen_s=1)]))) == (1, 1)


@given(
    most=st.integers(1, 4),
    create=st.integers(0, 4),
    surplus=st.lists(st.booleans(), max_size=5),
    frozen=st.lists(st.integers(0, 1200), max_size=5),
)
def test_every_pod_has_one_fate(
    most: int, create: int, surplus: list[bool], frozen: list[int]
) -> None:
    going = tuple(pod(f"s{n}", ready=ready) for n, ready in enumerate(surplus))
    asleep = tuple(pod(f"f{n}", frozen_s=age) for n, age in enumerate(frozen))
    found = turn(
        Standby(most, 600), create=create, victims=going, surplus=going, frozen=asleep, now=NOW
    )
    named = [*names(found.victims), *names(found.freeze), *names(found.wake)]
    assert len(named) == len(set(named))
    stays = {pod.metadata.name for pod in asleep} - set(named)
    assert {pod.metadata.name for pod in going} <= set(named)
    assert len(stays) + len(found.freeze) <= most
    assert found.create + len(found.wake) == create
    assert not (stays and found.create)  # none is created while one sleeps that could be woken


@pytest.mark.parametrize("create", [0, 1])
def test_again_is_never_in_the_past(create: int) -> None:
    found = up(create, pod("a", frozen_s=599.5), pod("b", frozen_s=10))
    assert found.again_s is None or found.again_s > 0

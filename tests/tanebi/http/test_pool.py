"""Which idle connection serves next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tanebi.http.pool import Pool

A, B = ("a", 1), ("b", 2)


def test_the_newest_is_used_first_and_only_for_its_address() -> None:
    pool: Pool[str] = Pool()
    assert pool.take(A) is None
    for name in ("a1", "a2"):
        assert pool.put(A, name) is None
    assert pool.put(B, "b1") is None
    assert len(pool) == 3
    assert (pool.take(A), pool.take(A), pool.take(A), pool.take(B)) == ("a2", "a1", None, "b1")
    assert len(pool) == 0


def test_too_many_to_one_address_drops_the_oldest() -> None:
    pool: Pool[str] = Pool(idle_per_address_max=2)
    assert [pool.put(A, c) for c in ("1", "2", "3")] == [None, None, "1"]
    assert len(pool) == 2


def test_too_many_in_all_refuses_the_newcomer() -> None:
    pool: Pool[str] = Pool(idle_max=1)
    assert pool.put(A, "1") is None
    assert pool.put(B, "2") == "2"


def test_idle_times_are_measured_from_sweep_to_sweep() -> None:
    pool: Pool[str] = Pool(idle_timeout_s=10)
    assert pool.expire(100) == []
    pool.put(A, "old")
    assert pool.expire(105) == []
    pool.put(A, "new")
    assert pool.expire(110) == ["old"]
    assert (pool.take(A), pool.take(A), len(pool)) == ("new", None, 0)


def test_dead_and_forgotten_ones_are_gone() -> None:
    pool: Pool[str] = Pool()
    for name in ("1", "2", "3"):
        pool.put(A, name)
    assert pool.drop(A, "2")
    assert not pool.drop(A, "2")
    assert not pool.drop(B, "1")
    assert pool.forget(A) == ["1", "3"]
    assert (pool.forget(A), len(pool)) == ([], 0)


@given(st.lists(st.tuples(st.sampled_from("tpfde"), st.sampled_from([A, B]), st.integers(0, 5))))
def test_the_count_is_the_number_of_idle_ones(
    steps: list[tuple[str, tuple[str, int], int]],
) -> None:
    pool: Pool[int] = Pool(idle_max=4, idle_per_address_max=3, idle_timeout_s=2)
    inside: set[int] = set()
    for number, (what, address, now) in enumerate(steps):
        match what:
            case "t":
                taken = pool.take(address)
                inside -= {taken} if taken is not None else set()
            case "p":
                inside.add(number)
                surplus = pool.put(address, number)
                inside -= {surplus} if surplus is not None else set()
            case "f":
                inside -= set(pool.forget(address))
            case "d" if inside:
                victim = min(inside)
                if pool.drop(address, victim):
                    inside.discard(victim)
            case "e":
                inside -= set(pool.expire(float(now)))
        assert len(pool) == len(inside) <= 4

"""One revision without objects: the way up from zero, and down again."""

from __future__ import annotations

from tanebi.simulate.scaler import Scaler
from tanebi.simulate.setting import PLAIN, changed


def test_at_rest_there_is_nothing_or_the_minimum() -> None:
    assert (Scaler(PLAIN, 0).replicas, Scaler(PLAIN, 0).phase) == (0, "inactive")
    three = Scaler(changed(PLAIN, "min-scale=3"), 0)
    assert (three.replicas, three.phase) == (3, "active")


def test_a_poke_wakes_it_at_once_and_silence_ends_it() -> None:
    scaler = Scaler(PLAIN, 0)
    scaler.poke(0, 0.5)
    assert scaler.reconcile(0, 0.5) == 1
    assert scaler.phase == "activating"
    for second in range(1, 200):
        scaler.report(0.0, 0.0, ready=1, now=second)
        scaler.tick(1, second)
        scaler.reconcile(1, second)
    assert (scaler.replicas, scaler.phase) == (0, "inactive")
    up, down = scaler.changes
    assert (up.at, up.before, up.after) == (0.5, 0, 1)
    assert up.why.startswith("1.00 at once")
    assert down.why.startswith("no requests for 60 s")
    assert 59 <= down.at <= 65


def test_it_says_when_to_look_again() -> None:
    scaler = Scaler(changed(PLAIN, "window=20s,scale-to-zero-pod-retention-period=90s"), 0)
    scaler.poke(0, 0.0)
    scaler.reconcile(0, 0.0)
    assert scaler.look_at is None
    scaler.report(0.0, 0.0, ready=1, now=1.0)
    scaler.tick(1, 2.0)
    scaler.reconcile(1, 2.0)
    assert scaler.phase == "activating" or scaler.look_at is not None
    scaler.reconcile(1, 22.0)
    assert scaler.replicas == 1
    assert scaler.look_at is not None
    assert scaler.look_at > 22.0


def test_load_is_followed() -> None:
    scaler = Scaler(changed(PLAIN, "target=10,target-utilization-percentage=100"), 0)
    scaler.poke(0, 0.0)
    for second in range(1, 100):
        scaler.report(45.0, 45.0, ready=5, now=second)
        scaler.tick(5, second)
        scaler.reconcile(5, second)
    assert scaler.replicas == 5


def test_zero_can_be_forbidden() -> None:
    plain = PLAIN
    settings = type(plain.settings)(enable_scale_to_zero=False)
    always = type(plain)("x", {}, 0, settings)
    scaler = Scaler(always, 0)
    assert scaler.replicas == 1
    for second in range(0, 200, 2):
        scaler.tick(1, second)
        assert scaler.reconcile(1, second) == 1

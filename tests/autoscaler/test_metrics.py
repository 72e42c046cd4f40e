from __future__ import annotations

from autoscaler import metrics
from autoscaler.decide import Decision, Spec
from tanebi.api.meta import Key
from tanebi.base.metrics import exposition

KEY = Key("metrics", "r")
SPEC = Spec(7.0, 10.0, 10.0, 2.0, 2.0, 60.0)


def series() -> dict[str, str]:
    lines = exposition()[1].decode().splitlines()
    own = [line.rsplit(" ", 1) for line in lines if 'namespace="metrics"' in line]
    return {name.split("{")[0]: value for name, value in own}


def test_every_number_of_a_decision_is_shown_until_the_revision_is_gone() -> None:
    metrics.forget(KEY)
    decision = Decision(3, -5, "panic", ("because",))
    metrics.decided(KEY, decision, SPEC, ready=1, stable=12.5, panic=20.0)
    assert series() == {
        metrics.DESIRED_PODS: "3.0",
        metrics.ACTUAL_PODS: "1.0",
        metrics.STABLE_LOAD: "12.5",
        metrics.PANIC_LOAD: "20.0",
        metrics.TARGET_LOAD: "7.0",
        metrics.PANIC_MODE: "1.0",
        metrics.SPARE_BURST: "-5.0",
    }
    assert b'tanebi_autoscaler_decisions_total{mode="panic"}' in exposition()[1]
    metrics.forget(KEY)
    assert series() == {}

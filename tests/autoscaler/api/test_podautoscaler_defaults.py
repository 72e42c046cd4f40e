from __future__ import annotations

from datetime import UTC, datetime

from autoscaler.api import CONFIG_AUTOSCALER, POD_AUTOSCALER
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.testing.world import StandingConfigs

KEY = "autoscaling.knative.dev/class"


def complete(obj: Obj, configs: StandingConfigs | None = None) -> Obj:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    admission = Admission("CREATE", "u", now, configs or StandingConfigs())
    return POD_AUTOSCALER.defaults(obj, None, admission)


def test_class_and_limit_are_filled_in() -> None:
    made = complete({"metadata": {"name": "r"}})
    assert made["metadata"]["annotations"] == {KEY: "kpa.autoscaling.knative.dev"}
    assert made["spec"] == {"containerConcurrency": 0}


def test_the_class_may_be_set_for_everybody() -> None:
    configs = StandingConfigs().set(CONFIG_AUTOSCALER, pod_autoscaler_class="x.example.com")
    assert complete({"metadata": {}}, configs)["metadata"]["annotations"] == {KEY: "x.example.com"}


def test_what_is_there_stays() -> None:
    given = {"metadata": {"annotations": {KEY: "mine"}}, "spec": {"containerConcurrency": 3}}
    assert complete(given) == given

"""One object in two forms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.twins import TWINS, show_autoscaler, show_event, store_autoscaler, store_event
from tanebi.api.meta import Obj


@given(
    st.dictionaries(
        st.sampled_from(["message", "count", "involvedObject", "reason", "x"]), st.integers()
    )
)
def test_events_there_and_back(fields: dict[str, int]) -> None:
    obj: Obj = {"apiVersion": "v1", "kind": "Event", **fields}
    assert store_event(show_event(obj), obj) == obj


@given(st.none() | st.integers(1, 100), st.lists(st.sampled_from(["memory", "pods"]), max_size=2))
def test_autoscalers_there_and_back(cpu: int | None, others: list[str]) -> None:
    target = {"type": "Utilization", "averageUtilization": cpu}
    metrics = [
        {"type": "Resource", "resource": {"name": name, "target": target}} for name in others
    ]
    if cpu is not None:
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    obj: Obj = {
        "apiVersion": "autoscaling/v2",
        "spec": {"maxReplicas": 3, "metrics": metrics},
        "status": {},
    }
    shown = show_autoscaler(obj)
    assert shown["spec"].get("targetCPUUtilizationPercentage") == cpu
    assert store_autoscaler(shown, obj) == obj


def test_the_twins_are_built_in() -> None:
    assert all(twin.kind.builtin and twin.kind.plural == twin.stored.plural for twin in TWINS)

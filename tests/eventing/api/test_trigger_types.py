from __future__ import annotations

from eventing.api.trigger_types import Filter, Trigger
from tanebi.api.meta import Key


def trigger(**spec: object) -> Trigger:
    return Trigger.model_validate({"metadata": {"name": "t", "namespace": "a"}, "spec": spec})


def test_the_broker_it_reads_from() -> None:
    assert trigger(broker="b").broker_key == Key("a", "b")
    assert trigger(brokerRef={"name": "c"}).broker_key == Key("a", "c")
    assert trigger(brokerRef={"name": "c", "namespace": "x"}).broker_key == Key("x", "c")


def test_dialects() -> None:
    found = Filter.model_validate({"not": {"exact": {"a": "b"}}, "all": [], "cesql": ""})
    assert found.dialects == ["all", "not"]
    assert found.not_ is not None
    assert found.not_.exact == {"a": "b"}

"""Ports: never one for two, and read back from a status as they were written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj
from tanebi.base.errors import Unavailable
from tanebi.kubelet.ports import (
    PortTable,
    container_port,
    ports_condition,
    real_ports,
)


def pod(*ports: int, **spec: object) -> Pod:
    container: Obj = {"name": "c", "image": "i", "ports": [{"containerPort": p} for p in ports]}
    return POD.view({"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}})


def test_each_pod_has_its_own() -> None:
    table = PortTable(lambda port: True, ports=range(20000, 20003))
    assert table.take("a", pod(8080)) == {8080: 20000}
    assert table.take("b", pod(8080)) == {8080: 20001}
    table.release("a")
    assert table.take("c", pod(8080)) == {8080: 20002}, "a freed port rests"
    assert table.take("d", pod(8080)) == {8080: 20000}


def test_none_left_takes_nothing() -> None:
    table = PortTable(lambda port: True, ports=range(20000, 20002))
    with pytest.raises(Unavailable, match="no free port in 20000-20001"):
        table.take("a", pod(1, 2, 3))
    assert len(table.take("b", pod(1, 2))) == 2


def test_what_the_machine_uses_is_passed_over() -> None:
    table = PortTable(lambda port: port != 20000, ports=range(20000, 20005))
    assert table.take("a", pod(8080)) == {8080: 20001}


def test_platforms_begin_at_different_places() -> None:
    table = PortTable(lambda port: True, ports=range(20000, 20010), first=13)
    assert table.take("a", pod(1, 2)) == {1: 20003, 2: 20004}


def ran_at(*ports: int) -> Pod:
    """A pod whose status tells where it ran before."""
    status = {"conditions": [ports_condition(dict(enumerate(ports, start=1)), "")]}
    return POD.view({**pod(*range(1, len(ports) + 1)).model_dump(by_alias=True), "status": status})


def test_after_a_restart_each_pod_has_the_ports_it_had() -> None:
    table = PortTable(lambda port: True, ports=range(20000, 20010))
    one, two = ran_at(20001), ran_at(20000)
    table.remember("one", one)
    table.remember("two", two)
    assert table.take("new", pod(8080)) == {8080: 20002}
    assert table.take("one", one) == {1: 20001}
    assert table.take("two", two) == {1: 20000}


def test_a_port_that_somebody_took_meanwhile_is_not_had_again() -> None:
    table = PortTable(lambda port: port != 20001, ports=range(20000, 20010))
    one, other = ran_at(20001, 20004), ran_at(20004)
    table.remember("one", one)
    table.remember("other", other)
    assert table.take("one", one) == {1: 20000, 2: 20004}
    assert table.take("other", other) == {1: 20002}


def test_a_pod_may_insist() -> None:
    table = PortTable(lambda port: True)
    assert table.take("a", pod(8080, hostNetwork=True)) == {8080: 8080}
    host: Obj = {"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 9090}]}
    assert table.take("b", POD.view({"spec": {"containers": [host]}})) == {80: 9090}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=40))
def test_no_port_is_given_twice(steps: list[tuple[str, bool]]) -> None:
    table = PortTable(lambda port: True, ports=range(20000, 20012))
    held: dict[str, set[int]] = {}
    for uid, take in steps:
        if take and uid not in held:
            held[uid] = set(table.take(uid, pod(1, 2, 3)).values())
        elif not take:
            table.release(uid)
            held.pop(uid, None)
        taken = [port for ports in held.values() for port in ports]
        assert len(taken) == len(set(taken))


@given(st.dictionaries(st.integers(1, 65535), st.integers(1, 65535), max_size=5))
def test_a_status_tells_the_ports(ports: dict[int, int]) -> None:
    status = {"conditions": [ports_condition(ports, "2026-01-01T00:00:00Z")]}
    assert real_ports(POD.view({"status": status})) == ports


def test_a_pod_that_does_not_run_has_none() -> None:
    assert real_ports(pod(8080)) == {}


def test_ports_by_name() -> None:
    found = Container.model_validate(
        {"ports": [{"name": "user-port", "containerPort": 8080}, {"containerPort": 9}]}
    )
    assert container_port(found, "user-port") == 8080
    assert container_port(found, 0) == 8080
    assert container_port(found, "9") == 9
    assert container_port(found, 1234) == 1234
    assert container_port(found, "other") is None
    assert container_port(Container(), 0) is None

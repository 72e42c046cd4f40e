"""What is read out of revisions and slices."""

from __future__ import annotations

from typing import Any

import pytest

from activator.facts import (
    HALF_CLOSED_IDLE_S,
    EndpointFacts,
    ProbeSpec,
    RevisionFacts,
    endpoint_facts,
    revision_facts,
)
from serving.api.revision_types import Revision
from tanebi.api.core.network import EndpointSlice


def revision(container: dict[str, Any], **spec: Any) -> Revision:
    return Revision.model_validate({"spec": {"containers": [container], **spec}})


def test_times_and_concurrency() -> None:
    facts = revision_facts(
        revision(
            {},
            containerConcurrency=7,
            timeoutSeconds=60,
            responseStartTimeoutSeconds=5,
            idleTimeoutSeconds=9,
        )
    )
    assert (facts.concurrency, facts.timeout_s) == (7, 60.0)
    assert (facts.response_start_timeout_s, facts.idle_timeout_s) == (5.0, 9.0)
    bare = revision_facts(revision({}))
    assert (bare.concurrency, bare.timeout_s, bare.idle_timeout_s) == (0, 300.0, 0.0)


TCP: dict[str, Any] = {"tcpSocket": {"port": 0}}
PORTS = [{"containerPort": 8080, "name": "user-port"}]


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        ({}, "tcp"),
        ({"readinessProbe": TCP}, "tcp"),
        ({"readinessProbe": {"tcpSocket": {"port": 8080}}, "ports": PORTS}, "tcp"),
        ({"readinessProbe": {"tcpSocket": {"port": 9999}}, "ports": PORTS}, "kubelet"),
        ({"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}, "ports": PORTS}, "http"),
        ({"readinessProbe": {"httpGet": {"path": "/", "port": 0, "scheme": "HTTPS"}}}, "kubelet"),
        ({"readinessProbe": {"exec": {"command": ["true"]}}}, "kubelet"),
        ({"readinessProbe": {"grpc": {"port": 8080}}}, "kubelet"),
        ({"readinessProbe": TCP, "startupProbe": TCP}, "kubelet"),
    ],
)
def test_how_to_ask_a_pod(container: dict[str, Any], kind: str) -> None:
    assert revision_facts(revision(container)).probe.kind == kind


def test_an_http_probe_is_asked_as_written() -> None:
    probe = {
        "httpGet": {"path": "ready", "port": 0, "httpHeaders": [{"name": "X-A", "value": "b"}]}
    }
    facts = revision_facts(revision({"readinessProbe": probe}))
    assert facts.probe == ProbeSpec("http", "/ready", ((b"X-A", b"b"),))


def piece(port: int, *endpoints: dict[str, Any], name: str = "http") -> EndpointSlice:
    return EndpointSlice.model_validate(
        {"ports": [{"name": name, "port": port, "protocol": "TCP"}], "endpoints": list(endpoints)}
    )


def pod(ip: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [ip], "conditions": conditions}


def test_endpoints_of_several_slices_each_with_its_port() -> None:
    slices = [
        piece(20001, pod("127.0.0.1", ready=True), pod("127.0.0.2")),
        piece(20002, pod("127.0.0.1", ready=False, terminating=True)),
    ]
    assert endpoint_facts(slices) == {
        ("127.0.0.1", 20001): EndpointFacts(("127.0.0.1", 20001), ready=True, terminating=False),
        ("127.0.0.2", 20001): EndpointFacts(("127.0.0.2", 20001), ready=True, terminating=False),
        ("127.0.0.1", 20002): EndpointFacts(("127.0.0.1", 20002), ready=False, terminating=True),
    }


def test_a_port_is_chosen_by_name() -> None:
    assert list(endpoint_facts([piece(1, pod("a"), name="metrics")], port="web")) == []
    assert list(endpoint_facts([piece(1, pod("a"), name="web")], port="web")) == [("a", 1)]
    assert list(endpoint_facts([piece(1, pod("a"), name="odd")])) == [("a", 1)]
    assert list(endpoint_facts([EndpointSlice.model_validate({"endpoints": [pod("a")]})])) == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("exempt", 0.0), ("2h", 7200.0), ("", None), ("nonsense", None)]
)
def test_the_timeout_of_upgraded_connections(text: str, seconds: float | None) -> None:
    given = Revision.model_validate(
        {
            "metadata": {"annotations": {"tanebi.dev/upgrade-timeout": text}},
            "spec": {"containers": [{}]},
        }
    )
    assert revision_facts(given).upgrade_timeout_s == seconds


@pytest.mark.parametrize(("text", "depth"), [("", 10_000), ("7", 7), ("many", 10_000)])
def test_how_many_may_wait(text: str, depth: int) -> None:
    given = Revision.model_validate(
        {
            "metadata": {"annotations": {"tanebi.dev/queue-depth": text}},
            "spec": {"containers": [{}]},
        }
    )
    assert revision_facts(given).queue_max == depth


def test_what_that_means_for_a_tunnel() -> None:
    def times(
        upgrade: float | None, *, half_closed: bool = False, silent: bool = False, start: float = 0
    ) -> tuple[float, float]:
        facts = RevisionFacts(
            timeout_s=60,
            response_start_timeout_s=start,
            idle_timeout_s=5,
            upgrade_timeout_s=upgrade,
        )
        return facts.tunnel_times_s(half_closed=half_closed, silent=silent)

    assert times(None) == times(None, start=10) == times(None, silent=True) == (60, 5)
    assert times(None, silent=True, start=10) == (10, 5)
    assert times(7200.0, silent=True, start=10) == (7200, 5)
    assert times(7200.0) == (7200, 5)
    assert times(0.0) == (0, 0)
    assert times(0.0, half_closed=True) == (0, HALF_CLOSED_IDLE_S)


@pytest.mark.parametrize(("text", "told"), [("true", True), ("false", False), ("yes", False)])
def test_server_timing_is_told_only_when_said_so(text: str, told: bool) -> None:
    given = Revision.model_validate(
        {
            "metadata": {"annotations": {"tanebi.dev/server-timing": text}},
            "spec": {"containers": [{}]},
        }
    )
    assert revision_facts(given).server_timing == told

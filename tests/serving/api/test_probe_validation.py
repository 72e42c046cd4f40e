"""Probes; their tables are with the Service, these are the rules of sidecars."""

from __future__ import annotations

from serving.api.probe_validation import refuse_probe, validate_probe, validate_readiness
from tanebi.api.core.pod import ContainerPort, Probe
from tanebi.api.fielderrors import render

PORT = ContainerPort(name="http1", container_port=8080)


def probe(**fields: object) -> Probe:
    return Probe.model_validate(fields)


def test_nothing_said_is_nothing_wrong() -> None:
    assert validate_probe(None, PORT) == validate_readiness(None, PORT) == refuse_probe(None) == []


def test_the_name_of_the_port_must_be_its_name() -> None:
    assert validate_probe(probe(httpGet={"port": "http1"}), PORT) == []
    assert render(validate_probe(probe(httpGet={"port": "h2c"}), PORT)) == (
        "invalid value: h2c: httpGet.port\nProbe port must match container port"
    )


def test_a_sidecar_says_where() -> None:
    assert render(validate_probe(probe(tcpSocket={}), ContainerPort(), port_needed=True)) == (
        "invalid value: 0: tcpSocket.port\nProbe port must be specified"
    )
    assert validate_probe(probe(tcpSocket={"port": 1}), ContainerPort(), port_needed=True) == []


def test_grpc_and_exec_are_probes() -> None:
    assert validate_probe(probe(grpc={"port": 1}), PORT) == []
    assert validate_probe(probe(exec={"command": ["true"]}), PORT) == []


def test_a_refused_probe_is_refused_by_field() -> None:
    found = refuse_probe(probe(exec={"command": ["true"]}, periodSeconds=3))
    assert render(found) == "must not set the field(s): exec, periodSeconds"

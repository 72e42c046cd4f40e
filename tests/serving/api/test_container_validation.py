"""Containers in their three roles; the tables of fields are with the Service."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api.config_features import CONFIG_FEATURES
from serving.api.container_validation import RESERVED_PORTS, Around, Role, validate_container
from tanebi.api.core.pod import Container, ContainerPort
from tanebi.api.fielderrors import render

AROUND = Around([], ContainerPort(name="http", container_port=8080), CONFIG_FEATURES.parse({}))
PROBE = {"exec": {"command": ["true"]}}


def check(role: Role, **fields: Any) -> str:
    container = Container.model_validate({"image": "dev.local/zed", **fields})
    return render(validate_container(container, role, AROUND))


def test_an_empty_container_is_missing() -> None:
    assert render(validate_container(Container(), "serving", AROUND)) == "missing field(s)"


@pytest.mark.parametrize("name", ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"])
def test_reserved_variables(name: str) -> None:
    text = f'"{name}" is a reserved environment variable: env[0].name'
    assert check("serving", env=[{"name": name}]) == text
    assert check("sidecar", env=[{"name": name}]) == ("" if name == "PORT" else text)
    assert check("init", env=[{"name": name}]) == ("" if name == "PORT" else text)


@pytest.mark.parametrize("field", ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"])
def test_what_an_init_container_may_not_have(field: str) -> None:
    assert check("init", **{field: PROBE}) == f"field not allowed in an init container: {field}"


@pytest.mark.parametrize("port", sorted(RESERVED_PORTS))
def test_reserved_ports(port: int) -> None:
    assert f"{port} is a reserved port" in check("serving", ports=[{"containerPort": port}])


def test_one_capability_may_be_added() -> None:
    capabilities = {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}
    assert check("serving", securityContext={"capabilities": capabilities}) == ""


def test_privileged_may_be_said_to_say_no() -> None:
    assert check("serving", securityContext={"privileged": False}) == ""

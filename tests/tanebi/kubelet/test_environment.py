"""What a container is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, POD, SECRET
from tanebi.api.core.pod import Container, ResourceFieldRef, Volume
from tanebi.api.meta import Obj
from tanebi.kubelet import environment
from tanebi.kubelet.environment import (
    ConfigError,
    Sources,
    command,
    expand,
    variables,
    volume_files,
    volume_variable,
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


MAPS = {"settings": CONFIG_MAP.view({"data": {"colour": "red", "size": "4"}})}
SECRETS = {"keys": SECRET.view({"data": {"token": b64("t0p")}})}
SOURCES = Sources(
    config_map=lambda ns, name: MAPS.get(name) if ns == "ns" else None,
    secret=lambda ns, name: SECRETS.get(name) if ns == "ns" else None,
    local_url=lambda value: value.replace("http://broker.cluster", "http://localhost:8080"),
)


def env(container: Obj, ports: dict[int, int] | None = None, **meta: Any) -> dict[str, str]:
    spec = {"nodeName": "here", "serviceAccountName": "default", "containers": [container]}
    pod = POD.view({"metadata": {"name": "p", "namespace": "ns", "uid": "u", **meta}, "spec": spec})
    return variables(pod, pod.spec.containers[0], ports or {}, SOURCES)


def test_values_see_what_stands_before_them() -> None:
    found = env(
        {
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "value": "$(A)-$(C)-$$(A)"},
                {"name": "C", "value": "3"},
            ]
        }
    )
    assert found == {"A": "1", "B": "1-$(C)-$(A)", "C": "3"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "x"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$x"),
        ("$A $", "$A $"),
        ("$(", "$("),
        ("$()", "$()"),
        ("$(A)$(B)", "x$(B)"),
    ],
)
def test_expansion(text: str, result: str) -> None:
    assert expand(text, {"A": "x"}) == result


def test_port_becomes_the_real_one() -> None:
    ports = [{"containerPort": 8080}]
    declared = {"env": [{"name": "PORT", "value": "8080"}], "ports": ports}
    assert env(declared, {8080: 20001}) == {"PORT": "20001"}
    assert env({"ports": ports}, {8080: 20001}) == {"PORT": "20001"}, "also when nobody says it"
    other = {"env": [{"name": "PORT", "value": "9999"}], "ports": ports}
    assert env(other, {8080: 20001}) == {"PORT": "9999"}, "a port of its own"
    assert env({}) == {}


def test_values_from_elsewhere() -> None:
    found = env(
        {
            "envFrom": [
                {"prefix": "S_", "configMapRef": {"name": "settings"}},
                {"secretRef": {"name": "keys"}},
                {"configMapRef": {"name": "absent", "optional": True}},
            ],
            "env": [
                {
                    "name": "COLOUR",
                    "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}},
                },
                {
                    "name": "TOKEN",
                    "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}},
                },
                {
                    "name": "NOT",
                    "valueFrom": {"secretKeyRef": {"name": "keys", "key": "no", "optional": True}},
                },
            ],
        }
    )
    assert found == {
        "S_colour": "red",
        "S_size": "4",
        "token": "t0p",
        "COLOUR": "red",
        "TOKEN": "t0p",
    }


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"configMapKeyRef": {"name": "absent", "key": "x"}}, 'configmap "absent" not found'),
        ({"secretKeyRef": {"name": "absent", "key": "x"}}, 'secret "absent" not found'),
        (
            {"configMapKeyRef": {"name": "settings", "key": "x"}},
            "couldn't find key x in ConfigMap ns/settings",
        ),
        ({"fieldRef": {"fieldPath": "spec.magic"}}, "unsupported fieldPath: spec.magic"),
        (
            {"resourceFieldRef": {"resource": "magic.cpu"}},
            "unsupported container resource: magic.cpu",
        ),
        ({"resourceFieldRef": {"resource": "limits.cpu", "containerName": "x"}}, "of 'x'"),
        ({}, "names no source"),
    ],
)
def test_what_is_not_there_is_named(source: Obj, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        env({"env": [{"name": "X", "valueFrom": source}]})
    assert words in str(caught.value)


def test_the_downward_api() -> None:
    def field(path: str) -> str:
        one = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}
        return env({"env": [one]}, labels={"app/x": "y"}, annotations={"n": "z"})["X"]

    assert field("metadata.name") == "p"
    assert field("metadata.namespace") == "ns"
    assert field("metadata.labels['app/x']") == "y"
    assert field("metadata.annotations['n']") == "z"
    assert field("metadata.labels['none']") == ""
    assert field("status.podIP") == "127.0.0.1"
    assert field("spec.nodeName") == "here"


def test_addresses_of_brokers_work_from_here() -> None:
    one = {"name": "K_SINK", "value": "http://broker.cluster/ns/b"}
    assert env({"env": [one]}) == {"K_SINK": "http://localhost:8080/ns/b"}


@pytest.mark.parametrize(
    ("own", "image", "argv"),
    [
        ({}, ("a", "b"), ("a", "b")),
        ({"command": ["c"]}, ("a",), ("c",)),
        ({"command": ["c"], "args": ["d"]}, ("a",), ("c", "d")),
        ({"args": ["--port", "$(PORT)"]}, ("a",), ("a", "--port", "80")),
        (
            {"args": ["x y"]},
            ("/bin/sh", "-c", "exec run"),
            ("/bin/sh", "-c", 'exec run "$@"', "sh", "x y"),
        ),
        ({"args": ["x"]}, (), ("x",)),
        ({}, (), ()),
    ],
)
def test_commands(own: Obj, image: tuple[str, ...], argv: tuple[str, ...]) -> None:
    assert command(Container.model_validate(own), image, {"PORT": "80"}) == argv


def files(volume: Obj) -> dict[str, bytes] | None:
    return volume_files(Volume.model_validate({"name": "v", **volume}), "ns", SOURCES)


def test_volumes() -> None:
    assert files({"emptyDir": {}}) == {}
    assert files({"configMap": {"name": "settings"}}) == {"colour": b"red", "size": b"4"}
    assert files({"secret": {"secretName": "keys"}}) == {"token": b"t0p"}
    chosen = {"name": "settings", "items": [{"key": "size", "path": "sub/s"}]}
    assert files({"configMap": chosen}) == {"sub/s": b"4"}
    assert files({"secret": {"secretName": "absent", "optional": True}}) == {}
    assert files({"persistentVolumeClaim": {"claimName": "x"}}) is None
    assert volume_variable("my-vol") == "TANEBI_VOLUME_MY_VOL"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x"])
def test_volume_paths_stay_inside(path: str) -> None:
    chosen = {"name": "settings", "items": [{"key": "size", "path": path}]}
    with pytest.raises(ConfigError, match="must stay inside"):
        files({"configMap": chosen})


def test_a_volume_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="not found"):
        files({"configMap": {"name": "absent"}})


@pytest.mark.parametrize(
    ("resources", "wanted", "value"),
    [
        ({"limits": {"cpu": "250m"}}, {"resource": "limits.cpu"}, "1"),
        ({"limits": {"cpu": "250m"}}, {"resource": "limits.cpu", "divisor": "1m"}, "250"),
        ({"limits": {"memory": "64Mi"}}, {"resource": "limits.memory", "divisor": "1Mi"}, "64"),
        ({"limits": {"memory": "64Mi"}}, {"resource": "requests.memory"}, str(2**26)),
        ({}, {"resource": "limits.cpu"}, "8"),
        ({}, {"resource": "requests.cpu"}, "0"),
    ],
)
def test_resources_as_values(resources: Obj, wanted: Obj, value: str) -> None:
    container = {"name": "c", "image": "i", "resources": resources}
    pod = POD.view({"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    own = pod.spec.containers[0]
    ref = ResourceFieldRef.model_validate(wanted)
    assert environment.resource_field(pod, ref, own, {"cpu": "8"}) == value


@pytest.mark.parametrize(
    ("volume", "kind", "used"),
    [
        ({"configMap": {"name": "x"}}, "ConfigMap", True),
        ({"configMap": {"name": "x"}}, "Secret", False),
        ({"secret": {"secretName": "x"}}, "Secret", True),
        ({"projected": {"sources": [{"secret": {"name": "x"}}]}}, "Secret", True),
        ({"projected": {"sources": [{"configMap": {"name": "y"}}]}}, "ConfigMap", False),
        ({"emptyDir": {}}, "ConfigMap", False),
    ],
)
def test_whose_files_a_volume_shows(volume: Obj, kind: str, used: bool) -> None:
    body = {"containers": [], "volumes": [{"name": "v", **volume}]}
    pod = POD.view({"metadata": {"name": "p"}, "spec": body})
    assert environment.uses(pod, kind, "x") is used


@pytest.mark.parametrize(
    ("volume", "shows"),
    [
        ({"downwardAPI": {"items": []}}, True),
        ({"projected": {"sources": [{"downwardAPI": {}}]}}, True),
        ({"emptyDir": {}}, False),
    ],
)
def test_which_pods_show_their_own_labels(volume: Obj, shows: bool) -> None:
    body = {"containers": [], "volumes": [{"name": "v", **volume}]}
    assert environment.shows_itself(POD.view({"metadata": {"name": "p"}, "spec": body})) is shows

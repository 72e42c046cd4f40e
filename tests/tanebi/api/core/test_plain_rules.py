"""Rules of Namespace, ConfigMap and Secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core import plain_rules as rules
from tanebi.api.core.plain import ConfigMap, Event, Secret
from tanebi.api.kind import Admission

ADMISSION: Any = Admission("CREATE", "u", datetime(2026, 1, 1, tzinfo=UTC), configs=None)  # type: ignore[arg-type]


def test_a_namespace_keeps_its_finalizers_on_update() -> None:
    made = rules.default_namespace({"metadata": {"name": "n"}}, None, ADMISSION)
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    updated = rules.default_namespace({"metadata": {"name": "n"}, "spec": {}}, made, ADMISSION)
    assert updated["spec"] == made["spec"]
    assert updated["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}


def test_string_data_is_written_into_data() -> None:
    obj = {"metadata": {}, "data": {"a": "eA=="}, "stringData": {"b": "é"}}
    made = rules.default_secret(obj, None, ADMISSION)
    assert made == {"metadata": {}, "data": {"a": "eA==", "b": "w6k="}, "type": "Opaque"}


def config_map(**fields: Any) -> ConfigMap:
    return ConfigMap.model_validate(fields)


def secret(**fields: Any) -> Secret:
    return Secret.model_validate(fields)


def paths(errors: Any) -> list[str]:
    return [path for error in errors for path in error.paths]


def test_config_maps() -> None:
    good = config_map(data={"a.b-c_D": "x"}, binaryData={"e": "eA=="})
    assert rules.validate_config_map(good, None, ADMISSION) == []
    bad = config_map(data={"a b": "", "same": ""}, binaryData={"same": "eA==", "x": "*"})
    found = paths(rules.validate_config_map(bad, None, ADMISSION))
    assert found == ["data[a b]", "data[same]", "binaryData[x]"]
    dots = config_map(data={"..": "", "..x": "", "k" * 254: ""})
    assert [
        e.message.rpartition(": ")[2] for e in rules.validate_config_map(dots, None, ADMISSION)
    ] == [
        "must not be '..'",
        "must not start with '..'",
        "must be no more than 253 characters",
    ]
    big = config_map(data={"a": "x" * (rules.DATA_BYTES_MAX + 1)})
    assert "Too long" in rules.validate_config_map(big, None, ADMISSION)[0].message


def test_immutable_means_immutable() -> None:
    old = config_map(data={"a": "1"}, immutable=True)
    same = config_map(data={"a": "1"}, immutable=True)
    assert rules.validate_config_map(same, old, ADMISSION) == []
    changed = config_map(data={"a": "2"}, binaryData={"b": ""})
    assert paths(rules.validate_config_map(changed, old, ADMISSION)) == [
        "immutable",
        "data",
        "binaryData",
    ]
    assert paths(
        rules.validate_secret(secret(data={}), secret(data={"a": ""}, immutable=True), ADMISSION)
    ) == ["immutable", "data"]


@pytest.mark.parametrize(
    ("type_", "data", "wrong"),
    [
        ("kubernetes.io/tls", {}, ["data[tls.crt]", "data[tls.key]"]),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}, []),
        ("kubernetes.io/basic-auth", {}, ["data[username]", "data[password]"]),
        ("kubernetes.io/basic-auth", {"password": ""}, []),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "e30="}, []),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": "eA=="},
            ["data[.dockerconfigjson]"],
        ),
        ("kubernetes.io/dockercfg", {".dockercfg": "W10="}, ["data[.dockercfg]"]),
        (rules.TOKEN_TYPE, {}, [f"metadata.annotations[{rules.ACCOUNT}]"]),
        ("mine", {}, []),
    ],
)
def test_secrets_of_known_types_hold_what_they_must(
    type_: str, data: dict[str, str], wrong: list[str]
) -> None:
    assert paths(rules.validate_secret(secret(type=type_, data=data), None, ADMISSION)) == wrong


@pytest.mark.parametrize(
    ("at", "about", "fits"),
    [("a", "a", True), ("a", "b", False), ("default", "", True), ("a", "", False)],
)
def test_an_event_stands_beside_what_it_tells_of(at: str, about: str, fits: bool) -> None:
    told = Event.model_validate(
        {"metadata": {"namespace": at}, "involvedObject": {"namespace": about}}
    )
    assert (rules.validate_event(told, None, ADMISSION) == []) is fits


def test_an_event_says_what_go_says_of_nothing() -> None:
    event = {"source": {"component": "c"}}
    rules.complete_event(event)
    assert event == {
        "source": {"component": "c"},
        "reportingComponent": "",
        "reportingInstance": "",
    }


def test_a_secrets_type_is_for_life() -> None:
    found = rules.validate_secret(secret(type="b"), secret(type="a"), ADMISSION)
    assert paths(found) == ["type"]
    assert rules.validate_secret(secret(data={"a": "*"}), None, ADMISSION)[0].paths == ("data[a]",)

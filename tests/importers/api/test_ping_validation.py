from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from importers.api.ping import PING_SOURCE
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission, ConfigKind


class Maps:
    """ConfigMaps with the given data; implements Configs."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._data = data

    def get(self, kind: ConfigKind[Any]) -> Any:
        return kind.parse(self._data)


SINK = {"uri": "http://sink.example"}
REF = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "default"}


def errors(spec: dict[str, Any], **settings: str) -> str:
    obj = {
        "apiVersion": PING_SOURCE.api_version,
        "kind": PING_SOURCE.kind,
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"schedule": "* * * * *", "sink": SINK, **spec},
    }
    admission = Admission(
        operation="CREATE",
        user="me",
        now=datetime(2026, 1, 1, tzinfo=UTC),
        configs=Maps({k.replace("_", "-"): v for k, v in settings.items()}),
    )
    return render(PING_SOURCE.validate(PING_SOURCE.view(obj), None, admission))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"sink": {"ref": REF}},
        {"sink": {"ref": REF, "uri": "/path"}},
        {"schedule": "*/5 * * * * *", "timezone": "Asia/Tokyo"},
        {"data": "text"},
        {"data": '{"a": 1}', "contentType": "application/json"},
        {"dataBase64": "AP8=", "contentType": "application/octet-stream"},
        {"dataBase64": "e30=", "contentType": "application/json"},
    ],
)
def test_what_is_right(spec: dict[str, Any]) -> None:
    assert errors(spec) == ""


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"schedule": "x"}, "invalid value: expected 5 or 6 fields, found 1: [x]: spec.schedule"),
        ({"schedule": "@every 1s"}, "unsupported descriptor @every: spec.schedule"),
        ({"timezone": "Mars/Olympus"}, "unknown time zone Mars/Olympus: spec.timezone"),
        ({"sink": {}}, "expected at least one, got none: spec.sink.ref, spec.sink.uri"),
        (
            {"sink": {"ref": {"name": "x"}}},
            "missing field(s): spec.sink.ref.apiVersion, spec.sink.ref.kind",
        ),
        (
            {"data": "a", "dataBase64": "YQ=="},
            "expected exactly one, got both: spec.data, spec.dataBase64",
        ),
        ({"dataBase64": "!"}, "invalid value: illegal base64 data"),
        ({"data": "{", "contentType": "application/json"}, "spec.data"),
        ({"data": "[1]", "contentType": "application/json"}, "spec.data"),
        ({"dataBase64": "ew==", "contentType": "application/json"}, "spec.dataBase64"),
    ],
)
def test_what_is_wrong_is_located(spec: dict[str, Any], says: str) -> None:
    assert says in errors(spec)


def test_all_errors_are_told_at_once() -> None:
    found = errors({"schedule": "x", "sink": {}, "data": "a", "dataBase64": "b"})
    assert found.count("\n") == 2


def test_the_size_limit_of_the_config_map() -> None:
    assert errors({"data": "1234"}, data_max_size="4") == ""
    assert "the data length of 5 bytes exceeds limit set at 4." in errors(
        {"data": "12345"}, data_max_size="4"
    )
    assert "the dataBase64 length of 8 bytes" in errors(
        {"dataBase64": "AAAAAAAA"}, data_max_size="4"
    )

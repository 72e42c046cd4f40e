from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.base.errors import UserError
from tanebi.cli.ports import Forward, Wanted, parse_port, resolve

POD: dict[str, Any] = {
    "metadata": {"name": "p"},
    "spec": {
        "containers": [{"ports": [{"containerPort": 8080, "name": "http"}, {"containerPort": 9}]}]
    },
}
BARE: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{}]}}


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"ports": list(ports), **spec}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", Wanted(None, "80")),
        ("9000:80", Wanted(9000, "80")),
        (":80", Wanted(0, "80")),
        ("0:80", Wanted(0, "80")),
        ("http", Wanted(None, "http")),
        ("9000:http", Wanted(9000, "http")),
    ],
)
def test_what_is_wanted(text: str, expected: Wanted) -> None:
    assert parse_port(text) == expected


@pytest.mark.parametrize(
    "text", ["", ":", "80:", "0", "65536", "x:80", "-1:80", "1:2:3", "80:0", "٣:80"]
)
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_port(text)
    assert raised.value.code == "usage"


@given(st.text(max_size=12))
def test_any_text_is_ports_or_an_error_of_the_user(text: str) -> None:
    try:
        assert parse_port(text).remote
    except UserError:
        pass


@pytest.mark.parametrize(
    ("text", "of", "expected"),
    [
        ("80", None, Forward(80, 80)),
        ("http", None, Forward(8080, 8080)),
        (":http", None, Forward(0, 8080)),
        ("80", service({"port": 80, "targetPort": 8080}), Forward(80, 8080)),
        ("9000:80", service({"port": 80, "targetPort": "http"}), Forward(9000, 8080)),
        ("web", service({"port": 80, "name": "web", "targetPort": "8081"}), Forward(80, 8081)),
        ("80", service({"port": 80}), Forward(80, 80)),
        ("80", service({"port": 80, "targetPort": 8080}, clusterIP="None"), Forward(80, 80)),
    ],
)
def test_where_it_leads(text: str, of: dict[str, Any] | None, expected: Forward) -> None:
    assert resolve(parse_port(text), POD, of) == expected


@pytest.mark.parametrize(
    ("text", "pod", "of", "hint"),
    [
        ("grpc", POD, None, "it has: 8080 (http), 9"),
        ("grpc", BARE, None, "it declares no ports"),
        ("81", POD, service({"port": 80, "name": "web"}), "it has: 80 (web)"),
        ("81", POD, service(), "it has no ports"),
        ("80", BARE, service({"port": 80, "targetPort": "http"}), "it declares no ports"),
    ],
)
def test_what_leads_nowhere(
    text: str, pod: dict[str, Any], of: dict[str, Any] | None, hint: str
) -> None:
    with pytest.raises(UserError) as raised:
        resolve(parse_port(text), pod, of)
    assert (raised.value.code, raised.value.hint) == ("no-stream", hint)

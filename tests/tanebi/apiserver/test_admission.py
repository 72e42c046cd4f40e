"""Defaults, rules, unknown fields, and how refusals read."""

from __future__ import annotations

import pytest

from tanebi.apiserver.admission import warning_headers
from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, config_map, widget

pytestmark = pytest.mark.anyio


async def test_defaults_come_from_the_live_settings(api: Api) -> None:
    assert (await api.widget("a"))["spec"]["colour"] == "red"
    shop = "/api/v1/namespaces/knative-serving/configmaps/config-shop"
    headers = {"content-type": "application/merge-patch+json"}
    await api.ok("PATCH", shop, {"data": {"colour": "blue"}}, headers=headers)
    assert (await api.widget("b"))["spec"]["colour"] == "blue"
    status = await api.refused(400, "PATCH", shop, {"data": {"colour": "none"}}, headers=headers)
    assert status["message"] == (
        'admission webhook "config.webhook.serving.knative.dev" denied the request: validation '
        "failed: failed to parse 'colour': 'none' is no colour"
    )
    status = await api.refused(
        400, "PATCH", shop, {"data": {"_example": "edited"}}, headers=headers
    )
    assert 'the update modifies a key in "_example"' in status["message"]
    assert (await api.widget("c"))["spec"]["colour"] == "blue"


async def test_errors_of_knative_kinds_read_as_their_webhooks(api: Api) -> None:
    body = widget("a", spec={"size": -1, "colour": ""})
    status = await api.refused(400, "POST", WIDGETS, body)
    assert status["message"] == (
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation '
        "failed: invalid value: -1: spec.size\nmissing field(s): spec.colour"
    )
    body["spec"] = {"size": "big"}
    status = await api.refused(400, "POST", WIDGETS, body)
    assert status["message"] == (
        'admission webhook "webhook.serving.knative.dev" denied the request: mutation failed: cannot '
        "decode incoming new object: json: cannot unmarshal string into Go struct field "
        "Widget.spec.size of type int64"
    )


async def test_errors_of_built_in_kinds_are_422_with_causes(api: Api) -> None:
    body = config_map("a", **{"bad key": "x"}) | {"binaryData": {"b": "***"}}
    status = await api.refused(422, "POST", CONFIG_MAPS, body)
    assert status["reason"] == "Invalid"
    assert status["message"].startswith('ConfigMap "a" is invalid: [data[bad key]: Invalid value')
    assert status["details"]["name"] == "a"
    assert status["details"]["kind"] == "ConfigMap"
    fields = [cause["field"] for cause in status["details"]["causes"]]
    assert fields == ["data[bad key]", "binaryData[b]"]
    status = await api.refused(422, "POST", CONFIG_MAPS, config_map("Bad"))
    assert status["message"].startswith('ConfigMap "Bad" is invalid: metadata.name: Invalid value')


async def test_warnings_go_out_as_headers(api: Api) -> None:
    answer = await api("POST", WIDGETS, widget("a", spec={"colour": "beige"}))
    assert answer.status == 201
    assert answer.headers["warning"] == '299 - "beige is dull: spec.colour"'


async def test_unknown_fields_by_field_validation(api: Api) -> None:
    body = widget("a", spec={"size": 1, "sise": 2, "free": {"any": "thing"}}) | {"extra": 1}
    status = await api.refused(400, "POST", WIDGETS, body, query={"fieldValidation": "Strict"})
    assert status["message"] == (
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field '
        '"extra", unknown field "spec.sise"'
    )
    answer = await api("POST", WIDGETS, body)
    assert answer.headers["warning"] == (
        '299 - "unknown field \\"extra\\"", 299 - "unknown field \\"spec.sise\\""'
    )
    made = await api.ok("GET", f"{WIDGETS}/a")
    assert made["spec"] == {"size": 1, "free": {"any": "thing"}, "colour": "red"}
    assert "extra" not in made
    answer = await api(
        "POST",
        WIDGETS,
        body | {"metadata": {"name": "b"}},
        query={"fieldValidation": "Ignore"},
    )
    assert "warning" not in answer.headers


async def test_fields_that_stand_twice(api: Api) -> None:
    body = b'{"kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1","x":"2"}}'
    status = await api.refused(400, "POST", CONFIG_MAPS, body, query={"fieldValidation": "Strict"})
    assert 'duplicate field "data.x"' in status["message"]


async def test_complaints_come_in_the_order_of_the_body(api: Api) -> None:
    body = b'{"kind":"ConfigMap","metadata":{"name":"a"},"more":1,"data":{"x":"1","x":"2"}}'
    status = await api.refused(400, "POST", CONFIG_MAPS, body, query={"fieldValidation": "Strict"})
    assert 'unknown field "more", duplicate field "data.x"' in status["message"]


async def test_nulls_are_absent(api: Api) -> None:
    made = await api.ok("POST", WIDGETS, widget("a", spec={"size": None}, labels=None))
    assert "size" not in made["spec"]
    assert "labels" not in made["metadata"]
    await api.refused(
        400, "POST", WIDGETS, {"apiVersion": "tanebi.dev/v1", "kind": "Widget", "metadata": []}
    )


async def test_the_deleting_are_not_validated(api: Api) -> None:
    await api.widget("a", finalizers=["x.y/z"])
    await api.ok("DELETE", f"{WIDGETS}/a")
    headers = {"content-type": "application/merge-patch+json"}
    await api.ok("PATCH", f"{WIDGETS}/a", {"spec": {"size": -1}}, headers=headers)


def test_warning_headers_are_one_line() -> None:
    assert warning_headers([]) == {}
    assert warning_headers(['a "b"\n\\c']) == {"warning": '299 - "a \\"b\\" \\\\c"'}

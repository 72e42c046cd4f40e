"""The codec: every way in, every way out, and what must not come in."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing.events import (
    TTL,
    BadEvent,
    Event,
    check,
    is_event,
    pack,
    parse,
    to_headers,
    to_structured,
    unpack,
    with_extensions,
)

MINIMUM = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
STRUCTURED = [(b"Content-Type", b"application/cloudevents+json; charset=utf-8")]

names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)


def headers(**attributes: str) -> list[tuple[bytes, bytes]]:
    said = {**MINIMUM, **attributes}
    return [(f"Ce-{k}".encode(), v.encode()) for k, v in said.items()]


def structured(**members: object) -> bytes:
    return json.dumps({**MINIMUM, **members}).encode()


def refusal(head: list[tuple[bytes, bytes]], body: bytes = b"") -> BadEvent:
    with pytest.raises(BadEvent) as error:
        parse(head, body)
    return error.value


# --- binary mode ---


def test_binary() -> None:
    found = parse(
        [
            *headers(subject="a%20b", comexampleext="%C3%A9"),
            (b"content-type", b"text/plain; charset=x"),
        ],
        b"\x00\xff",
    )
    assert found.attributes == {
        **MINIMUM,
        "subject": "a b",
        "comexampleext": "é",
        "datacontenttype": "text/plain; charset=x",
    }
    assert found.data == b"\x00\xff"
    assert found.passed == ()


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_version_is_kept(version: str) -> None:
    assert parse(headers(specversion=version), b"").attributes["specversion"] == version


@pytest.mark.parametrize(
    "type_", [b"application/x-thrift", b"application/xml", b"", b"application/json"]
)
def test_any_content_type_is_welcome(type_: bytes) -> None:
    found = parse([*headers(), (b"Content-Type", type_)], b"<a/>")
    assert found.attributes.get("datacontenttype", "").encode() == type_


def test_headers_that_travel_on() -> None:
    found = parse(
        [
            *headers(),
            (b"X-Request-Id", b"1"),
            (b"Knative-Foo", b"2"),
            (b"X-B3-TraceId", b"3"),
            (b"traceparent", b"4"),
            (b"Cookie", b"secret"),
            (b"Authorization", b"secret"),
            (b"Host", b"h"),
        ],
        b"",
    )
    assert found.passed == (
        (b"x-request-id", b"1"),
        (b"knative-foo", b"2"),
        (b"x-b3-traceid", b"3"),
        (b"traceparent", b"4"),
    )
    assert (b"knative-foo", b"2") in found.wire()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"specversion": "19.0"}, "ce-specversion"),
        ({"id": ""}, "ce-id"),
        ({"source": ""}, "ce-source"),
        ({"type": ""}, "ce-type"),
        ({"time": "yesterday"}, "ce-time"),
        ({"time": "2026-13-01T00:00:00Z"}, "ce-time"),
        ({"bad_name": "x"}, "ce-bad_name"),
        ({"subject": "%ZZ"}, "ce-subject"),
        ({"subject": "%FF"}, "ce-subject"),
    ],
)
def test_bad_binary_events(change: dict[str, str], where: str) -> None:
    error = refusal(headers(**change))
    assert error.status == 400
    assert where in str(error)


@pytest.mark.parametrize("name", MINIMUM)
def test_required_attributes(name: str) -> None:
    head = [(k, v) for k, v in headers() if k != f"Ce-{name}".encode()]
    assert f"ce-{name}" in str(refusal(head))


def test_an_attribute_twice() -> None:
    assert "twice" in str(refusal([*headers(), (b"ce-id", b"2")]))


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00Z", "2026-01-01t23:59:60.123456789z", "2026-12-31T00:00:00+05:30"]
)
def test_times(time: str) -> None:
    assert parse(headers(time=time), b"").attributes["time"] == time


# --- structured mode ---


def test_structured_data_keeps_its_text() -> None:
    body = '{"specversion":"1.0","type":"t", "data" : {"b":1.50,"a":[1e2 , "é\\u00e9"]} ,"id":"1","source":"/s"}'
    found = parse(STRUCTURED, body.encode())
    assert found.data == '{"b":1.50,"a":[1e2 , "é\\u00e9"]}'.encode()
    assert found.attributes == {**MINIMUM, "datacontenttype": "application/json"}


@pytest.mark.parametrize(
    ("members", "data", "content_type"),
    [
        ({}, b"", None),
        ({"data": "text", "datacontenttype": "text/plain"}, b"text", "text/plain"),
        ({"data": "text"}, b'"text"', "application/json"),
        ({"data": "text", "datacontenttype": "a/b+json; x=y"}, b'"text"', "a/b+json; x=y"),
        ({"data": [1], "datacontenttype": "text/xml"}, b"[1]", "text/xml"),
        ({"data": None}, b"null", "application/json"),
        ({"data_base64": "AP8="}, b"\x00\xff", None),
        ({"data_base64": "AP8=", "datacontenttype": "image/png"}, b"\x00\xff", "image/png"),
        (
            {"specversion": "0.3", "data": "AP8=", "datacontentencoding": "base64"},
            b"\x00\xff",
            None,
        ),
    ],
)
def test_structured_data(members: dict[str, object], data: bytes, content_type: str | None) -> None:
    found = parse(STRUCTURED, structured(**members))
    assert found.data == data
    assert found.attributes.get("datacontenttype") == content_type
    assert "datacontentencoding" not in found.attributes


def test_structured_attributes_of_other_types() -> None:
    found = parse(STRUCTURED, structured(n=-5, yes=True, no=False, nothing=None))
    assert {k: found.attributes.get(k) for k in ("n", "yes", "no", "nothing")} == {
        "n": "-5",
        "yes": "true",
        "no": "false",
        "nothing": None,
    }


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(STRUCTURED, b"\xef\xbb\xbf" + structured()).attributes == MINIMUM


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"{}", "specversion"),
        (b"{} x", "more text"),
        (b'{"a":1,}', "not a JSON object"),
        (b'{"a" 1}', "not a JSON object"),
        (b"\xff", "UTF-8"),
        (b'{"data":NaN}', "NaN"),
        (b'{"data":' + b"[" * 100_000, "nested"),
        (b'{"id":"1","id":"2"}', "repeated"),
        (structured(data=1, data_base64="AA=="), "data_base64"),
        (structured(data_base64="%"), "base64"),
        (structured(data_base64=5), "base64"),
        (structured(n=1.5), "n:"),
        (structured(n=2**31), "n:"),
        (structured(n={}), "n:"),
        (structured(Bad="x"), "Bad"),
        (
            b'{"specversion":"1.0","id":"1","source":"/","type":"t","datacontenttype":"text/plain","data":"\\ud800"}',
            "surrogate",
        ),
    ],
)
def test_bad_structured_events(body: bytes, where: str) -> None:
    error = refusal(STRUCTURED, body)
    assert error.status == 400
    assert where in str(error)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents-batch+json",
        b"Application/CloudEvents+XML",
        b"application/cloudevents+json; charset=utf-16",
    ],
)
def test_formats_that_are_not_read(content_type: bytes) -> None:
    assert refusal([(b"content-type", content_type)], b"[]").status == 415


# --- out again ---


@given(st.dictionaries(names, texts, max_size=5), st.binary())
def test_what_goes_out_comes_in_again(extensions: dict[str, str], data: bytes) -> None:
    for taken in ("time", "datacontenttype", "specversion", TTL):
        extensions.pop(taken, None)
    event = Event({**MINIMUM, **extensions, "specversion": "1.0"}, data)
    wire = to_headers(event.attributes)
    assert all(0x20 < byte < 0x7F for _, value in wire for byte in value)
    back = parse(wire, event.data)
    assert (back.attributes, back.data) == (event.attributes, event.data)
    stored = unpack(pack(event), event.data)
    assert (stored.attributes, stored.data, stored.passed) == (event.attributes, data, ())


@given(st.dictionaries(names, texts, max_size=5), st.binary())
def test_structured_out_and_in(extensions: dict[str, str], data: bytes) -> None:
    for taken in ("time", "datacontenttype", "datacontentencoding", "data", TTL):
        extensions.pop(taken, None)
    event = Event({**extensions, **MINIMUM}, data)
    head, body = to_structured(event)
    back = parse(head, body)
    assert (back.attributes, back.data) == (event.attributes, event.data)


@pytest.mark.parametrize(
    ("content_type", "data", "member"),
    [
        ("application/json", b'{"a": 1.50}', b'"data":{"a": 1.50}'),
        ("application/json", b"{broken", b'"data_base64":"' + base64.b64encode(b"{broken")),
        ("text/plain", b"hi", b'"data_base64":"aGk="'),
    ],
)
def test_structured_data_out(content_type: str, data: bytes, member: bytes) -> None:
    _, body = to_structured(Event({**MINIMUM, "datacontenttype": content_type}, data))
    assert member in body
    assert json.loads(body)["id"] == "1"


def test_the_hop_limit_stays_inside() -> None:
    event = Event({**MINIMUM, TTL: "7"})
    assert event.ttl == 7
    assert all(b"ttl" not in name for name, _ in event.wire())
    assert b"ttl" not in to_structured(event)[1]


@pytest.mark.parametrize(("said", "ttl"), [("-3", -3), ("many", 255), ("", 255), ("²", 255)])
def test_odd_hop_limits(said: str, ttl: int) -> None:
    assert Event({**MINIMUM, TTL: said}).ttl == ttl


def test_storage_keeps_passed_headers() -> None:
    event = Event(MINIMUM, b"", ((b"x-request-id", b"\xff\x00"),))
    assert unpack(pack(event), b"").passed == event.passed


def test_extensions_are_added_to_a_copy() -> None:
    event = Event(dict(MINIMUM), b"x")
    event.wire()
    more = with_extensions(event, {"knativeerrorcode": "500"})
    assert "knativeerrorcode" not in event.attributes
    assert (b"ce-knativeerrorcode", b"500") in more.wire()
    assert more.data is event.data


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([(b"CE-SpecVersion", b"1.0")], True),
        ([(b"Content-Type", b"application/cloudevents+json")], True),
        ([(b"Content-Type", b"application/json")], False),
        ([], False),
    ],
)
def test_is_event(head: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert is_event(head) is expected


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30)), max_size=8), st.binary())
def test_nothing_but_bad_event_is_raised(head: list[tuple[bytes, bytes]], body: bytes) -> None:
    for extra in ([], headers(), STRUCTURED):
        with contextlib.suppress(BadEvent):
            check(parse([*head, *extra], body).attributes)

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st

from importers.api.event import Event, binary_headers, check
from tanebi.base.errors import UserError

EVENT = Event(type="order.created", source="/shop", id="1")


def headers(event: Event) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in binary_headers(event)}


def test_binary_headers_of_everything() -> None:
    event = replace(
        EVENT,
        content_type="application/json",
        subject="a 1",
        time=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
        schema="http://schema.example/",
        extensions={"color": "red"},
    )
    assert headers(event) == {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/shop",
        "ce-type": "order.created",
        "ce-subject": "a%201",
        "ce-time": "2026-01-02T03:04:05.000006Z",
        "ce-dataschema": "http://schema.example/",
        "ce-color": "red",
        "Content-Type": "application/json",
    }


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40)


@given(subject=text, extension=text)
def test_the_sdk_reads_back_what_we_write(subject: str, extension: str) -> None:
    event = replace(EVENT, subject=subject, extensions={"note": extension})
    read = from_http_event(HTTPMessage(headers(event), b""))
    assert (read.get_subject(), read.get_extension("note")) == (subject, extension)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (replace(EVENT, id=""), "id"),
        (replace(EVENT, source=""), "source"),
        (replace(EVENT, type=""), "type"),
        (replace(EVENT, extensions={"Color": "x"}), "Color"),
        (replace(EVENT, extensions={"a_b": "x"}), "a_b"),
        (replace(EVENT, extensions={"subject": "x"}), "subject"),
        (replace(EVENT, extensions={"data": "x"}), "data"),
    ],
)
def test_what_breaks_the_specification_is_named(event: Event, says: str) -> None:
    with pytest.raises(UserError, match=says):
        check(event)


def test_a_good_event_passes() -> None:
    check(replace(EVENT, extensions={"knativeerrordest": "x", "a1": "y"}))

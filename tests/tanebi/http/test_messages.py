"""Whole messages."""

from __future__ import annotations

import pytest

from tanebi.http.messages import HttpRequest, HttpResponse, header


def test_header_is_the_first_of_its_name_in_any_case() -> None:
    headers = ((b"X-A", b"1"), (b"x-a", b"2"))
    assert header(headers, b"x-a") == b"1"
    assert header(headers, b"x-b") is None


def test_messages_are_values() -> None:
    assert HttpResponse(200) == HttpResponse(200, (), b"")
    request = HttpRequest("GET", "h", "/", ())
    with pytest.raises(AttributeError):
        request.host = "other"  # type: ignore[misc]

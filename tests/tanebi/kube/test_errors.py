from __future__ import annotations

import orjson
import pytest

from tanebi.base.errors import TanebiError, Unavailable
from tanebi.kube import errors
from tanebi.kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Expired,
    NotFound,
    Unreachable,
    from_response,
    from_status,
)


@pytest.mark.parametrize(
    ("status", "reason", "class_"),
    [
        (400, "BadRequest", errors.BadRequest),
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (405, "MethodNotAllowed", errors.MethodNotAllowed),
        (406, "NotAcceptable", errors.NotAcceptable),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Expired),
        (410, "Gone", errors.Expired),
        (413, "RequestEntityTooLarge", errors.TooLarge),
        (415, "UnsupportedMediaType", errors.UnsupportedMediaType),
        (422, "Invalid", errors.InvalidObject),
        (429, "TooManyRequests", errors.TooManyRequests),
        (500, "InternalError", errors.ServerError),
        (503, "ServiceUnavailable", errors.ServiceUnavailable),
        (504, "Timeout", errors.ServerTimeout),
        (418, "Teapot", ApiError),
    ],
)
def test_each_status_has_its_class(status: int, reason: str, class_: type[ApiError]) -> None:
    body = {"kind": "Status", "code": status, "reason": reason, "message": "m", "details": {"a": 1}}
    error = from_response(status, orjson.dumps(body))
    assert type(error) is class_
    assert (error.status, error.reason, error.message) == (status, reason, "m")
    assert error.details == {"a": 1}
    assert from_status(error.to_status()).to_status() == error.to_status()


def test_the_code_of_the_answer_counts_when_the_body_says_none() -> None:
    assert isinstance(from_response(404, b'{"kind":"Status"}'), NotFound)


@pytest.mark.parametrize(
    "body", [b"", b"<html>bad gateway</html>", b"[1]", b'{"kind":"Pod"}', b"\xff"]
)
def test_an_answer_that_is_no_status_is_still_an_error(body: bytes) -> None:
    error = from_response(404, body)
    assert isinstance(error, NotFound)
    assert error.message


def test_a_long_body_is_cut() -> None:
    assert len(from_response(500, b"x" * 100_000).message) == errors.MESSAGE_MAX


def test_odd_members_do_not_break_it() -> None:
    error = from_status({"code": "x", "reason": 3, "message": None, "details": []})
    assert (error.status, error.reason, error.details) == (500, "3", {})
    assert from_status({"code": 200}).status == 500


def test_constructors_know_their_status() -> None:
    error = AlreadyExists('pods "a" already exists', details={"name": "a"})
    assert (error.status, error.reason, error.code) == (409, "AlreadyExists", "already-exists")
    assert isinstance(error, Conflict)
    assert isinstance(error, TanebiError)
    assert error.to_status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'pods "a" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "a"},
        "code": 409,
    }
    assert "details" not in Expired("gone").to_status()


def test_unreachable_may_be_tried_again() -> None:
    error = Unreachable("no connection")
    assert isinstance(error, Unavailable)
    assert error.retry_after_s > 0

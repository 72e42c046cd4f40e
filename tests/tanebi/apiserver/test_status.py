"""Refusals in Kubernetes' words."""

from __future__ import annotations

import orjson

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.fielderrors import FieldError, disallowed, missing
from tanebi.apiserver import status
from tanebi.base.errors import Unavailable


def test_invalid_with_one_and_with_several_causes() -> None:
    one = status.field_causes([missing("spec.a")])
    error = status.invalid(DEPLOYMENT, "d", one)
    assert error.message == 'Deployment.apps "d" is invalid: spec.a: missing field(s)'
    assert error.details["causes"][0]["reason"] == "FieldValueRequired"
    two = status.field_causes([disallowed("a", "b")])
    error = status.invalid(CONFIG_MAP, "c", two)
    assert error.message == (
        'ConfigMap "c" is invalid: [a: must not set the field(s), b: must not set the field(s)]'
    )


def test_reasons_of_causes() -> None:
    for message, reason in (
        ("Duplicate value: x", "FieldValueDuplicate"),
        ("Unsupported value: x", "FieldValueNotSupported"),
        ("Required value", "FieldValueRequired"),
        ("Invalid value: 1", "FieldValueInvalid"),
    ):
        assert status.field_causes([FieldError(message, ("a",))])[0]["reason"] == reason
    found = status.field_causes([FieldError("m", ("a",), details="more")])
    assert found[0]["message"] == "m: more"


def test_an_answer_carries_the_status_and_when_to_come_again() -> None:
    error = status.unavailable(Unavailable("x", "not now", retry_after_s=2.4))
    answer = status.response(error)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    body = orjson.loads(answer.body)
    assert (body["code"], body["reason"], body["message"]) == (503, "ServiceUnavailable", "not now")


def test_the_rest() -> None:
    assert status.wrong_method().status == 405
    assert status.expired("old").status == 410
    assert status.denied("w", "no").message == 'admission webhook "w" denied the request: no'
    assert status.success({"name": "a"})["status"] == "Success"
    details = status.conflict(DEPLOYMENT, "d").details
    assert details == {"name": "d", "group": "apps", "kind": "deployments"}

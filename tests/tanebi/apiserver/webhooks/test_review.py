"""Questions and answers."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from tanebi.api.meta import Key, Obj
from tanebi.apiserver.user import ADMIN
from tanebi.apiserver.webhooks.match import Attempt
from tanebi.apiserver.webhooks.review import (
    BadReview,
    Verdict,
    answer,
    denial,
    patched,
    request_of,
)
from tests.tanebi.apiserver.calling import WIDGET, widget

NAMES = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}


def said(**response: Any) -> bytes:
    return orjson.dumps({**NAMES, "response": {"uid": "1", **response}})


def encoded(value: Any) -> str:
    return base64.b64encode(orjson.dumps(value)).decode()


def test_a_question_about_a_subresource() -> None:
    attempt = Attempt(WIDGET, "UPDATE", Key("ns", "a"), ADMIN, subresource="status")
    request = request_of(attempt, WIDGET, widget("a"), "1")
    assert (request["subResource"], request["requestSubResource"]) == ("status", "status")
    assert request["userInfo"]["groups"] == ["system:masters", "system:authenticated"]


def test_answers() -> None:
    assert answer(said(allowed=True), "1") == Verdict(allowed=True)
    found = answer(said(allowed=False, status={"message": "no"}, warnings=["w"]), "1")
    assert found == Verdict(allowed=False, status={"message": "no"}, warnings=("w",))
    operations = [{"op": "remove", "path": "/x"}]
    found = answer(said(allowed=True, patchType="JSONPatch", patch=encoded(operations)), "1")
    assert found.patch == operations


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"nonsense", "not JSON"),
        (b"{}", "Kind=AdmissionReview"),
        (orjson.dumps({**NAMES, "apiVersion": "admission.k8s.io/v1beta1"}), "v1beta1"),
        (orjson.dumps(NAMES), "response was absent"),
        (said(uid="2"), "expected response.uid"),
        (said(allowed=True, patchType="JSONPatch"), "not response.patch"),
        (said(allowed=True, patch=encoded([])), "unsupported response.patchType"),
        (said(allowed=True, patch="*", patchType="JSONPatch"), "cannot be read"),
    ],
)
def test_what_is_no_answer(body: bytes, text: str) -> None:
    with pytest.raises(BadReview, match=text):
        answer(body, "1")


def test_patches() -> None:
    def after(*operations: Obj) -> Obj:
        return patched(widget("a"), list(operations), WIDGET, WIDGET)

    assert after({"op": "replace", "path": "/spec/size", "value": 2})["spec"] == {"size": 2}
    for operation, text in (
        ({"op": "remove", "path": "/nowhere"}, "does not fit"),
        ({"op": "remove", "path": "/metadata"}, "leaves no object"),
        ({"op": "replace", "path": "/kind", "value": "Pod"}, "changes what kind"),
    ):
        with pytest.raises(BadReview, match=text):
            after(operation)


def test_refusals() -> None:
    def told(**status: Any) -> tuple[int, str]:
        error = denial("w.example.com", Verdict(allowed=False, status=status))
        return error.status, error.message

    start = 'admission webhook "w.example.com" denied the request'
    assert told() == (400, f"{start} without explanation")
    assert told(message="no", code=422) == (422, f"{start}: no")
    assert told(reason="Forbidden", code=200) == (400, f"{start}: Forbidden")

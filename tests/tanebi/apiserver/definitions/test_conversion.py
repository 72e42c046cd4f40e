"""Questions to a conversion webhook and what counts as an answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.definitions.conversion import BadConversion, answer, question
from tests.tanebi.apiserver.definitions.crontabs import crontab

V2 = "stable.example.com/v2"


def review(*objects: Obj, **response: Any) -> bytes:
    said = {"uid": "u", "convertedObjects": list(objects), "result": {"status": "Success"}}
    return orjson.dumps(
        {
            "kind": "ConversionReview",
            "apiVersion": "apiextensions.k8s.io/v1",
            "response": {**said, **response},
        }
    )


def test_what_is_asked() -> None:
    asked = orjson.loads(question([crontab("a")], V2, "u"))["request"]
    assert (asked["uid"], asked["desiredAPIVersion"]) == ("u", V2)
    assert asked["objects"] == [crontab("a")]


def test_a_converter_speaks_for_all_but_the_identity() -> None:
    before = crontab("a")
    before["metadata"] |= {"uid": "1", "resourceVersion": "7", "labels": {"old": ""}}
    after = crontab("a", api_version=V2, image="other")
    after["metadata"] |= {"uid": "1", "resourceVersion": "8", "labels": {"new": ""}}
    (found,) = answer(review(after), "u", [before], V2)
    assert (found["apiVersion"], found["spec"]["image"]) == (V2, "other")
    assert found["metadata"] == before["metadata"] | {"labels": {"new": ""}}


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected webhook response"),
        (orjson.dumps({"kind": "ConversionReview"}), "expected webhook response"),
        (review(uid="other"), 'expected response.uid="u"'),
        (review(result={"status": "Failure", "message": "no idea"}), "no idea"),
        (review(), "returned 0 objects, expected 1"),
        (review(crontab("a")), f"expected {V2}"),
        (review(crontab("b", api_version=V2)), "same name: b"),
        (review({**crontab("a", api_version=V2), "kind": "Other"}), "expected CronTab"),
        (review({"apiVersion": V2}), "no object"),
    ],
)
def test_what_is_no_answer(said: bytes, text: str) -> None:
    with pytest.raises(BadConversion, match=text):
        answer(said, "u", [crontab("a")], V2)

"""Everything that a Revision may do wrong (pod specs are tested with the Service)."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import REVISION
from tanebi.api.fielderrors import render


def revision(image: str = "dev.local/zed", **meta: Any) -> Any:
    return {"metadata": {"name": "r", **meta}, "spec": {"containers": [{"image": image}]}}


def errors(obj: Any, admission: Any, old: Any = None) -> str:
    before = REVISION.view(old) if old is not None else None
    found = REVISION.validate(REVISION.view(obj), before, admission)
    return render(each for each in found if each.level == "error")


def test_a_good_one(admission: Any) -> None:
    assert errors(revision(), admission()) == ""


def test_its_spec_never_changes(admission: Any) -> None:
    assert errors(revision("dev.local/other"), admission("UPDATE"), revision()) == (
        "Immutable fields changed (-old +new): spec\n"
        '{v1.RevisionSpec}.containers[0].image:\n\t-: "dev.local/zed"\n\t+: "dev.local/other"\n'
    )
    assert errors(revision(labels={"a": "b"}), admission("UPDATE"), revision()) == ""


@pytest.mark.parametrize(
    ("meta", "text"),
    [
        (
            {"annotations": {"autoscaling.knative.dev/target": "0"}},
            "target 0 should be at least 0.01: metadata.annotations.autoscaling.knative.dev/target",
        ),
        (
            {"labels": {"serving.knative.dev/configuration": "c"}},
            "missing field(s): metadata.labels.serving.knative.dev/configuration",
        ),
        (
            {"labels": {"serving.knative.dev/odd": "c"}},
            'invalid key name "serving.knative.dev/odd": metadata.labels',
        ),
    ],
)
def test_metadata(admission: Any, meta: Any, text: str) -> None:
    assert errors(revision(**meta), admission()) == text


def test_status_is_not_judged(admission: Any) -> None:
    assert errors(revision(""), admission("UPDATE", subresource="status")) == ""

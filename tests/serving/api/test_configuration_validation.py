"""Everything that a Configuration may do wrong (templates are tested with the Service)."""

from __future__ import annotations

from typing import Any

from serving.api import CONFIGURATION
from tanebi.api.fielderrors import render


def configuration(image: str = "dev.local/zed", **meta: Any) -> Any:
    spec = {"template": {"spec": {"containers": [{"image": image}]}}}
    return {"metadata": {"name": "c", **meta}, "spec": spec}


def errors(obj: Any, admission: Any, old: Any = None) -> str:
    before = CONFIGURATION.view(old) if old is not None else None
    found = CONFIGURATION.validate(CONFIGURATION.view(obj), before, admission)
    return render(each for each in found if each.level == "error")


def test_a_good_one(admission: Any) -> None:
    assert errors(configuration(), admission()) == ""


def test_the_template_is_judged(admission: Any) -> None:
    text = "missing field(s): spec.template.spec.containers[0].image"
    assert errors(configuration(""), admission()) == text


def test_labels_and_makers(admission: Any) -> None:
    state = {"serving.knative.dev/routingState": "active"}
    assert errors(configuration(labels=state), admission()) == ""
    service = {"serving.knative.dev/service": "s"}
    assert "missing field(s)" in errors(configuration(labels=service), admission())
    forged = configuration(annotations={"serving.knative.dev/creator": "x"})
    assert "immutable" in errors(forged, admission("UPDATE"), configuration())


def test_status_is_not_judged(admission: Any) -> None:
    assert errors(configuration(""), admission("UPDATE", subresource="status")) == ""

"""Everything that a Route may do wrong (what it shares with a Service is tested there)."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import ROUTE
from tanebi.api.fielderrors import render


def errors(obj: Any, admission: Any, old: Any = None) -> str:
    before = ROUTE.view(old) if old is not None else None
    return render(ROUTE.validate(ROUTE.view(obj), before, admission))


def route(*traffic: Any, **meta: Any) -> Any:
    return {"metadata": {"name": "r", **meta}, "spec": {"traffic": list(traffic)}}


GOOD = route({"configurationName": "c", "percent": 100})


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (GOOD, ""),
        (
            route({"percent": 100}),
            "expected exactly one, got neither: spec.traffic[0].configurationName, spec.traffic[0].revisionName",
        ),
        (
            route({"percent": 100, "revisionName": "a", "configurationName": "b"}),
            "expected exactly one, got both: spec.traffic[0].configurationName, spec.traffic[0].revisionName",
        ),
        (route(), "Traffic targets sum to 0, want 100: spec.traffic"),
        (
            route(
                {"configurationName": "c", "percent": 100},
                labels={"serving.knative.dev/service": "s"},
            ),
            "missing field(s): metadata.labels.serving.knative.dev/service",
        ),
    ],
)
def test_routes(admission: Any, obj: Any, text: str) -> None:
    assert errors(obj, admission()) == text


def test_a_bad_name_of_a_target(admission: Any) -> None:
    text = errors(route({"percent": 100, "revisionName": "a b"}), admission())
    assert text.startswith('invalid key name "a b": spec.traffic[0].revisionName\n')


def test_the_label_of_a_service_needs_that_owner(admission: Any) -> None:
    ref = {"apiVersion": "v1", "kind": "Service", "name": "s", "uid": "u"}
    labels = {"serving.knative.dev/service": "s"}
    obj = route(GOOD["spec"]["traffic"][0], labels=labels, ownerReferences=[ref])
    assert errors(obj, admission()) == ""


def test_who_made_an_owned_route_is_the_owners_business(admission: Any) -> None:
    forged = route(GOOD["spec"]["traffic"][0], annotations={"serving.knative.dev/creator": "x"})
    assert "immutable" in errors(forged, admission("UPDATE"), GOOD)
    ref = {"apiVersion": "v1", "kind": "Service", "name": "s", "uid": "u"}
    forged["metadata"]["ownerReferences"] = [ref]
    assert errors(forged, admission("UPDATE"), GOOD) == ""
    assert errors(forged, admission("UPDATE", subresource="status"), GOOD) == ""

"""Defaults of a Service."""

from __future__ import annotations

import copy
from typing import Any

from serving.api import SERVICE


def service(**spec: Any) -> Any:
    return {"metadata": {"name": "s"}, "spec": {"template": {"spec": {"containers": [{}]}}, **spec}}


def test_all_traffic_goes_to_the_latest(admission: Any) -> None:
    found = SERVICE.defaults(service(), None, admission())
    assert found["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]


def test_the_modifier_follows_the_spec(admission: Any) -> None:
    old = SERVICE.defaults(service(), None, admission(user="first"))
    same = SERVICE.defaults(copy.deepcopy(old), old, admission("UPDATE", user="second"))
    assert same["metadata"]["annotations"]["serving.knative.dev/lastModifier"] == "first"
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["timeoutSeconds"] = 5
    changed = SERVICE.defaults(new, old, admission("UPDATE", user="second"))
    assert changed["metadata"]["annotations"] == {
        "serving.knative.dev/creator": "first",
        "serving.knative.dev/lastModifier": "second",
    }


def test_defaults_of_defaults_are_the_same(admission: Any) -> None:
    once = SERVICE.defaults(service(traffic=[{"percent": 100}]), None, admission())
    assert SERVICE.defaults(copy.deepcopy(once), once, admission("UPDATE", user="x")) == once


def test_status_is_left_alone(admission: Any) -> None:
    obj = service()
    assert (
        SERVICE.defaults(copy.deepcopy(obj), obj, admission("UPDATE", subresource="status")) == obj
    )

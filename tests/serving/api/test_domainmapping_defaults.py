"""A mapping refers to its own namespace, and knows who made it."""

from __future__ import annotations

from typing import Any

from serving.api.domainmapping_defaults import set_domainmapping_defaults


def made(admission: Any, spec: Any, old: Any = None, **options: Any) -> Any:
    obj = {"metadata": {"name": "a.b", "namespace": "n"}, "spec": spec}
    operation = "UPDATE" if old else "CREATE"
    return set_domainmapping_defaults(obj, old, admission(operation, **options))


def test_the_namespace_of_the_reference(admission: Any) -> None:
    assert made(admission, {"ref": {"name": "s"}})["spec"]["ref"] == {"name": "s", "namespace": "n"}
    kept = made(admission, {"ref": {"name": "s", "namespace": "other"}})
    assert kept["spec"]["ref"]["namespace"] == "other"


def test_who_made_it(admission: Any) -> None:
    annotations = made(admission, {"ref": {}})["metadata"]["annotations"]
    assert annotations == {
        "serving.knative.dev/creator": "someone",
        "serving.knative.dev/lastModifier": "someone",
    }
    assert "annotations" not in made(admission, {}, subresource="status")["metadata"]

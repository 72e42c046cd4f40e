"""A try asks what the pods would be told."""

from __future__ import annotations

from typing import Any

from serving.api import CONFIGURATION, SERVICE
from serving.api.dry_run import ALWAYS, try_pod
from serving.api.revision_types import RevisionTemplate
from tanebi.api.fielderrors import render


def template(**container: Any) -> Any:
    spec = {"containers": [{"name": "c", "image": "dev.local/zed", **container}]}
    return {"spec": {**spec, "timeoutSeconds": 3}}


def said(admission: Any, given: Any, *, dry_run: bool = True, always: str = "") -> str:
    view = RevisionTemplate.model_validate(given)
    return render(try_pod(view, admission(dry_run=dry_run), {ALWAYS: always} if always else {}))


def test_a_good_template(admission: Any) -> None:
    assert said(admission, template()) == ""
    probe = {"httpGet": {"port": 0}}
    assert said(admission, template(ports=[{"name": "h2c"}], livenessProbe=probe)) == ""


def test_a_bad_one_is_told_in_kubernetes_words(admission: Any) -> None:
    text = said(admission, template(name="Bad_Name"))
    assert text.startswith(
        'dry run failed with Pod "dry-run-validation" is invalid: '
        'spec.containers[0].name: Invalid value: "Bad_Name": a lowercase RFC 1123 label must'
    )
    assert text.endswith(": spec.template")
    two = template(name="Bad_Name", env=[{"name": "a b", "value": "x"}])
    assert "is invalid: [spec.containers[0]" in said(admission, two)


def test_only_a_try_asks_unless_the_resource_wants_it_always(admission: Any) -> None:
    bad = template(name="Bad_Name")
    assert said(admission, bad, dry_run=False) == ""
    assert said(admission, bad, dry_run=False, always="other") == ""
    assert "Bad_Name" in said(admission, bad, dry_run=False, always="strict")


def test_services_and_lone_configurations_are_tried(admission: Any) -> None:
    obj: Any = {"metadata": {"name": "x"}, "spec": {"template": template(name="Bad_Name")}}
    trying = admission(dry_run=True)
    for kind in (SERVICE, CONFIGURATION):
        levels = [error.level for error in kind.validate(kind.view(obj), None, trying)]
        assert "callback" in levels
    obj["metadata"].update(
        labels={"serving.knative.dev/service": "x"},
        ownerReferences=[{"apiVersion": "v1", "kind": "Service", "name": "x", "uid": "u"}],
    )
    owned = CONFIGURATION.validate(CONFIGURATION.view(obj), None, trying)
    assert [error for error in owned if error.level == "callback"] == []

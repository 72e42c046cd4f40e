"""What makes a DomainMapping wrong: texts and paths."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import DOMAIN_MAPPING
from serving.api.domainmapping_validation import validate_domainmapping
from tanebi.api.fielderrors import render

REF = {"kind": "Service", "name": "s", "namespace": "n", "apiVersion": "serving.knative.dev/v1"}
LABEL = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "
    "an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def refusal(admission: Any, name: str = "a.example.org", ref: Any = None, **meta: Any) -> str:
    obj = {"metadata": {"name": name, "namespace": "n", **meta}, "spec": {"ref": ref or REF}}
    return render(validate_domainmapping(DOMAIN_MAPPING.view(obj), None, admission()))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.example.org", ""),
        ("example.org.", ""),
        (
            "notqualified",
            'invalid name "notqualified": name: Invalid value: "notqualified": should be a domain with at least two segments '
            "separated by dots: metadata.name",
        ),
        ("A.b", f'invalid name "A.b": name: Invalid value: "A.b": {LABEL}: metadata.name'),
        (
            f"{'a' * 64}.b",
            f'invalid name "{"a" * 64}.b": name: Invalid value: "{"a" * 64}": must be no more than 63 characters: metadata.name',
        ),
        (
            "s.n.svc.cluster.local",
            'invalid name "s.n.svc.cluster.local": must not be a subdomain of cluster local domain "cluster.local": '
            "metadata.name",
        ),
        ("mycluster.local", ""),
        ("", 'invalid name "": name: Required value: metadata.name'),
    ],
)
def test_names(admission: Any, name: str, text: str) -> None:
    assert refusal(admission, name) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"name": ""}, "missing field(s): spec.ref.name"),
        ({"kind": ""}, "missing field(s): spec.ref.kind"),
        ({"apiVersion": ""}, "missing field(s): spec.ref.apiVersion"),
        (
            {"namespace": "other"},
            'mismatched namespaces: spec.ref.namespace\nparent namespace: "n" does not match ref: "other"',
        ),
        ({"namespace": ""}, ""),
    ],
)
def test_references(admission: Any, change: Any, text: str) -> None:
    assert refusal(admission, ref={**REF, **change}) == text


def test_no_generated_names(admission: Any) -> None:
    text = refusal(admission, generateName="x-")
    assert text == "must not set the field(s): metadata.generateName"


def test_creator_and_modifier(admission: Any) -> None:
    def view(annotations: Any, ref: Any = REF) -> Any:
        meta = {"name": "a.b", "namespace": "n", "annotations": annotations}
        return DOMAIN_MAPPING.view({"metadata": meta, "spec": {"ref": ref}})

    creator, modifier = "serving.knative.dev/creator", "serving.knative.dev/lastModifier"
    old = view({creator: "a", modifier: "a"})
    forged = validate_domainmapping(view({creator: "b", modifier: "b"}), old, admission("UPDATE"))
    assert render(forged) == (
        f"annotation value is immutable: metadata.annotations.{creator}\n"
        f"invalid value: b: metadata.annotations.{modifier}"
    )
    changed = view({creator: "a", modifier: "b"}, {**REF, "name": "other"})
    assert validate_domainmapping(changed, old, admission("UPDATE")) == []


def test_statuses_and_deleted_ones_are_not_judged(admission: Any) -> None:
    bad = DOMAIN_MAPPING.view({"metadata": {"name": "x", "deletionTimestamp": "now"}})
    assert validate_domainmapping(bad, None, admission()) == []
    bad = DOMAIN_MAPPING.view({"metadata": {"name": "x"}})
    assert validate_domainmapping(bad, None, admission(subresource="status")) == []

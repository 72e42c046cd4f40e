"""The rules of metadata."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, NAMESPACE, SERVICE
from tanebi.apiserver import metadata
from tanebi.kube.errors import BadRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_new_object_gets_what_the_server_sets() -> None:
    meta: dict[str, Any] = {"name": "a", "uid": "mine", "selfLink": "x", "deletionTimestamp": "x"}
    metadata.begin(CONFIG_MAP, meta, uid="u", now=NOW)
    assert meta == {"name": "a", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    with pytest.raises(BadRequest, match="resourceVersion should not be set"):
        metadata.begin(CONFIG_MAP, {"resourceVersion": "1"}, uid="u", now=NOW)


def test_a_writer_has_no_say_in_what_the_server_set() -> None:
    meta = {"name": "a", "uid": "other", "deletionTimestamp": "x", "labels": {"a": "b"}}
    metadata.carry_over(meta, {"uid": "u", "creationTimestamp": "t", "managedFields": [1]})
    assert meta == {
        "name": "a",
        "uid": "u",
        "creationTimestamp": "t",
        "labels": {"a": "b"},
        "managedFields": [1],
    }


def test_name_and_namespace_are_the_urls() -> None:
    meta: dict[str, Any] = {}
    metadata.check_place(CONFIG_MAP, meta, "ns", "a")
    assert meta == {"name": "a", "namespace": "ns"}
    with pytest.raises(BadRequest, match="does not match the namespace sent"):
        metadata.check_place(CONFIG_MAP, {"namespace": "other"}, "ns", "")
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        metadata.check_place(CONFIG_MAP, {"name": "b"}, "ns", "a")
    meta = {"name": "x", "namespace": "ns"}
    metadata.check_place(NAMESPACE, meta, None, "")
    assert meta == {"name": "x"}


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ({"apiVersion": "v2"}, "does not match the expected API version"),
        ({"kind": "Secret"}, "does not match ConfigMap"),
    ],
)
def test_identity(obj: dict[str, Any], text: str) -> None:
    with pytest.raises(BadRequest, match=text):
        metadata.check_identity(CONFIG_MAP, obj)


@pytest.mark.parametrize(
    ("kind", "meta", "field", "text"),
    [
        (CONFIG_MAP, {"name": "A"}, "metadata.name", "a lowercase RFC 1123 subdomain"),
        (CONFIG_MAP, {}, "metadata.name", "name or generateName is required"),
        (SERVICE, {"name": "1a"}, "metadata.name", "a DNS-1035 label"),
        (NAMESPACE, {"name": "a.b"}, "metadata.name", "must not contain dots"),
        (NAMESPACE, {"name": "A"}, "metadata.name", "a lowercase RFC 1123 label"),
        (CONFIG_MAP, {"labels": {"a b": "c"}}, "metadata.labels", "name part must consist"),
        (CONFIG_MAP, {"labels": {"a": "b c"}}, "metadata.labels", "a valid label must be"),
        (CONFIG_MAP, {"annotations": {"/": ""}}, "metadata.annotations", "prefix part"),
        (CONFIG_MAP, {"annotations": {"a": "x" * 300_000}}, "metadata.annotations", "Too long"),
        (CONFIG_MAP, {"finalizers": ["a b"]}, "metadata.finalizers[0]", "name part"),
        (
            CONFIG_MAP,
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x"}]},
            "metadata.ownerReferences.uid",
            "uid must not be empty",
        ),
    ],
)
def test_problems(kind: Any, meta: dict[str, Any], field: str, text: str) -> None:
    found = metadata.problems(kind, {"name": "a", **meta} if meta.get("labels") else meta, None)
    assert [c for c in found if c["field"] == field and text in c["message"]], found


def test_two_controllers_and_late_finalizers_are_refused() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u", "controller": True}
    found = metadata.problems(CONFIG_MAP, {"name": "a", "ownerReferences": [owner, owner]}, None)
    assert "only one reference" in found[0]["message"]
    old = {"deletionTimestamp": "x", "finalizers": ["a.b/c"]}
    found = metadata.problems(CONFIG_MAP, {"finalizers": ["a.b/c", "a.b/d"]}, old)
    assert "no new finalizers can be added" in found[0]["message"]
    assert metadata.problems(CONFIG_MAP, {"finalizers": []}, old) == []


def test_sameness_ignores_versions_and_times_of_managers() -> None:
    one = {"metadata": {"resourceVersion": "1", "managedFields": [{"time": "a"}], "labels": {}}}
    other = {"metadata": {"resourceVersion": "2", "managedFields": [{"time": "b"}]}}
    assert metadata.same(one, other)
    assert not metadata.same(one, other | {"data": {}})
    assert not metadata.same({"metadata": {"labels": {"a": "b"}}}, {"metadata": {}})
    assert not metadata.same({"metadata": {}, "data": 1}, {"metadata": {}, "data": 2})


def test_a_deletion_waits_for_finalizers_grace_and_contents() -> None:
    def finished(kind: str, spec: dict[str, Any], **meta: Any) -> bool:
        return metadata.finished({"kind": kind, "metadata": meta, "spec": spec})

    assert finished("Pod", {}, deletionTimestamp="x")
    assert not finished("Pod", {})
    assert not finished("Pod", {}, deletionTimestamp="x", finalizers=["a"])
    assert not finished("Pod", {}, deletionTimestamp="x", deletionGracePeriodSeconds=30)
    assert not finished("Namespace", {"finalizers": ["kubernetes"]}, deletionTimestamp="x")


def test_order() -> None:
    assert list(metadata.ordered({"data": 1, "metadata": {}, "kind": "x"}, CONFIG_MAP)) == [
        "apiVersion",
        "kind",
        "metadata",
        "data",
    ]

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, NAMESPACE
from tanebi.kube import request
from tanebi.kube.request import PatchType


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (request.collection_path(CONFIG_MAP, "d"), "/api/v1/namespaces/d/configmaps"),
        (request.collection_path(CONFIG_MAP, None), "/api/v1/configmaps"),
        (request.collection_path(DEPLOYMENT, "d"), "/apis/apps/v1/namespaces/d/deployments"),
        (request.collection_path(NAMESPACE, None), "/api/v1/namespaces"),
        (request.collection_path(NAMESPACE, "d"), "/api/v1/namespaces"),
        (request.object_path(NAMESPACE, "", "d"), "/api/v1/namespaces/d"),
        (request.object_path(CONFIG_MAP, "d", "a"), "/api/v1/namespaces/d/configmaps/a"),
        (
            request.object_path(DEPLOYMENT, "d", "a", "scale"),
            "/apis/apps/v1/namespaces/d/deployments/a/scale",
        ),
        (
            request.object_path(CONFIG_MAP, "d", "../x?y"),
            "/api/v1/namespaces/d/configmaps/..%2Fx%3Fy",
        ),
    ],
)
def test_paths(path: str, wanted: str) -> None:
    assert path == wanted


def test_what_names_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        request.get(CONFIG_MAP, "d", "")
    with pytest.raises(ValueError, match="needs a namespace"):
        request.get(CONFIG_MAP, "", "a")
    with pytest.raises(ValueError, match="needs a namespace"):
        request.create(CONFIG_MAP, {"metadata": {"name": "a"}}, manager="m")


def test_list() -> None:
    made = request.list_(
        CONFIG_MAP, "d", labels="a=b", fields="metadata.name=x", limit=5, continue_="t"
    )
    assert made.method == "GET"
    assert made.query == {
        "labelSelector": "a=b",
        "fieldSelector": "metadata.name=x",
        "limit": "5",
        "continue": "t",
    }
    assert request.list_(CONFIG_MAP, None).query == {}


def test_watch() -> None:
    made = request.watch(CONFIG_MAP, None, resource_version="7", timeout_s=30)
    assert made.query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "30",
    }
    assert "resourceVersion" not in request.watch(CONFIG_MAP, None, resource_version="").query


def test_writes_say_who_writes() -> None:
    obj = {"metadata": {"name": "a", "namespace": "d"}, "data": {"x": "é"}}
    made = request.create(CONFIG_MAP, obj, manager="m")
    assert (made.method, made.path, made.query) == (
        "POST",
        "/api/v1/namespaces/d/configmaps",
        {"fieldManager": "m"},
    )
    assert orjson.loads(made.body) == obj
    put = request.update(CONFIG_MAP, obj, manager="m", subresource="status")
    assert (put.method, put.path) == ("PUT", "/api/v1/namespaces/d/configmaps/a/status")


@pytest.mark.parametrize(
    ("type_", "content_type"),
    [
        ("json", "application/json-patch+json"),
        ("merge", "application/merge-patch+json"),
        ("strategic", "application/strategic-merge-patch+json"),
        ("apply", "application/apply-patch+yaml"),
    ],
)
def test_patches(type_: PatchType, content_type: str) -> None:
    body: Any = [{"op": "remove", "path": "/a"}]
    made = request.patch(CONFIG_MAP, "d", "a", body, type=type_, manager="m", force=True)
    assert made.headers["content-type"] == content_type
    assert made.query.get("force") == ("true" if type_ == "apply" else None)
    assert orjson.loads(made.body) == body


def test_delete() -> None:
    plain = request.delete(CONFIG_MAP, "d", "a")
    assert orjson.loads(plain.body) == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
    }
    careful = request.delete(
        CONFIG_MAP, "d", "a", uid="u", resource_version="3", propagation="Orphan", grace_s=0
    )
    options = orjson.loads(careful.body)
    assert options["preconditions"] == {"uid": "u", "resourceVersion": "3"}
    assert options["propagationPolicy"] == "Orphan"
    assert options["gracePeriodSeconds"] == 0

"""One Image for each container, by the digest that runs."""

from __future__ import annotations

from serving.api import REVISION
from serving.reconcile.resources.image_caches import make_image_caches


def test_one_for_each_container() -> None:
    containers = [{"name": "user-container", "image": "i"}, {"name": "side", "image": "j"}]
    revision = REVISION.view(
        {
            "metadata": {"name": "r", "namespace": "n", "uid": "u", "labels": {"a": "b"}},
            "spec": {
                "containers": containers,
                "initContainers": [{"name": "first", "image": "k"}],
                "serviceAccountName": "acc",
                "imagePullSecrets": [{"name": "sec"}],
            },
        }
    )
    made = list(make_image_caches(revision, {"user-container": "i@sha256:1"}))
    assert [(m["metadata"]["name"], m["spec"]["image"]) for m in made] == [
        ("r-cache-first", "k"),
        ("r-cache-user-container", "i@sha256:1"),
        ("r-cache-side", "j"),
    ]
    assert made[0]["spec"]["serviceAccountName"] == "acc"
    assert made[0]["spec"]["imagePullSecrets"] == [{"name": "sec"}]
    assert made[0]["metadata"]["labels"]["a"] == "b"
    assert made[0]["metadata"]["ownerReferences"][0]["name"] == "r"


def test_what_is_not_said_is_left_out() -> None:
    revision = REVISION.view(
        {
            "metadata": {"name": "r", "namespace": "n", "uid": "u"},
            "spec": {"containers": [{"name": "user-container", "image": "i"}]},
        }
    )
    (made,) = make_image_caches(revision, {})
    assert made["spec"] == {"image": "i"}

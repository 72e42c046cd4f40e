"""Image: what a cache of images may look at."""

from __future__ import annotations

from typing import Any

from serving.api.caching import IMAGE, validate_image
from tanebi.api.fielderrors import render
from tanebi.api.meta import unknown_fields


def test_it_names_an_image(admission: Any) -> None:
    spec = {"image": "i", "serviceAccountName": "a", "imagePullSecrets": [{"name": "s"}]}
    full = IMAGE.view({"metadata": {"name": "x", "namespace": "n"}, "spec": spec})
    assert unknown_fields(full) == []
    assert validate_image(full, None, admission()) == []
    empty = IMAGE.view({"metadata": {"name": "x", "namespace": "n"}})
    assert render(validate_image(empty, None, admission())) == "missing field(s): spec.image"


def test_names() -> None:
    assert IMAGE.resource == "images.caching.internal.knative.dev"
    assert [column.name for column in IMAGE.columns] == ["Image"]

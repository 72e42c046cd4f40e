"""Which form an Accept header asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from tanebi.apiserver.history import Entry
from tanebi.apiserver.views import negotiate
from tanebi.kube.errors import BadRequest, NotAcceptable
from tests.tanebi.apiserver.calling import WIDGET, widget

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accept", "shape", "as_yaml"),
    [
        ("", "object", False),
        ("application/json", "object", False),
        ("*/*", "object", False),
        ("application/yaml", "object", True),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "table", False),
        (
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json",
            "object",
            False,
        ),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "partial", False),
        ("application/vnd.kubernetes.protobuf,application/json", "object", False),
        ("application/vnd.kubernetes.protobuf, */*", "object", False),
    ],
)
def test_negotiate(accept: str, shape: str, as_yaml: bool) -> None:
    view = negotiate(WIDGET, accept, {}, now=NOW)
    assert (view.shape, view.as_yaml) == (shape, as_yaml)


def test_watches_are_json_whatever_is_asked() -> None:
    assert not negotiate(WIDGET, "application/yaml", {}, now=NOW, watching=True).as_yaml


def test_what_cannot_be_given() -> None:
    with pytest.raises(NotAcceptable):
        negotiate(WIDGET, "text/csv", {}, now=NOW)
    with pytest.raises(BadRequest):
        negotiate(WIDGET, "application/yaml", {"includeObject": "Half"}, now=NOW)


def test_lists_in_every_form() -> None:
    entries = [Entry.of(widget(name, resourceVersion="1"), 1) for name in "ab"]
    meta = {"resourceVersion": "9"}

    def listed(accept: str) -> bytes:
        view = negotiate(WIDGET, accept, {}, now=NOW)
        return view.whole([view.slice(entries[:1]), view.slice(entries[1:])], meta)

    whole = listed("")
    assert orjson.loads(whole) == {
        "kind": "WidgetList",
        "apiVersion": "tanebi.dev/v1",
        "metadata": meta,
        "items": [entry.obj for entry in entries],
    }
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    partial = orjson.loads(listed(accept))
    assert partial["items"][0]["kind"] == "PartialObjectMetadata"
    assert "spec" not in partial["items"][0]
    yaml = listed("application/yaml")
    assert yaml.startswith(b"kind: WidgetList\n")
    table = orjson.loads(listed("application/json;as=Table;g=meta.k8s.io;v=v1"))
    assert [row["cells"][0] for row in table["rows"]] == ["a", "b"]
    assert negotiate(WIDGET, "", {}, now=NOW).whole([], meta).endswith(b'"items":[]}')

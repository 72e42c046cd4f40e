from __future__ import annotations

from typing import cast

from importers.api.source_kind import source_kind
from importers.api.source_types import Source
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission, Column

UNUSED = cast(Admission, None)


def test_an_author_gets_names_columns_and_rules_for_free() -> None:
    kind = source_kind("MailSource", Source, columns=(Column("Box", ".spec.box"),))
    assert kind.resource == "mailsources.sources.knative.dev"
    assert [c.name for c in kind.columns] == ["Sink", "Box", "Age", "Ready", "Reason"]
    view = kind.view({"metadata": {"name": "m"}, "spec": {"box": "in"}})
    assert "spec.sink" in render(kind.validate(view, None, UNUSED))


def test_the_sinks_namespace_is_the_sources() -> None:
    kind = source_kind("MailSource", Source)
    obj = {"metadata": {"name": "m", "namespace": "ns"}, "spec": {"sink": {"ref": {"name": "b"}}}}
    assert kind.defaults(obj, None, UNUSED)["spec"]["sink"]["ref"]["namespace"] == "ns"

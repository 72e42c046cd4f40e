"""What is filled in and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core import kinds_hosting as kinds
from tanebi.api.core.hosting_rules import CSI_DRIVER_COLUMNS, CSI_NODE_COLUMNS
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission, AnyKind
from tanebi.api.meta import Obj

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY: Any = None


def told(kind: AnyKind, obj: Obj, old: Obj | None = None) -> str:
    admission = Admission("CREATE" if old is None else "UPDATE", "somebody", NOW, NOBODY)
    before = None if old is None else kind.view(old)
    return render(kind.validate(kind.view(obj), before, admission))


def attachment(**spec: Any) -> Obj:
    source = {"persistentVolumeName": "v"}
    return {"spec": {"attacher": "a", "nodeName": "n", "source": source, **spec}}


@pytest.mark.parametrize(
    ("kind", "obj", "old", "words"),
    [
        (kinds.RUNTIME_CLASS, {"handler": "runc"}, None, ""),
        (kinds.RUNTIME_CLASS, {"handler": "No"}, None, 'Invalid value: "No": a lowercase'),
        (kinds.RUNTIME_CLASS, {"handler": "b"}, {"handler": "a"}, "field is immutable: handler"),
        (
            kinds.CSI_DRIVER,
            {"spec": {"attachRequired": True}},
            {"spec": {"attachRequired": False}},
            "field is immutable: spec.attachRequired",
        ),
        (
            kinds.CSI_NODE,
            {"spec": {"drivers": [{"name": "d", "nodeID": "n"}, {"name": "d", "nodeID": "n"}]}},
            None,
            'Duplicate value: "d": spec.drivers[1].name',
        ),
        (kinds.CSI_NODE, {"spec": {"drivers": [{"name": "d"}]}}, None, "spec.drivers[0].nodeID"),
        (kinds.CSI_CAPACITY, {}, None, "Required value: storageClassName"),
        (
            kinds.CSI_CAPACITY,
            {"storageClassName": "b"},
            {"storageClassName": "a"},
            "field is immutable: storageClassName",
        ),
        (kinds.VOLUME_ATTACHMENT, attachment(), None, ""),
        (kinds.VOLUME_ATTACHMENT, attachment(nodeName="m"), attachment(), "immutable: spec"),
        (kinds.VOLUME_ATTACHMENT, attachment(source={}), None, "must specify exactly one of"),
    ],
)
def test_rules(kind: AnyKind, obj: Obj, old: Obj | None, words: str) -> None:
    said = told(kind, obj, old)
    assert words in said
    assert bool(words) == bool(said)


def test_a_driver_is_completed() -> None:
    admission = Admission("CREATE", "somebody", NOW, NOBODY)
    found = kinds.CSI_DRIVER.defaults({"spec": {"attachRequired": False}}, None, admission)
    assert found["spec"]["attachRequired"] is False
    assert found["spec"]["volumeLifecycleModes"] == ["Persistent"]
    modes = next(c for c in CSI_DRIVER_COLUMNS if c.name == "Modes")
    assert modes.cell is not None
    assert modes.cell(found, NOW) == "Persistent"
    assert CSI_NODE_COLUMNS[0].cell is not None
    assert CSI_NODE_COLUMNS[0].cell({"spec": {"drivers": [{}]}}, NOW) == 1

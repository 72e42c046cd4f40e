from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds_administration import FLOW_SCHEMA, PRIORITY_LEVEL
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj

ADMISSION: Any = type("Admission", (), {"subresource": ""})
LEVEL = {"priorityLevelConfiguration": {"name": "low"}}


@pytest.mark.parametrize(
    ("kind", "spec", "paths"),
    [
        (FLOW_SCHEMA, LEVEL, []),
        (FLOW_SCHEMA, {}, ["spec.priorityLevelConfiguration.name"]),
        (FLOW_SCHEMA, {**LEVEL, "matchingPrecedence": 10_001}, ["spec.matchingPrecedence"]),
        (PRIORITY_LEVEL, {"type": "Exempt"}, []),
        (PRIORITY_LEVEL, {"type": "Limited"}, ["spec.limited"]),
        (PRIORITY_LEVEL, {}, ["spec.type"]),
    ],
)
def test_refusals(kind: AnyKind, spec: Obj, paths: list[str]) -> None:
    made = kind.defaults({"metadata": {}, "spec": dict(spec)}, None, ADMISSION)
    assert [e.paths[0] for e in kind.validate(kind.view(made), None, ADMISSION)] == paths


def test_defaults() -> None:
    made = FLOW_SCHEMA.defaults({"spec": {}}, None, ADMISSION)
    assert made["spec"]["matchingPrecedence"] == 1000
    limited = {"limitResponse": {"type": "Queue", "queuing": {}}}
    made = PRIORITY_LEVEL.defaults(
        {"spec": {"type": "Limited", "limited": limited}}, None, ADMISSION
    )
    assert made["spec"]["limited"]["nominalConcurrencyShares"] == 30
    assert made["spec"]["limited"]["limitResponse"]["queuing"]["handSize"] == 8

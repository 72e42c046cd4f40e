from __future__ import annotations

from datetime import UTC, datetime

from tanebi.apiserver.policies.types import BINDING, POLICY
from tests.tanebi.apiserver.policies.asking import binding, policy


def test_views_and_columns() -> None:
    made = policy("true", paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    assert POLICY.view(made).spec.validations[0].expression == "true"
    cells = [column.cell(made, datetime.now(UTC)) for column in POLICY.columns if column.cell]
    assert cells == [1, "v1/ConfigMap"]
    bound = binding("Deny", paramRef={"namespace": "a", "selector": {}})
    assert BINDING.view(bound).spec.policy_name == "sizes"
    cells = [column.cell(bound, datetime.now(UTC)) for column in BINDING.columns if column.cell]
    assert cells == ["a/*"]

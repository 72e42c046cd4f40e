"""Defaults, rules and columns of roles and bindings, in Kubernetes' words."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tanebi.api.core.identity_rules import BINDING_COLUMNS, SERVICE_ACCOUNT_COLUMNS, default_binding
from tanebi.api.core.kinds_identity import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from tanebi.api.kind import AnyKind

ADMISSION: Any = SimpleNamespace()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
USER = {"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}


def errors(kind: AnyKind, obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    meta = {"name": "x", **({"namespace": "ns"} if kind.namespaced else {})}
    view = kind.view({"metadata": meta, **obj})
    before = kind.view({"metadata": meta, **old}) if old else None
    return [f"{e.paths[0]}: {e.message}" for e in kind.validate(view, before, ADMISSION)]


@pytest.mark.parametrize(
    ("kind", "rule", "found"),
    [
        (ROLE, {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, []),
        (CLUSTER_ROLE, {"verbs": ["get"], "nonResourceURLs": ["/x"]}, []),
        (
            ROLE,
            {"verbs": ["get"], "nonResourceURLs": ["/x"]},
            [
                'rules[0].nonResourceURLs: Invalid value: []string{"/x"}: namespaced rules cannot apply '
                "to non-resource URLs"
            ],
        ),
        (
            ROLE,
            {},
            [
                "rules[0].verbs: Required value: verbs must contain at least one value",
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
        ),
    ],
)
def test_roles(kind: AnyKind, rule: dict[str, Any], found: list[str]) -> None:
    assert errors(kind, {"rules": [rule]}) == found


def test_bindings() -> None:
    ref = {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}
    assert errors(ROLE_BINDING, {"roleRef": ref, "subjects": [USER]}) == []
    assert errors(CLUSTER_ROLE_BINDING, {"roleRef": ref}) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'
    ]
    assert errors(ROLE_BINDING, {"roleRef": {"kind": "Role", "apiGroup": "x"}}) == [
        'roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"',
        "roleRef.name: Required value",
    ]
    other = {"roleRef": {**ref, "name": "s"}}
    assert errors(ROLE_BINDING, other, {"roleRef": ref}) == [
        'roleRef: Invalid value: rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"Role", Name:"s"}: '
        "cannot change roleRef"
    ]
    wrong = [{"kind": "Robot", "name": ""}, {"kind": "ServiceAccount", "name": "a"}]
    assert [e.split(":")[0] for e in errors(ROLE_BINDING, {"roleRef": ref, "subjects": wrong})] == [
        "subjects[0].name",
        "subjects[0].kind",
    ]
    everywhere = {"roleRef": {**ref, "kind": "ClusterRole"}, "subjects": wrong[1:]}
    assert errors(CLUSTER_ROLE_BINDING, everywhere) == ["subjects[0].namespace: Required value"]


def test_groups_are_filled_in() -> None:
    subjects = [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]
    done = default_binding({"subjects": subjects}, None, ADMISSION)
    assert done["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert [s.get("apiGroup") for s in done["subjects"]] == ["rbac.authorization.k8s.io", None]


def test_columns() -> None:
    binding = {
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": [USER, {"kind": "ServiceAccount", "name": "s", "namespace": "ns"}],
    }
    cells = [c.cell(binding, NOW) for c in BINDING_COLUMNS if c.cell]
    assert cells == ["Role/r", "u", "", "ns/s"]
    cell = SERVICE_ACCOUNT_COLUMNS[0].cell
    assert cell is not None
    assert cell({"secrets": [{"name": "a"}]}, NOW) == 1

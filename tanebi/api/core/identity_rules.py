"""Defaults, rules and columns of roles and bindings. Pure.

Source: k8s.io/kubernetes pkg/apis/rbac validation and defaults, printers/internalversion. Caller: tanebi.api.core.kinds_identity.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tanebi.api.core.cells import at
from tanebi.api.core.identity import Binding, ClusterRole, PolicyRule, Role
from tanebi.api.fielderrors import FieldError
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

GROUP: Final = "rbac.authorization.k8s.io"
_OF_SUBJECT: Final = {"User": GROUP, "Group": GROUP, "ServiceAccount": ""}


def default_binding(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    obj.setdefault("roleRef", {}).setdefault("apiGroup", GROUP)
    for subject in obj.get("subjects") or ():
        group = _OF_SUBJECT.get(subject.get("kind", ""))
        if group:
            subject.setdefault("apiGroup", group)
    return obj


def validate_role(
    role: Role | ClusterRole, old: Role | ClusterRole | None, admission: Admission
) -> list[FieldError]:
    return [
        error
        for index, rule in enumerate(role.rules or ())
        for error in _rule_errors(
            rule, f"rules[{index}]", namespaced=not isinstance(role, ClusterRole)
        )
    ]


def _rule_errors(rule: PolicyRule, path: str, *, namespaced: bool) -> list[FieldError]:
    def required(name: str, text: str) -> FieldError:
        return FieldError(f"Required value: {text}", (f"{path}.{name}",))

    errors: list[FieldError] = []
    if not rule.verbs:
        errors.append(required("verbs", "verbs must contain at least one value"))
    if rule.non_resource_urls:
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(FieldError(f"Invalid value: {text}", (f"{path}.nonResourceURLs",)))
        return errors
    if not rule.api_groups:
        errors.append(required("apiGroups", "resource rules must supply at least one api group"))
    if not rule.resources:
        errors.append(required("resources", "resource rules must supply at least one resource"))
    return errors


def validate_binding(
    binding: Binding, old: Binding | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    ref = binding.role_ref
    kinds = ("Role", "ClusterRole") if binding.metadata.namespace else ("ClusterRole",)
    if ref.kind not in kinds:
        shown = ", ".join(f'"{kind}"' for kind in kinds)
        errors.append(
            FieldError(
                f'Unsupported value: "{ref.kind}": supported values: {shown}', ("roleRef.kind",)
            )
        )
    if not ref.name:
        errors.append(FieldError("Required value", ("roleRef.name",)))
    if old is not None and old.role_ref != ref:
        errors.append(FieldError("Invalid value: cannot change roleRef", ("roleRef",)))
    for index, subject in enumerate(binding.subjects):
        path = f"subjects[{index}]"
        if subject.kind not in _OF_SUBJECT:
            shown = ", ".join(f'"{kind}"' for kind in sorted(_OF_SUBJECT))
            text = f'Unsupported value: "{subject.kind}": supported values: {shown}'
            errors.append(FieldError(text, (f"{path}.kind",)))
        if not subject.name:
            errors.append(FieldError("Required value", (f"{path}.name",)))
        if subject.kind == "ServiceAccount" and not subject.namespace:
            errors.append(FieldError("Required value", (f"{path}.namespace",)))
    return errors


def _role_cell(obj: Obj, now: datetime) -> Any:
    ref = obj.get("roleRef") or {}
    return f"{ref.get('kind')}/{ref.get('name')}"


def _subjects_cell(kind: str) -> Any:
    def cell(obj: Obj, now: datetime) -> Any:
        found = [s for s in obj.get("subjects") or () if s.get("kind") == kind]
        names = (
            f"{s.get('namespace')}/{s.get('name')}"
            if kind == "ServiceAccount"
            else str(s.get("name"))
            for s in found
        )
        return ", ".join(names)

    return cell


AGE: Final = Column("Age", ".metadata.creationTimestamp", type="date")
CREATED: Final = Column("Created At", type="date", cell=at("metadata.creationTimestamp"))
SERVICE_ACCOUNT_COLUMNS: Final = (
    Column("Secrets", cell=lambda obj, now: len(obj.get("secrets") or ())),
    AGE,
)
ROLE_COLUMNS: Final = (CREATED,)
BINDING_COLUMNS: Final = (
    Column("Role", cell=_role_cell),
    AGE,
    Column("Users", priority=1, cell=_subjects_cell("User")),
    Column("Groups", priority=1, cell=_subjects_cell("Group")),
    Column("ServiceAccounts", priority=1, cell=_subjects_cell("ServiceAccount")),
)

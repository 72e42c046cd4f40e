"""Defaults, rules and columns of roles and bindings. Pure.

Source: k8s.io/kubernetes pkg/apis/rbac validation and defaults, printers/internalversion. Caller: tanebi.api.core.kinds_identity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from tanebi.api.core.cells import at
from tanebi.api.core.identity import Binding, ClusterRole, PolicyRule, Role, Subject
from tanebi.api.core.refusals import GoValue, invalid, one_of, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

GROUP: Final = "rbac.authorization.k8s.io"
_OF_SUBJECT: Final = {"User": GROUP, "Group": GROUP, "ServiceAccount": ""}


def default_binding(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    ref = obj.setdefault("roleRef", {})
    ref["apiGroup"] = ref.get("apiGroup") or GROUP
    for subject in obj.get("subjects") or ():
        group = _OF_SUBJECT.get(subject.get("kind", ""))
        if group:
            subject["apiGroup"] = subject.get("apiGroup") or group
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
    errors: list[FieldError] = []
    if not rule.verbs:
        errors.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    if rule.non_resource_urls:
        if namespaced:
            urls = ", ".join(json.dumps(url) for url in rule.non_resource_urls)
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(invalid(f"{path}.nonResourceURLs", GoValue(f"[]string{{{urls}}}"), text))
        return errors
    if not rule.api_groups:
        errors.append(
            required(f"{path}.apiGroups", "resource rules must supply at least one api group")
        )
    if not rule.resources:
        errors.append(
            required(f"{path}.resources", "resource rules must supply at least one resource")
        )
    return errors


def validate_binding(
    binding: Binding, old: Binding | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    ref, namespaced = binding.role_ref, bool(binding.metadata.namespace)
    kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)
    if ref.api_group != GROUP:
        errors.append(one_of("roleRef.apiGroup", ref.api_group, (GROUP,)))
    if ref.kind not in kinds:
        errors.append(one_of("roleRef.kind", ref.kind, kinds))
    if not ref.name:
        errors.append(required("roleRef.name"))
    for index, subject in enumerate(binding.subjects):
        errors += via(f"subjects[{index}]", _subject_errors(subject, namespaced=namespaced))
    if old is not None and old.role_ref != ref:
        shown = ", ".join(
            f"{name}:{json.dumps(value)}"
            for name, value in (("APIGroup", ref.api_group), ("Kind", ref.kind), ("Name", ref.name))
        )
        errors.append(
            invalid("roleRef", GoValue(f"rbac.RoleRef{{{shown}}}"), "cannot change roleRef")
        )
    return errors


def _subject_errors(subject: Subject, *, namespaced: bool) -> Iterator[FieldError]:
    if not subject.name:
        yield required("name")
    group = _OF_SUBJECT.get(subject.kind)
    if group is None:
        yield one_of("kind", subject.kind, ("ServiceAccount", "User", "Group"))
    elif subject.api_group != group:
        yield one_of("apiGroup", subject.api_group, (group,))
    if subject.kind == "ServiceAccount" and not subject.namespace and not namespaced:
        yield required("namespace")


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

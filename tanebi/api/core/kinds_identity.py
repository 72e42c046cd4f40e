"""Kinds of who may do what: service accounts, roles, bindings, reviews.

Callers: tanebi.api.core.kinds, tanebi.apiserver.server.
"""

from __future__ import annotations

from typing import Final

from tanebi.api.core import identity
from tanebi.api.core.identity_rules import (
    BINDING_COLUMNS,
    GROUP,
    ROLE_COLUMNS,
    SERVICE_ACCOUNT_COLUMNS,
    default_binding,
    validate_binding,
    validate_role,
)
from tanebi.api.kind import AnyKind, Kind

SERVICE_ACCOUNT: Final = Kind(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    identity.ServiceAccount,
    short_names=("sa",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=SERVICE_ACCOUNT_COLUMNS,
)
ROLE: Final = Kind(
    GROUP,
    "v1",
    "Role",
    "roles",
    identity.Role,
    status=False,
    builtin=True,
    has_generation=False,
    columns=ROLE_COLUMNS,
    validate=validate_role,
)
CLUSTER_ROLE: Final = Kind(
    GROUP,
    "v1",
    "ClusterRole",
    "clusterroles",
    identity.ClusterRole,
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=ROLE_COLUMNS,
    validate=validate_role,
)
ROLE_BINDING: Final = Kind(
    GROUP,
    "v1",
    "RoleBinding",
    "rolebindings",
    identity.Binding,
    status=False,
    builtin=True,
    has_generation=False,
    columns=BINDING_COLUMNS,
    defaults=default_binding,
    validate=validate_binding,
)
CLUSTER_ROLE_BINDING: Final = Kind(
    GROUP,
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    identity.Binding,
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=BINDING_COLUMNS,
    defaults=default_binding,
    validate=validate_binding,
)


def _review(group: str, kind: str, *, namespaced: bool = False) -> AnyKind:
    return Kind(
        f"{group}.k8s.io",
        "v1",
        kind,
        f"{kind.lower()}s",
        identity.Review,
        namespaced=namespaced,
        status=False,
        builtin=True,
        has_generation=False,
        virtual=True,
    )


TOKEN_REVIEW: Final = _review("authentication", "TokenReview")
SELF_SUBJECT_REVIEW: Final = _review("authentication", "SelfSubjectReview")
ACCESS_REVIEW: Final = _review("authorization", "SubjectAccessReview")
LOCAL_ACCESS_REVIEW: Final = _review("authorization", "LocalSubjectAccessReview", namespaced=True)
SELF_ACCESS_REVIEW: Final = _review("authorization", "SelfSubjectAccessReview")
SELF_RULES_REVIEW: Final = _review("authorization", "SelfSubjectRulesReview")

IDENTITY_KINDS: Final[tuple[AnyKind, ...]] = (
    SERVICE_ACCOUNT,
    ROLE,
    CLUSTER_ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
)
# Not for caches: there is nothing to list. The API server adds them to its own.
REVIEW_KINDS: Final[tuple[AnyKind, ...]] = (
    TOKEN_REVIEW,
    SELF_SUBJECT_REVIEW,
    ACCESS_REVIEW,
    LOCAL_ACCESS_REVIEW,
    SELF_ACCESS_REVIEW,
    SELF_RULES_REVIEW,
)

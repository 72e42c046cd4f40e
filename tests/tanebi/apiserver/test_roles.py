"""The roles that are there from the start."""

from __future__ import annotations

import pytest

from tanebi.apiserver.rbac import Attributes, allows
from tanebi.apiserver.roles import cluster_role_bindings, cluster_roles
from tanebi.apiserver.user import ANONYMOUS, User
from tests.tanebi.apiserver.test_rbac import Roles

KSVC = Attributes("create", "serving.knative.dev", "services", namespace="ns")
POD = Attributes("list", "", "pods", namespace="ns")
SECRET = Attributes("get", "", "secrets", namespace="ns", name="s")
BINDING = Attributes("create", "rbac.authorization.k8s.io", "rolebindings", namespace="ns")


def policy() -> Roles:
    made = Roles()
    for role in cluster_roles():
        made.roles["", role["metadata"]["name"]] = role
    for binding in cluster_role_bindings():
        made.bound.append(("", binding))
    return made


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("view", (POD,)),
        ("edit", (POD, KSVC, SECRET)),
        ("admin", (POD, KSVC, SECRET, BINDING)),
        ("cluster-admin", (POD, KSVC, SECRET, BINDING)),
        ("knative-serving-admin", (KSVC,)),
    ],
)
def test_what_a_role_gives(role: str, may: tuple[Attributes, ...]) -> None:
    made = policy().bind("ClusterRole", role, "ns", {"kind": "User", "name": "jane"})
    jane = User("jane")
    assert [
        wanted for wanted in (POD, KSVC, SECRET, BINDING) if allows(jane, wanted, made)
    ] == list(may)


def test_who_has_what_without_being_given_it() -> None:
    made = policy()
    known = User("jane", ("system:authenticated",))
    assert allows(ANONYMOUS, Attributes("get", path="/version"), made)
    assert not allows(ANONYMOUS, Attributes("get", path="/api"), made)
    assert allows(known, Attributes("get", path="/apis/apps/v1"), made)
    own = Attributes("create", "authorization.k8s.io", "selfsubjectaccessreviews")
    assert allows(known, own, made)
    assert not allows(known, POD, made)

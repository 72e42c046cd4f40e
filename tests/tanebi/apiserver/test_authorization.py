"""What a request is about, and roles of the store put to use: reading, writing, and giving rights away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tanebi.apiserver import paths
from tanebi.apiserver.authorization import attributes_of
from tanebi.apiserver.rbac import Attributes
from tanebi.apiserver.user import ANONYMOUS, User
from tanebi.kube.transport import Request
from tests.tanebi.apiserver.calling import CONFIG_MAPS, Api, config_map

pytestmark = pytest.mark.anyio

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES = f"{RBAC}/namespaces/default/roles"
BINDINGS = f"{RBAC}/namespaces/default/rolebindings"
JANE = User("jane", ("system:authenticated",))
READER = [{"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps"]}]


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/pods", {}, Attributes("list", "", "pods")),
        ("GET", "/api/v1/pods", {"watch": "true"}, Attributes("watch", "", "pods")),
        ("GET", "/api/v1/namespaces/n/pods/p", {}, Attributes("get", "", "pods", "", "n", "p")),
        (
            "POST",
            "/api/v1/namespaces/n/pods/p/exec",
            {},
            Attributes("create", "", "pods", "exec", "n", "p"),
        ),
        ("GET", "/api/v1/namespaces/n", {}, Attributes("get", "", "namespaces", "", "n", "n")),
        ("PUT", "/apis/g/v1/x/y/status", {}, Attributes("update", "g", "x", "status", "", "y")),
        ("PATCH", "/apis/g/v1/x/y", {}, Attributes("patch", "g", "x", name="y")),
        ("DELETE", "/apis/g/v1/x/y", {}, Attributes("delete", "g", "x", name="y")),
        ("DELETE", "/apis/g/v1/x", {}, Attributes("deletecollection", "g", "x")),
        ("GET", "/version/", {}, Attributes("get", path="/version")),
        ("HEAD", "/healthz", {}, Attributes("get", path="/healthz")),
        ("POST", "/x", {}, Attributes("post", path="/x")),
    ],
)
def test_requests(method: str, path: str, query: dict[str, str], expected: Attributes) -> None:
    assert attributes_of(Request(method, path, query), paths.target(path)) == expected


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


def bound(role: str, kind: str = "Role") -> dict[str, Any]:
    subjects = [{"kind": "User", "name": "jane"}]
    return named(f"to-{role}", roleRef={"kind": kind, "name": role}, subjects=subjects)


async def test_a_role_opens_what_it_names(api: Api) -> None:
    as_jane = replace(api, user=JANE)
    refused = await as_jane.refused(403, "GET", CONFIG_MAPS)
    assert refused["reason"] == "Forbidden"
    assert refused["details"] == {"kind": "configmaps"}
    await api.ok("POST", ROLES, named("reader", rules=READER))
    await api.ok("POST", BINDINGS, bound("reader"))
    await api.ok("POST", CONFIG_MAPS, config_map("a"))
    await as_jane.ok("GET", f"{CONFIG_MAPS}/a")
    await as_jane.refused(403, "DELETE", f"{CONFIG_MAPS}/a")
    await as_jane.refused(403, "GET", "/api/v1/configmaps")
    await as_jane.refused(403, "GET", "/metrics")
    await as_jane.ok("GET", "/apis")
    await api.ok("DELETE", f"{BINDINGS}/to-reader")
    await as_jane.refused(403, "GET", CONFIG_MAPS)


async def test_who_shows_nothing_sees_version_and_health(api: Api) -> None:
    nobody = replace(api, user=ANONYMOUS)
    assert (await nobody("GET", "/version")).status == 200
    assert (await nobody("GET", "/readyz")).status == 200
    await nobody.refused(401, "GET", "/apis")
    await nobody.refused(401, "GET", CONFIG_MAPS)


async def test_rights_that_one_has_not_cannot_be_given_away(api: Api) -> None:
    as_jane = replace(api, user=JANE)
    own = [
        {
            "verbs": ["*"],
            "apiGroups": ["rbac.authorization.k8s.io"],
            "resources": ["roles", "rolebindings"],
        }
    ]
    own[0]["verbs"] = ["get", "create", "update"]
    await api.ok("POST", ROLES, named("keeper", rules=own))
    await api.ok("POST", BINDINGS, bound("keeper"))
    text = (await as_jane.refused(403, "POST", ROLES, named("r", rules=READER)))["message"]
    assert "is attempting to grant RBAC permissions not currently held" in text
    await api.ok("POST", ROLES, named("reader", rules=READER))
    await as_jane.refused(403, "POST", BINDINGS, bound("reader"))
    await as_jane.refused(403, "POST", BINDINGS, bound("cluster-admin", "ClusterRole"))
    await api.ok("POST", BINDINGS, bound("reader"))
    await as_jane.ok("POST", ROLES, named("r", rules=READER))
    free = [
        {
            "verbs": ["bind"],
            "apiGroups": ["*"],
            "resources": ["clusterroles"],
            "resourceNames": ["view"],
        }
    ]
    await api.ok("POST", ROLES, named("binder", rules=free))
    await api.ok("POST", BINDINGS, bound("binder"))
    await as_jane.ok("POST", BINDINGS, bound("view", "ClusterRole"))
    await as_jane.refused(403, "POST", BINDINGS, bound("edit", "ClusterRole"))

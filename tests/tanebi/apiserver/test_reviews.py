"""Questions asked by creating an object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tanebi.apiserver.user import User
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

AUTHN, AUTHZ = "/apis/authentication.k8s.io/v1", "/apis/authorization.k8s.io/v1"
JANE = User("jane", ("devs", "system:authenticated"), "u1")
POD = {"verb": "get", "resource": "pods", "namespace": "default"}


async def ask(api: Api, path: str, **spec: Any) -> Any:
    return (await api.ok("POST", path, {"spec": spec}))["status"]


async def test_who_am_i(api: Api) -> None:
    found = await ask(replace(api, user=JANE), f"{AUTHN}/selfsubjectreviews")
    assert found == {
        "userInfo": {"username": "jane", "uid": "u1", "groups": ["devs", "system:authenticated"]}
    }


async def test_who_is_this(api: Api) -> None:
    found = await ask(api, f"{AUTHN}/tokenreviews", token="no token")
    assert "authenticated" not in found
    assert "invalid bearer token" in found["error"]


async def test_may_i_and_may_they(api: Api) -> None:
    as_jane = replace(api, user=JANE)
    own = f"{AUTHZ}/selfsubjectaccessreviews"
    assert (await ask(api, own, resourceAttributes=POD))["allowed"]
    assert not (await ask(as_jane, own, resourceAttributes=POD))["allowed"]
    path = {"verb": "get", "path": "/version"}
    assert (await ask(as_jane, own, nonResourceAttributes=path))["allowed"]
    others = f"{AUTHZ}/subjectaccessreviews"
    assert not (await ask(api, others, user="jane", resourceAttributes=POD))["allowed"]
    assert (await ask(api, others, groups=["system:masters"], resourceAttributes=POD))["allowed"]
    await as_jane.refused(403, "POST", others, {"spec": {}})
    local = f"{AUTHZ}/namespaces/default/localsubjectaccessreviews"
    assert not (await ask(api, local, user="jane", resourceAttributes=POD))["allowed"]
    elsewhere = {"spec": {"user": "jane", "resourceAttributes": {**POD, "namespace": "x"}}}
    await api.refused(400, "POST", local, elsewhere)


async def test_my_rules(api: Api) -> None:
    path = f"{AUTHZ}/selfsubjectrulesreviews"
    found = await ask(replace(api, user=JANE), path, namespace="default")
    resources = [r for rule in found["resourceRules"] for r in rule["resources"]]
    assert "selfsubjectreviews" in resources
    assert any("/version" in rule["nonResourceURLs"] for rule in found["nonResourceRules"])
    everything = await ask(api, path, namespace="default")
    assert everything["resourceRules"][0]["verbs"] == ["*"]
    await api.refused(400, "POST", path, {"spec": {}})


async def test_nothing_but_asking(api: Api) -> None:
    await api.refused(405, "GET", f"{AUTHN}/tokenreviews")
    await api.refused(405, "POST", f"{AUTHN}/tokenreviews/x")
    await api.refused(400, "POST", f"{AUTHZ}/subjectaccessreviews", {"spec": {"user": "jane"}})
    await api.refused(
        400, "POST", f"{AUTHZ}/subjectaccessreviews", {"spec": {"resourceAttributes": POD}}
    )
    listed = await api.ok("GET", AUTHN)
    assert all(resource["verbs"] == ["create"] for resource in listed["resources"])


async def test_a_review_is_no_table(api: Api) -> None:
    table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    path = f"{AUTHZ}/selfsubjectaccessreviews"
    status = await api.refused(
        406, "POST", path, {"spec": {"resourceAttributes": POD}}, headers=table
    )
    assert status["reason"] == "NotAcceptable"

"""Roles that collect the rules of others show them."""

from __future__ import annotations

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.aggregation import collected
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
PODS: Obj = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
NODES: Obj = {"verbs": ["list"], "apiGroups": [""], "resources": ["nodes"]}


def role(name: str, *rules: Obj, **labels: str) -> Obj:
    return {"metadata": {"name": name, "labels": labels}, "rules": list(rules)}


def collector(**labels: str) -> Obj:
    rule = {"clusterRoleSelectors": [{"matchLabels": labels}]}
    return role("all", to="itself") | {"aggregationRule": rule}


def test_what_is_collected() -> None:
    roles = [role("b", NODES, PODS, to="all"), role("a", PODS, to="all"), role("c", NODES)]
    assert collected(collector(to="all"), roles) == [PODS, NODES]
    assert collected(collector(to="itself"), [collector(to="itself")]) == []
    assert collected(role("plain"), roles) == []


async def test_the_rules_follow_the_roles(running: Api) -> None:
    await running.ok("POST", ROLES, collector(to="all"))
    await running.ok("POST", ROLES, role("a", PODS, to="all"))

    async def shows(*rules: Obj) -> bool:
        found = await running.ok("GET", f"{ROLES}/all")
        return bool((found.get("rules") or []) == list(rules))

    await wait_until(lambda: shows(PODS))
    await running.ok("POST", ROLES, role("b", NODES, to="all"))
    await wait_until(lambda: shows(PODS, NODES))
    await running.ok("DELETE", f"{ROLES}/a")
    await wait_until(lambda: shows(NODES))

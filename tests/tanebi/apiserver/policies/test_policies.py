"""Policies asked about real writes."""

from __future__ import annotations

import pytest

from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, widget
from tests.tanebi.apiserver.policies.asking import BINDINGS, POLICIES, RULE, binding, policy

pytestmark = pytest.mark.anyio
SMALL = "object.spec.size < 5"


async def test_what_a_bound_policy_forbids_is_refused(api: Api) -> None:
    await api.ok("POST", POLICIES, policy(SMALL, message="too big"))
    await api.ok("POST", WIDGETS, widget("free", spec={"size": 9}))  # no binding, no rule
    await api.ok("POST", BINDINGS, binding())
    status = await api.refused(422, "POST", WIDGETS, widget("a", spec={"size": 9}))
    text = "ValidatingAdmissionPolicy 'sizes' with binding 'everywhere' denied request: too big"
    assert status["message"] == f'widgets.tanebi.dev "a" is forbidden: {text}'
    assert status["reason"] == "Invalid"
    assert status["details"]["causes"] == [{"message": text}]
    await api.ok("POST", WIDGETS, widget("a", spec={"size": 1}))
    await api.ok("DELETE", f"{WIDGETS}/free")  # the rule is about creations and changes
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "other"}})


async def test_a_warning_is_no_refusal(api: Api) -> None:
    await api.ok("POST", POLICIES, policy(SMALL))
    await api.ok("POST", BINDINGS, binding("Warn", "Audit"))
    answer = await api("POST", WIDGETS, widget("a", spec={"size": 9}))
    assert answer.status == 201
    assert f"with binding 'everywhere': failed expression: {SMALL}" in answer.headers["warning"]


async def test_bindings_choose_and_rules_leave_out(api: Api) -> None:
    left_out = {"excludeResourceRules": [{**RULE, "resourceNames": ["pardoned"]}]}
    await api.ok("POST", POLICIES, policy("false", matching=left_out))
    chosen = {"objectSelector": {"matchLabels": {"watched": "yes"}}}
    await api.ok("POST", BINDINGS, binding(matchResources=chosen))
    await api.ok("POST", WIDGETS, widget("unwatched"))
    await api.refused(422, "POST", WIDGETS, widget("a", labels={"watched": "yes"}))
    await api.ok("POST", WIDGETS, widget("pardoned", labels={"watched": "yes"}))


async def test_parameters(api: Api) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    limit = policy("object.spec.size < int(params.data.most)", paramKind=kind)
    await api.ok("POST", POLICIES, limit)
    ref = {"name": "limits", "parameterNotFoundAction": "Deny"}
    await api.ok("POST", BINDINGS, binding(paramRef=ref))
    status = await api.refused(422, "POST", WIDGETS, widget("a", spec={"size": 1}))
    assert "no params found" in status["message"]
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "limits"}, "data": {"most": "3"}})
    await api.ok("POST", WIDGETS, widget("a", spec={"size": 1}))
    await api.refused(422, "POST", WIDGETS, widget("b", spec={"size": 3}))
    found = await api.ok("GET", f"{BINDINGS}/everywhere")
    found["spec"]["paramRef"] = {"selector": {"matchLabels": {"a": "b"}}}
    found["spec"]["paramRef"]["parameterNotFoundAction"] = "Allow"
    await api.ok("PUT", f"{BINDINGS}/everywhere", found)
    await api.ok("POST", WIDGETS, widget("b", spec={"size": 9}))


async def test_a_policy_can_always_be_taken_away(api: Api) -> None:
    anything = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
    await api.ok("POST", POLICIES, policy("false", matching={"resourceRules": [anything]}))
    await api.ok("POST", BINDINGS, binding())
    await api.refused(422, "POST", CONFIG_MAPS, {"metadata": {"name": "a"}})
    await api.ok("DELETE", f"{BINDINGS}/everywhere")
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}})

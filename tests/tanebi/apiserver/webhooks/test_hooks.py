"""Webhooks asked about real writes, over real TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.meta import Obj
from tanebi.apiserver.paths import Target
from tanebi.apiserver.streaming.calls import options_of, read_call
from tanebi.kube.errors import ApiError
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import WIDGETS, Api, widget
from tests.tanebi.apiserver.definitions.crontabs import (
    CRDS,
    CRONTABS,
    crontab,
    crontabs,
    version,
)
from tests.tanebi.apiserver.webhooks.answering import (
    MUTATING,
    VALIDATING,
    Answering,
    allow,
    answering,
    configuration,
    hook,
    patch,
)

pytestmark = pytest.mark.anyio

MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
async def peer(tmp_path: Path, api: Api) -> AsyncIterator[Answering]:
    async with answering(tmp_path) as found:
        yield found
        await api.server.objects.hooks.aclose()


async def test_a_mutating_webhook_changes_what_is_stored(api: Api, peer: Answering) -> None:
    peer.judges["/m"] = patch(
        {"op": "add", "path": "/metadata/labels", "value": {"by": "hook"}},
        {"op": "replace", "path": "/spec/size", "value": 5},
        {"op": "replace", "path": "/metadata/name", "value": "other"},
    )
    await api.ok("POST", MUTATING, configuration("Mutating", "m", hook(peer.client("/m"))))
    made = await api.ok("POST", WIDGETS, widget("a"))
    assert (made["spec"]["size"], made["metadata"]["labels"]) == (5, {"by": "hook"})
    assert made["metadata"]["name"] == "a"
    asked = peer.asked[0]
    assert asked["operation"] == "CREATE"
    assert asked["kind"] == {"group": "tanebi.dev", "version": "v1", "kind": "Widget"}
    assert asked["resource"]["resource"] == "widgets"
    assert (asked["name"], asked["namespace"]) == ("a", "default")
    assert asked["userInfo"]["username"] == "kubernetes-admin"
    assert asked["object"]["spec"]["colour"] == "red"  # defaults come first
    assert (asked["oldObject"], asked["dryRun"]) == (None, False)
    assert asked["options"]["kind"] == "CreateOptions"


async def test_a_validating_webhook_sees_the_whole_change_and_may_refuse(
    api: Api, peer: Answering
) -> None:
    def judge(request: Obj) -> Obj:
        if request["operation"] == "DELETE":
            return {"allowed": False, "status": {"message": "it stays", "code": 403}}
        if request["object"]["spec"]["size"] > 3:
            return {"allowed": False, "status": {"message": "too big"}}
        return {"allowed": True, "warnings": ["large enough"]}

    peer.judges["/v"] = judge
    await api.ok("POST", VALIDATING, configuration("Validating", "v", hook(peer.client("/v"))))
    answer = await api("POST", WIDGETS, widget("a"))
    assert answer.headers["warning"] == '299 - "large enough"'
    change = {"spec": {"size": 4}}
    status = await api.refused(400, "PATCH", f"{WIDGETS}/a", change, headers=MERGE)
    assert status["message"] == 'admission webhook "hook.example.com" denied the request: too big'
    assert peer.asked[-1]["oldObject"]["spec"]["size"] == 1
    status = await api.refused(403, "DELETE", f"{WIDGETS}/a")
    assert status["message"] == 'admission webhook "hook.example.com" denied the request: it stays'
    assert peer.asked[-1]["object"] is None
    assert (await api.ok("GET", f"{WIDGETS}/a"))["spec"]["size"] == 1


async def test_one_that_does_not_answer_refuses_or_is_passed_by(api: Api) -> None:
    nobody = {"url": "https://127.0.0.1:1/"}
    path = f"{VALIDATING}/v"
    await api.ok("POST", VALIDATING, configuration("Validating", "v", hook(nobody)))
    status = await api.refused(500, "POST", WIDGETS, widget("a"))
    assert status["reason"] == "InternalError"
    assert status["message"].startswith(
        'Internal error occurred: failed calling webhook "hook.example.com": failed to call '
        'webhook: Post "https://127.0.0.1:1/?timeout=5s": '
    )
    found = await api.ok("GET", path)
    found["webhooks"][0]["failurePolicy"] = "Ignore"
    await api.ok("PUT", path, found)
    await api.ok("POST", WIDGETS, widget("a"))


async def test_nonsense_is_no_answer(api: Api, peer: Answering) -> None:
    peer.judges["/v"] = lambda request: b"{}"
    await api.ok("POST", VALIDATING, configuration("Validating", "v", hook(peer.client("/v"))))
    status = await api.refused(500, "POST", WIDGETS, widget("a"))
    assert "received invalid webhook response" in status["message"]


async def test_one_is_asked_again_when_another_changed_the_object(
    api: Api, peer: Answering
) -> None:
    peer.judges["/first"] = allow
    peer.judges["/second"] = patch({"op": "replace", "path": "/spec/size", "value": 9})
    first = hook(peer.client("/first"), name="a.example.com", reinvocationPolicy="IfNeeded")
    second = hook(peer.client("/second"), name="b.example.com")
    await api.ok("POST", MUTATING, configuration("Mutating", "m", first, second))
    await api.ok("POST", WIDGETS, widget("a"))
    assert [one["object"]["spec"]["size"] for one in peer.asked] == [1, 1, 9]


async def test_dry_runs_reach_webhooks_and_change_nothing(api: Api, peer: Answering) -> None:
    peer.judges["/v"] = allow
    await api.ok("POST", VALIDATING, configuration("Validating", "v", hook(peer.client("/v"))))
    await api.ok("POST", WIDGETS, widget("a"), query={"dryRun": "All"})
    assert peer.asked[0]["dryRun"] is True
    await api.refused(404, "GET", f"{WIDGETS}/a")


async def test_a_write_that_another_overtakes_is_asked_about_anew(
    api: Api, peer: Answering
) -> None:
    """The webhook itself writes the object while it is asked about it."""
    await api.widget("a")
    labels = {"metadata": {"labels": {"x": "y"}}}

    async def judge(request: Obj) -> Obj:
        if len(peer.asked) == 1:
            await api.ok("PATCH", f"{WIDGETS}/a", labels, headers=MERGE)
        return {"allowed": True}

    peer.judges["/v"] = judge
    await api.ok("POST", VALIDATING, configuration("Validating", "v", hook(peer.client("/v"))))
    patched = await api.ok("PATCH", f"{WIDGETS}/a", {"spec": {"size": 2}}, headers=MERGE)
    assert (patched["spec"]["size"], patched["metadata"]["labels"]) == (2, {"x": "y"})
    last = peer.asked[-1]
    assert last["oldObject"]["metadata"]["labels"] == {"x": "y"}


async def test_a_rule_for_one_version_is_for_all(api: Api, peer: Answering) -> None:
    peer.judges["/v"] = allow
    await api.ok("POST", CRDS, crontabs(versions=[version("v1"), version("v2", storage=False)]))
    rule = {
        "operations": ["CREATE"],
        "apiGroups": ["stable.example.com"],
        "apiVersions": ["v1"],
        "resources": ["crontabs"],
    }
    asking = hook(peer.client("/v"), rules=[rule])
    await api.ok("POST", VALIDATING, configuration("Validating", "v", asking))
    newer = CRONTABS.replace("v1", "v2")
    await api.ok("POST", newer, crontab("a", api_version="stable.example.com/v2"))
    assert peer.asked[0]["kind"]["version"] == "v1"
    assert peer.asked[0]["requestKind"]["version"] == "v2"
    assert peer.asked[0]["object"]["apiVersion"] == "stable.example.com/v1"


async def test_match_conditions(api: Api, peer: Answering) -> None:
    peer.judges["/v"] = allow
    condition = {"name": "big", "expression": "object.spec.size > 3"}
    asking = hook(peer.client("/v"), matchConditions=[condition])
    await api.ok("POST", VALIDATING, configuration("Validating", "v", asking))
    await api.ok("POST", WIDGETS, widget("a"))
    assert peer.asked == []
    await api.ok("POST", WIDGETS, widget("b", spec={"size": 4}))
    assert len(peer.asked) == 1


async def test_collectors_outlive_a_refusal(running: Api, tmp_path: Path) -> None:
    """A webhook that refuses deletions holds a namespace up, and no more than that."""
    allowed: list[bool] = []

    def judge(request: Obj) -> Obj:
        return {"allowed": bool(allowed) or request["operation"] != "DELETE"}

    async with answering(tmp_path) as peer:
        peer.judges["/v"] = judge
        asking = hook(peer.client("/v"))
        await running.ok("POST", VALIDATING, configuration("Validating", "v", asking))
        await running.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
        team = WIDGETS.replace("/default/", "/team/")
        await running.ok("POST", team, widget("a"))
        await running.ok("DELETE", "/api/v1/namespaces/team")
        await wait_until(lambda: any(one["operation"] == "DELETE" for one in peer.asked))
        assert running.store.count("widgets.tanebi.dev") == 1
        allowed.append(True)

        def emptied() -> bool:
            running.clock.advance(1.0)
            return running.store.count("widgets.tanebi.dev") == 0

        await wait_until(emptied)
        await running.server.objects.hooks.aclose()


async def test_connections_to_pods_are_asked_about(api: Api, peer: Answering) -> None:
    def judge(request: Obj) -> Obj:
        return {"allowed": request["object"]["container"] != "secret"}

    peer.judges["/v"] = judge
    rule = {
        "operations": ["CONNECT"],
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods/attach"],
    }
    made = hook(peer.client("/v"), rules=[rule])
    await api.ok("POST", VALIDATING, configuration("Validating", "v", made))
    target = Target("", "v1", "pods", "default", "p", "attach")
    options = options_of(read_call(target, [("container", "secret"), ("stdin", "true")]))
    with pytest.raises(ApiError, match="denied the request"):
        await api.server.admit(api.user, POD, target, options)
    (asked,) = peer.asked
    assert asked["kind"]["kind"] == asked["object"]["kind"] == "PodAttachOptions"
    assert (asked["operation"], asked["subResource"], asked["name"]) == ("CONNECT", "attach", "p")
    assert asked["object"]["stdin"] is True
    await api.server.admit(api.user, POD, target, options | {"container": "other"})

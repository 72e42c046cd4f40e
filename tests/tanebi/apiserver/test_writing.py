"""The four patch types through the server, and who owns which field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, config_map, widget
from tests.tanebi.apiserver.definitions.crontabs import CRDS, CRONTABS, crontab, crontabs

pytestmark = pytest.mark.anyio


def typed(kind: str) -> dict[str, str]:
    return {"content-type": f"application/{kind}"}


APPLY = typed("apply-patch+yaml")


async def test_each_patch_type(api: Api) -> None:
    await api.ok("POST", CONFIG_MAPS, config_map("a", x="1"))
    path = f"{CONFIG_MAPS}/a"
    for kind, body, data in (
        ("merge-patch+json", {"data": {"y": "2"}}, {"x": "1", "y": "2"}),
        ("json-patch+json", [{"op": "remove", "path": "/data/x"}], {"y": "2"}),
        ("strategic-merge-patch+json", {"data": {"z": "3"}}, {"y": "2", "z": "3"}),
    ):
        assert (await api.ok("PATCH", path, body, headers=typed(kind)))["data"] == data


async def test_strategic_merge_is_for_built_in_kinds_only(api: Api) -> None:
    await api.widget("a")
    headers = typed("strategic-merge-patch+json")
    await api.refused(415, "PATCH", f"{WIDGETS}/a", {}, headers=headers)


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("merge-patch+json", b"{", 400),
        ("merge-patch+json", [], 400),
        ("json-patch+json", {}, 400),
        ("json-patch+json", [{"op": "remove", "path": "/data/gone"}], 422),
        ("json-patch+json", [{"op": "test", "path": "/data/x", "value": "2"}], 422),
        ("json", {}, 415),
        ("apply-patch+yaml", {}, 422),
        ("merge-patch+json", {"data": {"x": 1}}, 422),
    ],
)
async def test_bad_patches(api: Api, kind: str, body: Any, code: int) -> None:
    made = await api.ok("POST", CONFIG_MAPS, config_map("a", x="1"))
    await api.refused(code, "PATCH", f"{CONFIG_MAPS}/a", body, headers=typed(kind))
    assert await api.ok("GET", f"{CONFIG_MAPS}/a") == made


async def test_apply_creates_changes_and_conflicts(api: Api) -> None:
    path = f"{WIDGETS}/a"
    body = widget("a", spec={"size": 3})
    answer = await api("PATCH", path, body, headers=APPLY, query={"fieldManager": "one"})
    assert answer.status == 201
    managed = (await api.ok("GET", path))["metadata"]["managedFields"]
    assert [(m["manager"], m["operation"]) for m in managed] == [("one", "Apply")]
    body["spec"] = {"size": 4}
    status = await api.refused(
        409, "PATCH", path, body, headers=APPLY, query={"fieldManager": "two"}
    )
    assert status["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "one"',
            "field": ".spec.size",
        }
    ]
    query = {"fieldManager": "two", "force": "true"}
    assert (await api.ok("PATCH", path, body, headers=APPLY, query=query))["spec"]["size"] == 4
    revision = api.store.revision
    await api.ok("PATCH", path, body, headers=APPLY, query=query)
    assert api.store.revision == revision


async def test_apply_wants_a_manager_and_others_no_force(api: Api) -> None:
    status = await api.refused(422, "PATCH", f"{WIDGETS}/a", widget("a"), headers=APPLY)
    assert "fieldManager: Required value" in status["message"]
    await api.widget("a")
    status = await api.refused(
        422,
        "PATCH",
        f"{WIDGETS}/a",
        {},
        headers=typed("merge-patch+json"),
        query={"force": "true"},
    )
    assert "force: Forbidden" in status["message"]


async def test_apply_of_a_status_needs_the_object(api: Api) -> None:
    query = {"fieldManager": "m"}
    body = widget("a") | {"status": {"replicas": 2}}
    await api.refused(404, "PATCH", f"{WIDGETS}/a/status", body, headers=APPLY, query=query)
    made = await api.widget("a")
    after = await api.ok("PATCH", f"{WIDGETS}/a/status", body, headers=APPLY, query=query)
    assert (after["status"], after["spec"]) == ({"replicas": 2}, made["spec"])


async def test_writers_are_remembered(api: Api) -> None:
    await api.ok("POST", WIDGETS, widget("a"), query={"fieldManager": "maker"})
    headers = typed("merge-patch+json") | {"user-agent": "curl/8.0"}
    body = {"spec": {"size": 9}}
    after = await api.ok("PATCH", f"{WIDGETS}/a", body, headers=headers)
    managed = {m["manager"]: m["fieldsV1"] for m in after["metadata"]["managedFields"]}
    assert managed["curl"] == {"f:spec": {"f:size": {}}}
    assert set(managed) == {"maker", "curl"}


async def test_a_patch_with_a_version_is_conditional(api: Api) -> None:
    await api.widget("a")
    body = {"metadata": {"resourceVersion": "1"}, "spec": {"size": 2}}
    await api.refused(409, "PATCH", f"{WIDGETS}/a", body, headers=typed("merge-patch+json"))


async def test_a_strict_apply_has_no_key_twice(api: Api) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: one\n  x: two\n"
    asked = {"fieldManager": "me", "fieldValidation": "Strict"}
    path = f"{CONFIG_MAPS}/a"
    status = await api.refused(400, "PATCH", path, body, headers=APPLY, query=asked)
    assert 'line 6: key "x" already set in map' in status["message"]
    await api.ok("PATCH", path, body, headers=APPLY, query={"fieldManager": "me"})


async def test_metadata_of_a_kind_of_users_is_declared(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    body = crontab("a") | {"metadata": {"name": "a", "more": "than there is"}}
    asked = {"fieldManager": "me"}
    status = await api.refused(500, "PATCH", f"{CRONTABS}/a", body, headers=APPLY, query=asked)
    assert ".metadata.more: field not declared in schema" in status["message"]

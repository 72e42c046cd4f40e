"""The life of a definition: conditions, conflicts of names, and its end."""

from __future__ import annotations

import anyio
import pytest

from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.definitions.crontabs import CRDS, CRONTABS, crontab, crontabs

pytestmark = pytest.mark.anyio

NAME = "crontabs.stable.example.com"


async def conditions(api: Api, name: str) -> dict[str, tuple[str, str]]:
    found = await api.ok("GET", f"{CRDS}/{name}")
    told = found["status"].get("conditions") or []
    return {c["type"]: (c["status"], c["reason"]) for c in told}


async def established(api: Api, name: str) -> dict[str, tuple[str, str]]:
    with anyio.fail_after(5):
        while not (found := await conditions(api, name)):
            await anyio.lowlevel.checkpoint()
    return found


async def test_a_definition_is_established(running: Api) -> None:
    await running.ok("POST", CRDS, crontabs())
    assert await established(running, NAME) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    found = await running.ok("GET", f"{CRDS}/{NAME}")
    assert found["status"]["storedVersions"] == ["v1"]
    assert found["status"]["acceptedNames"]["kind"] == "CronTab"


async def test_what_others_say_of_a_definition_stays(running: Api) -> None:
    await running.ok("POST", CRDS, crontabs())
    await established(running, NAME)
    found = await running.ok("GET", f"{CRDS}/{NAME}")
    found["status"]["conditions"] += [{"type": "Mine", "status": "True"}, {"status": "True"}]
    await running.ok("PUT", f"{CRDS}/{NAME}/status", found)
    await running.ok(
        "POST",
        CRDS,
        crontabs(names={"plural": "other", "kind": "Other"})
        | {"metadata": {"name": "other.stable.example.com"}},
    )
    await established(running, "other.stable.example.com")
    told = (await running.ok("GET", f"{CRDS}/{NAME}"))["status"]["conditions"]
    assert [c.get("type") for c in told] == ["NamesAccepted", "Established", "Mine", None]


async def test_a_name_has_one_owner(running: Api) -> None:
    await running.ok("POST", CRDS, crontabs())
    names = {"plural": "tables", "singular": "table", "kind": "CronTab", "listKind": "Other"}
    other = crontabs(names=names)
    other["metadata"]["name"] = "tables.stable.example.com"
    await running.ok("POST", CRDS, other)
    assert await established(running, "tables.stable.example.com") == {
        "NamesAccepted": ("False", "KindConflict"),
        "Established": ("False", "NotAccepted"),
    }
    tables = CRONTABS.replace("crontabs", "tables")
    await running.refused(404, "GET", tables)
    await running.ok("DELETE", f"{CRDS}/{NAME}")
    await wait_until(lambda: running.server.kinds.of_resource("tables.stable.example.com"))
    assert (await running.ok("GET", tables))["items"] == []


async def test_a_definition_takes_its_objects_with_it(running: Api) -> None:
    await running.ok("POST", CRDS, crontabs())
    await running.ok("POST", CRONTABS, crontab("a"))
    held = crontab("b")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await running.ok("POST", CRONTABS, held)
    watching = await running.stream(CRONTABS, watch="true")
    await running.ok("DELETE", f"{CRDS}/{NAME}")
    await wait_until(lambda: running.store.count(NAME) == 1)
    found = await running.ok("GET", f"{CRDS}/{NAME}")
    assert found["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    status = await running.refused(405, "POST", CRONTABS, crontab("c"))
    assert "custom resource definition is terminating" in status["message"]
    left = await running.ok("GET", f"{CRONTABS}/b")
    left["metadata"]["finalizers"] = []
    await running.ok("PUT", f"{CRONTABS}/b", left)
    with anyio.fail_after(5):
        lines = [line async for chunk in watching for line in chunk.splitlines()]
    assert lines[-1].startswith(b'{"type":"DELETED"')
    await wait_until(lambda: running.server.kinds.of_resource(NAME) is None)
    await running.refused(404, "GET", CRONTABS)
    await running.refused(404, "GET", f"{CRDS}/{NAME}")


async def test_what_a_user_defines_is_collected_and_swept_too(running: Api) -> None:
    await running.ok("POST", CRDS, crontabs())
    await running.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
    mine = CRONTABS.replace("/default/", "/team/")
    owner = await running.ok("POST", mine, crontab("owner"))
    child = crontab("child")
    child["metadata"]["ownerReferences"] = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": "CronTab",
            "name": "owner",
            "uid": owner["metadata"]["uid"],
        }
    ]
    await running.ok("POST", mine, child)
    await running.ok("DELETE", f"{mine}/owner")
    await wait_until(lambda: running.store.count(NAME) == 0)
    await running.ok("POST", mine, crontab("again"))
    await running.ok("DELETE", "/api/v1/namespaces/team")
    await wait_until(lambda: running.store.count(NAME) == 0)

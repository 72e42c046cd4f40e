"""Definitions of users are served: at once, with what their schema says, and back after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.rng import system_rng
from tanebi.testing.clock import FakeClock
from tests.tanebi.apiserver.calling import KINDS, SHOP, Api
from tests.tanebi.apiserver.definitions.crontabs import (
    CRDS,
    CRONTABS,
    crontab,
    crontabs,
    version,
)

pytestmark = pytest.mark.anyio
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


async def test_a_kind_is_there_with_its_definition(api: Api) -> None:
    await api.refused(404, "GET", CRONTABS)
    await api.ok("POST", CRDS, crontabs())
    made = await api.ok("POST", CRONTABS, crontab("a", replicas=2))
    assert made["spec"]["image"] == "busybox"
    assert made["metadata"]["generation"] == 1
    found = await api.ok("GET", CRONTABS)
    assert (found["kind"], found["apiVersion"]) == ("CronTabList", "stable.example.com/v1")
    assert found["items"] == [made]
    table = await api.ok("GET", CRONTABS, headers=TABLE)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Spec", "Age"]
    groups = await api.ok("GET", "/apis/stable.example.com")
    assert groups["preferredVersion"]["version"] == "v1"
    resources = await api.ok("GET", "/apis/stable.example.com/v1")
    names = {r["name"]: r for r in resources["resources"]}
    assert names["crontabs"]["shortNames"] == ["ct"]
    assert {"crontabs/status", "crontabs/scale"} <= names.keys()
    document = await api.ok("GET", "/openapi/v3/apis/stable.example.com/v1")
    assert "com.example.stable.v1.CronTab" in document["components"]["schemas"]


async def test_status_and_scale_are_doors_of_their_own(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    made = await api.ok("POST", CRONTABS, {**crontab("a", replicas=2), "status": {"replicas": 9}})
    assert "status" not in made
    told = await api.ok("PUT", f"{CRONTABS}/a/status", {**made, "status": {"replicas": 2}})
    assert (told["status"], told["metadata"]["generation"]) == ({"replicas": 2}, 1)
    scale = await api.ok("GET", f"{CRONTABS}/a/scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 2})
    scale["spec"]["replicas"] = 3
    await api.ok("PUT", f"{CRONTABS}/a/scale", scale)
    assert (await api.ok("GET", f"{CRONTABS}/a"))["spec"]["replicas"] == 3
    wrong = {**told, "metadata": {"name": "a"}, "status": {"replicas": "many"}}
    status = await api.refused(
        422,
        "PUT",
        f"{CRONTABS}/a/status",
        {
            **wrong,
            "metadata": {
                "name": "a",
                "resourceVersion": (await api.ok("GET", f"{CRONTABS}/a"))["metadata"][
                    "resourceVersion"
                ],
            },
        },
    )
    assert "status.replicas in body must be of type integer" in status["message"]


async def test_what_the_schema_refuses(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    status = await api.refused(422, "POST", CRONTABS, crontab("a", cronSpec="daily", replicas=0))
    assert status["message"] == (
        'CronTab.stable.example.com "a" is invalid: [spec.cronSpec: Invalid value: "daily": '
        r"spec.cronSpec in body should match '^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$', "
        "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1]"
    )
    assert status["details"]["causes"][0]["field"] == "spec.cronSpec"
    status = await api.refused(422, "POST", CRONTABS, crontab("a", replicas=7))
    assert status["message"] == (
        'CronTab.stable.example.com "a" is invalid: spec: Invalid value: "object": seven is taken'
    )
    await api.ok("POST", CRONTABS, crontab("a", policy="Allow"))
    patch = {"spec": {"policy": "Forbid"}}
    headers = {"content-type": "application/merge-patch+json"}
    status = await api.refused(422, "PATCH", f"{CRONTABS}/a", patch, headers=headers)
    assert "spec.policy: Invalid value" in status["message"]
    assert "policy is immutable" in status["message"]


async def test_unknown_fields(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    extra = crontab("a", colour="red", free={"any": {"thing": None}}, note=None)
    strict = {"fieldValidation": "Strict"}
    status = await api.refused(400, "POST", CRONTABS, extra, query=strict)
    assert status["message"] == (
        'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: unknown '
        'field "spec.colour"'
    )
    answer = await api("POST", CRONTABS, extra, query={"fieldValidation": "Warn"})
    assert answer.headers["warning"] == '299 - "unknown field \\"spec.colour\\""'
    spec = (await api.ok("GET", f"{CRONTABS}/a"))["spec"]
    assert "colour" not in spec
    assert (spec["free"], spec["note"]) == ({"any": {"thing": None}}, None)


async def test_apply_goes_by_the_keys_of_the_schema(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    headers = {"content-type": "application/apply-patch+yaml"}
    for manager, step in (("one", "build"), ("two", "test")):
        body = crontab("a", steps=[{"name": step}], tags=[manager])
        query = {"fieldManager": manager}
        await api.ok("PATCH", f"{CRONTABS}/a", body, query=query, headers=headers)
    found = await api.ok("GET", f"{CRONTABS}/a")
    assert [s["name"] for s in found["spec"]["steps"]] == ["build", "test"]
    assert found["spec"]["tags"] == ["one", "two"]
    body = crontab("a", steps=[{"name": "build", "weight": 5}])
    await api.ok("PATCH", f"{CRONTABS}/a", body, query={"fieldManager": "one"}, headers=headers)
    body = crontab("a", steps=[{"name": "build", "weight": 6}])
    status = await api.refused(
        409, "PATCH", f"{CRONTABS}/a", body, query={"fieldManager": "x"}, headers=headers
    )
    assert status["message"] == (
        'Apply failed with 1 conflict: conflict with "one": .spec.steps[name="build"].weight'
    )


async def test_versions_share_their_objects(api: Api) -> None:
    old = version("v1beta1", storage=False)
    del old["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["replicas"]
    old["schema"]["openAPIV3Schema"]["properties"]["spec"].pop("x-kubernetes-validations")
    old["subresources"].pop("scale")
    await api.ok("POST", CRDS, crontabs(versions=[old, version("v1")]))
    groups = await api.ok("GET", "/apis/stable.example.com")
    assert [v["version"] for v in groups["versions"]] == ["v1", "v1beta1"]
    beta = CRONTABS.replace("v1", "v1beta1")
    await api.ok("POST", CRONTABS, crontab("a", replicas=3))
    seen = await api.ok("GET", f"{beta}/a")
    assert seen["apiVersion"] == "stable.example.com/v1beta1"
    assert "replicas" not in seen["spec"]
    written = await api.ok("POST", beta, crontab("b", api_version="stable.example.com/v1beta1"))
    assert written["apiVersion"] == "stable.example.com/v1beta1"
    both = await api.ok("GET", CRONTABS)
    assert {i["apiVersion"] for i in both["items"]} == {"stable.example.com/v1"}
    events = await api.events(beta, 2)
    assert {o["apiVersion"] for _, o in events} == {"stable.example.com/v1beta1"}


async def test_a_new_default_shows_on_what_was_stored_before(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    await api.ok("POST", CRONTABS, crontab("a"))
    found = await api.ok("GET", f"{CRDS}/crontabs.stable.example.com")
    spec = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["policy"]["default"] = "Allow"
    await api.ok("PUT", f"{CRDS}/crontabs.stable.example.com", found)
    assert (await api.ok("GET", f"{CRONTABS}/a"))["spec"]["policy"] == "Allow"


async def test_fields_that_can_be_selected(api: Api) -> None:
    await api.ok("POST", CRDS, crontabs())
    await api.ok("POST", CRONTABS, crontab("a"))
    await api.ok("POST", CRONTABS, crontab("b", image="alpine"))
    found = await api.ok("GET", CRONTABS, query={"fieldSelector": "spec.image=alpine"})
    assert [i["metadata"]["name"] for i in found["items"]] == ["b"]


async def test_own_kinds_are_definitions_too_and_stay(api: Api) -> None:
    found = await api.ok("GET", CRDS)
    assert [item["metadata"]["name"] for item in found["items"]] == ["widgets.tanebi.dev"]
    one = await api.ok("GET", f"{CRDS}/widgets.tanebi.dev")
    assert {c["type"] for c in one["status"]["conditions"]} == {"Established", "NamesAccepted"}
    assert (await api.events(CRDS, 1))[0][1] == one
    for method, body in (("DELETE", None), ("PUT", one)):
        status = await api.refused(403, method, f"{CRDS}/widgets.tanebi.dev", body)
        assert "built into the server" in status["message"]
    status = await api.refused(404, "GET", f"{CRDS}/other")
    before = api.store.revision
    await api.server.install()
    assert api.store.revision == before


async def test_definitions_are_back_after_a_restart(tmp_path: Path) -> None:
    for round_ in range(2):
        store = Store.open(tmp_path / "api.db")
        clock = FakeClock()
        server = ApiServer(store, KINDS, (SHOP,), clock=clock, rng=system_rng(1))
        await server.install()
        api = Api(server, store, clock)
        if round_ == 0:
            await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "default"}})
            await api.ok("POST", CRDS, crontabs())
            await api.ok("POST", CRONTABS, crontab("a"))
        found = await api.ok("GET", f"{CRONTABS}/a")
        assert found["spec"]["image"] == "busybox"
        store.close()

"""What writes mean: metadata, generations, status, finalizers, namespaces, dry runs."""

from __future__ import annotations

import orjson
import pytest

from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, config_map, widget

pytestmark = pytest.mark.anyio

MERGE = {"content-type": "application/merge-patch+json"}


async def test_generation_counts_changes_of_the_spec(api: Api) -> None:
    made = await api.widget("a")
    assert made["metadata"]["generation"] == 1
    labelled = await api.ok(
        "PATCH", f"{WIDGETS}/a", {"metadata": {"labels": {"x": "y"}}}, headers=MERGE
    )
    assert labelled["metadata"]["generation"] == 1
    changed = await api.ok("PATCH", f"{WIDGETS}/a", {"spec": {"size": 5}}, headers=MERGE)
    assert changed["metadata"]["generation"] == 2
    config = await api.ok("POST", CONFIG_MAPS, config_map("a"))
    assert "generation" not in config["metadata"]


async def test_a_write_that_changes_nothing_writes_nothing(api: Api) -> None:
    made = await api.widget("a")
    before = api.store.revision
    assert await api.ok("PUT", f"{WIDGETS}/a", made) == made
    assert await api.ok("PATCH", f"{WIDGETS}/a", {"spec": {"size": 1}}, headers=MERGE) == made
    api.clock.advance(100)
    assert await api.ok("PATCH", f"{WIDGETS}/a", {}, headers=MERGE) == made
    assert api.store.revision == before


async def test_main_and_status_do_not_touch_each_other(api: Api) -> None:
    body = widget("a") | {"status": {"replicas": 9}}
    made = await api.ok("POST", WIDGETS, body)
    assert "status" not in made
    sent = made | {"status": {"replicas": 3}, "spec": {"size": 100}}
    sent["metadata"] = made["metadata"] | {"labels": {"a": "b"}}
    after = await api.ok("PUT", f"{WIDGETS}/a/status", sent)
    assert (after["status"], after["spec"]) == ({"replicas": 3}, made["spec"])
    assert "labels" not in after["metadata"]
    assert after["metadata"]["generation"] == 1
    after = await api.ok("PUT", f"{WIDGETS}/a", after | {"spec": {"size": 2}, "status": {}})
    assert (after["status"], after["spec"]["size"]) == ({"replicas": 3}, 2)
    assert (await api.ok("GET", f"{WIDGETS}/a/status")) == after


async def test_names_are_generated(api: Api) -> None:
    body = widget("x", generateName="w-")
    del body["metadata"]["name"]
    names = {(await api.ok("POST", WIDGETS, body))["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("w-") and len(name) == 7 for name in names)
    body["metadata"] = {"generateName": "w" * 70}
    status = await api.refused(422, "POST", WIDGETS, {**body, "metadata": {}})
    assert "name or generateName is required" in status["message"]
    assert len((await api.ok("POST", WIDGETS, body))["metadata"]["name"]) == 63


async def test_identity_cannot_be_changed(api: Api) -> None:
    made = await api.widget("a")
    other = {**made, "metadata": {**made["metadata"], "uid": "other"}}
    status = await api.refused(409, "PUT", f"{WIDGETS}/a", other)
    assert "UID in precondition: other" in status["message"]
    other = {**made, "metadata": {**made["metadata"], "name": "b"}}
    await api.refused(400, "PUT", f"{WIDGETS}/a", other)
    blind = {**made, "metadata": {"name": "a"}}
    status = await api.refused(422, "PUT", f"{WIDGETS}/a", blind)
    assert "must be specified for an update" in status["message"]
    await api.ok("POST", CONFIG_MAPS, config_map("a"))
    await api.ok("PUT", f"{CONFIG_MAPS}/a", config_map("a", x="blind is fine for built-in kinds"))
    await api.refused(404, "PUT", f"{CONFIG_MAPS}/b", config_map("b"))


async def test_finalizers_hold_an_object_until_the_last_is_gone(api: Api) -> None:
    await api.widget("a", finalizers=["x.y/one", "x.y/two"])
    marked = await api.ok("DELETE", f"{WIDGETS}/a")
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["generation"] == 2
    again = await api.ok("DELETE", f"{WIDGETS}/a")
    assert again["metadata"]["resourceVersion"] == marked["metadata"]["resourceVersion"]
    more = {"metadata": {"finalizers": ["x.y/one", "x.y/three"]}}
    await api.refused(422, "PATCH", f"{WIDGETS}/a", more, headers=MERGE)
    one = {"metadata": {"finalizers": ["x.y/one"]}}
    await api.ok("PATCH", f"{WIDGETS}/a", one, headers=MERGE)
    await api.ok("PATCH", f"{WIDGETS}/a", {"metadata": {"finalizers": None}}, headers=MERGE)
    await api.refused(404, "GET", f"{WIDGETS}/a")


async def test_a_pod_goes_when_its_kubelet_says_so(api: Api) -> None:
    pods = "/api/v1/namespaces/default/pods"
    body = {
        "metadata": {"name": "p"},
        "spec": {"nodeName": "here", "containers": [{"name": "c", "image": "i"}]},
    }
    await api.ok("POST", pods, body)
    marked = await api.ok("DELETE", f"{pods}/p")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    assert (await api.ok("GET", f"{pods}/p"))["metadata"]["deletionTimestamp"]
    gone = await api.ok("DELETE", f"{pods}/p", {"gracePeriodSeconds": 0})
    assert gone["kind"] == "Pod"
    await api.refused(404, "GET", f"{pods}/p")


async def test_a_namespace_must_exist_and_not_be_going(api: Api) -> None:
    path = "/api/v1/namespaces/nope/configmaps"
    status = await api.refused(404, "POST", path, config_map("a") | {"metadata": {"name": "a"}})
    assert status["message"] == 'namespaces "nope" not found'
    status = await api.refused(403, "DELETE", "/api/v1/namespaces/default")
    assert "this namespace may not be deleted" in status["message"]
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "space"}})
    gone = await api.ok("DELETE", "/api/v1/namespaces/space")
    assert gone["status"]["phase"] == "Terminating"
    path = CONFIG_MAPS.replace("default", "space")
    status = await api.refused(403, "POST", path, config_map("a") | {"metadata": {"name": "a"}})
    assert status["message"] == (
        'configmaps "a" is forbidden: unable to create new content in namespace space because it '
        "is being terminated"
    )
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_dry_runs_answer_and_leave_nothing(api: Api) -> None:
    before = api.store.revision
    query = {"dryRun": "All"}
    made = await api.ok("POST", WIDGETS, widget("a"), query=query)
    assert made["spec"]["colour"] == "red"
    await api.refused(404, "GET", f"{WIDGETS}/a")
    assert api.store.revision == before
    made = await api.widget("a")
    patch = {"spec": {"size": 7}}
    shown = await api.ok("PATCH", f"{WIDGETS}/a", patch, headers=MERGE, query=query)
    assert shown["spec"]["size"] == 7
    assert shown["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    await api.refused(422, "POST", WIDGETS, widget("b"), query={"dryRun": "Some"})
    assert (await api.ok("GET", f"{WIDGETS}/a")) == made


@pytest.mark.parametrize("depth", [300, 900, 5000])
async def test_what_is_nested_too_deeply_is_refused(api: Api, depth: int) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    head = b'{"apiVersion":"tanebi.dev/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"free":'
    await api.refused(400, "POST", WIDGETS, head + nested + b"}}")
    await api.widget("b")
    patch = b'{"spec":{"free":' + nested + b"}}"
    await api.refused(400, "PATCH", f"{WIDGETS}/b", patch, headers=MERGE)


async def test_a_broken_disk_is_503_and_reads_go_on(api: Api) -> None:
    made = await api.widget("a")
    api.store._disk.db.execute("PRAGMA query_only=ON")
    status = await api.refused(503, "POST", WIDGETS, widget("b"))
    assert "read-only" in status["message"]
    assert status["reason"] == "ServiceUnavailable"
    assert status["details"]["retryAfterSeconds"] == 30
    assert await api.ok("GET", f"{WIDGETS}/a") == made
    answer = await api("GET", "/readyz")
    assert (answer.status, (await api("GET", "/livez")).status) == (503, 200)
    assert orjson.loads((await api("GET", WIDGETS)).body)["items"] == [made]


async def test_a_status_of_a_built_in_kind_brings_annotations_along(api: Api) -> None:
    path = "/api/v1/namespaces/default/status"
    patch = {"metadata": {"annotations": {"a": "b"}}, "spec": {"finalizers": []}}
    merge = {"content-type": "application/merge-patch+json"}
    after = await api.ok("PATCH", path, patch, headers=merge)
    assert after["metadata"]["annotations"] == {"a": "b"}
    assert after["spec"]["finalizers"] == ["kubernetes"]

"""The resources' doors, end to end over the store: verbs, lists, selectors, pages, refusals."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tanebi.kube.transport import Request, Response
from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, config_map, widget

pytestmark = pytest.mark.anyio

TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
YAML = {"content-type": "application/yaml", "accept": "application/yaml"}


async def test_create_read_replace_delete(api: Api) -> None:
    answer = await api("POST", CONFIG_MAPS, config_map("a", x="1"))
    assert answer.status == 201
    made = orjson.loads(answer.body)
    assert made["metadata"]["uid"]
    assert made["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert await api.ok("GET", f"{CONFIG_MAPS}/a") == made
    changed = await api.ok("PUT", f"{CONFIG_MAPS}/a", {**made, "data": {"x": "2"}})
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    gone = await api.ok("DELETE", f"{CONFIG_MAPS}/a")
    assert (gone["kind"], gone["status"]) == ("Status", "Success")
    assert gone["details"] == {
        "name": "a",
        "kind": "configmaps",
        "uid": made["metadata"]["uid"],
    }
    await api.refused(404, "GET", f"{CONFIG_MAPS}/a")


async def test_the_words_of_refusals(api: Api) -> None:
    status = await api.refused(404, "GET", f"{WIDGETS}/a")
    assert status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'widgets.tanebi.dev "a" not found',
        "reason": "NotFound",
        "details": {"name": "a", "group": "tanebi.dev", "kind": "widgets"},
        "code": 404,
    }
    made = await api.widget("a")
    status = await api.refused(409, "POST", WIDGETS, widget("a"))
    assert status["message"] == 'widgets.tanebi.dev "a" already exists'
    assert status["reason"] == "AlreadyExists"
    made["metadata"]["resourceVersion"] = "1"
    status = await api.refused(409, "PUT", f"{WIDGETS}/a", made)
    assert status["message"] == (
        'Operation cannot be fulfilled on widgets.tanebi.dev "a": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_methods_paths_and_types_that_do_not_exist(api: Api) -> None:
    await api.refused(405, "POST", f"{CONFIG_MAPS}/a", {})
    await api.refused(405, "PUT", CONFIG_MAPS, {})
    await api.refused(405, "POST", "/api/v1/configmaps", config_map("a"))
    await api.refused(404, "GET", "/apis/nowhere/v1/things")
    await api.refused(404, "GET", "/api/v1/namespaces/default/nothings")
    await api.refused(404, "GET", f"{CONFIG_MAPS}/a/status")
    await api.refused(404, "GET", f"{CONFIG_MAPS}/a/scale")
    await api.refused(404, "GET", "/api/v1/configmaps/a")
    await api.refused(415, "POST", CONFIG_MAPS, b"k8s", headers={"content-type": "text/csv"})
    await api.refused(400, "POST", CONFIG_MAPS, b"{")
    await api.refused(406, "GET", CONFIG_MAPS, headers={"accept": "text/csv"})
    status = await api.refused(413, "POST", CONFIG_MAPS, b" " * (3 * 1024 * 1024 + 1))
    assert status["reason"] == "RequestEntityTooLarge"


async def test_lists_narrow_by_namespace_labels_and_fields(api: Api) -> None:
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "red")):
        await api.widget(name, labels={"colour": colour})
    for query, names in (
        ({}, ["a", "b", "c"]),
        ({"labelSelector": "colour=red"}, ["a", "c"]),
        ({"labelSelector": "colour notin (red)"}, ["b"]),
        ({"fieldSelector": "metadata.name=c"}, ["c"]),
        ({"fieldSelector": "metadata.name!=c,metadata.namespace=default"}, ["a", "b"]),
    ):
        found = await api.ok("GET", WIDGETS, query=query)
        assert [item["metadata"]["name"] for item in found["items"]] == names
    assert found["kind"] == "WidgetList"
    assert found["apiVersion"] == "tanebi.dev/v1"
    assert found["metadata"]["resourceVersion"] == str(api.store.revision)
    assert len((await api.ok("GET", "/apis/tanebi.dev/v1/widgets"))["items"]) == 3
    await api.refused(400, "GET", WIDGETS, query={"labelSelector": "a in"})


async def test_pages(api: Api) -> None:
    for name in "abcde":
        await api.widget(name)
    first = await api.ok("GET", WIDGETS, query={"limit": "2"})
    assert first["metadata"]["remainingItemCount"] == 3
    await api.widget("bb")
    rest = await api.ok(
        "GET", WIDGETS, query={"limit": "9", "continue": first["metadata"]["continue"]}
    )
    assert [i["metadata"]["name"] for i in first["items"]] == ["a", "b"]
    assert [i["metadata"]["name"] for i in rest["items"]] == ["c", "d", "e"]
    assert "continue" not in rest["metadata"]
    # All pages are of one moment, and a watch from there misses nothing.
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    await api.refused(400, "GET", WIDGETS, query={"continue": "nonsense"})


async def test_a_version_from_the_future_is_a_timeout(api: Api) -> None:
    status = await api.refused(504, "GET", WIDGETS, query={"resourceVersion": "9999"})
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_tables(api: Api) -> None:
    await api.widget("a")
    table = await api.ok("GET", WIDGETS, headers=TABLE)
    assert table["kind"] == "Table"
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Size", "Ready"]
    assert table["rows"][0]["cells"] == ["a", 1, ""]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    one = await api.ok("GET", f"{WIDGETS}/a", headers=TABLE, query={"includeObject": "Object"})
    assert one["rows"][0]["object"]["spec"]["size"] == 1
    maps = await api.ok("GET", "/api/v1/configmaps", headers=TABLE)
    assert [c["name"] for c in maps["columnDefinitions"]] == ["Name", "Data", "Age"]


async def test_yaml_both_ways(api: Api) -> None:
    answer = await api(
        "POST", CONFIG_MAPS, b"kind: ConfigMap\nmetadata: {name: y}\ndata: {a: b}\n", headers=YAML
    )
    assert answer.status == 201, answer.body
    assert answer.headers["content-type"] == "application/yaml"
    assert b"data:\n  a: b\n" in answer.body


async def test_delete_collection_takes_what_is_selected(api: Api) -> None:
    await api.widget("a", labels={"x": "y"})
    await api.widget("b")
    gone = await api.ok("DELETE", WIDGETS, query={"labelSelector": "x=y"})
    assert [i["metadata"]["name"] for i in gone["items"]] == ["a"]
    left = await api.ok("GET", WIDGETS)
    assert [i["metadata"]["name"] for i in left["items"]] == ["b"]


async def test_delete_options_in_the_body(api: Api) -> None:
    made = await api.widget("a")
    bad = {"preconditions": {"uid": "other"}}
    status = await api.refused(409, "DELETE", f"{WIDGETS}/a", bad)
    assert "the UID in the precondition (other) does not match" in status["message"]
    bad = {"preconditions": {"resourceVersion": "1"}}
    await api.refused(409, "DELETE", f"{WIDGETS}/a", bad)
    await api.ok("DELETE", f"{WIDGETS}/a", {"dryRun": ["All"]})
    await api.ok("GET", f"{WIDGETS}/a")
    await api.ok("DELETE", f"{WIDGETS}/a", {"preconditions": {"uid": made["metadata"]["uid"]}})


async def test_watch_begins_with_what_is_there_or_after_a_version(api: Api) -> None:
    made = await api.widget("a")
    revision = made["metadata"]["resourceVersion"]
    assert await api.events(WIDGETS, 1) == [("ADDED", made)]
    await api.ok("DELETE", f"{WIDGETS}/a")
    events = await api.events(WIDGETS, 1, resourceVersion=revision)
    assert [(t, o["metadata"]["name"]) for t, o in events] == [("DELETED", "a")]
    named = await api.events(f"{WIDGETS}/a", 1, resourceVersion="1")
    assert named[0][1]["metadata"]["name"] == "a"


async def test_watch_list_ends_its_beginning_with_a_bookmark(api: Api) -> None:
    await api.widget("a")
    events = await api.events(
        WIDGETS,
        2,
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
    )
    assert [t for t, _ in events] == ["ADDED", "BOOKMARK"]
    assert events[1][1]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert events[1][1]["metadata"]["resourceVersion"] == str(api.store.revision)


async def test_a_forgotten_version_is_410(api: Api) -> None:
    events = await api.events(WIDGETS, 1, resourceVersion="99999")
    assert [(type_, told["code"], told["reason"]) for type_, told in events] == [
        ("ERROR", 410, "Expired")
    ]


async def test_a_watch_is_forgotten_even_when_it_was_never_read(api: Api) -> None:
    chunks = await api.stream(WIDGETS, watch="true")
    assert api.store.watcher_count == 1
    await chunks.aclose()  # type: ignore[attr-defined]
    assert api.store.watcher_count == 0


async def test_many_writers_of_one_object_lose_no_write(api: Api) -> None:
    await api.ok("POST", CONFIG_MAPS, config_map("a"))

    async def add(i: int) -> None:
        patch = {"data": {f"k{i}": "v"}}
        headers = {"content-type": "application/merge-patch+json"}
        await api.ok("PATCH", f"{CONFIG_MAPS}/a", patch, headers=headers)

    async with anyio.create_task_group() as group:
        for i in range(20):
            group.start_soon(add, i)
    found = await api.ok("GET", f"{CONFIG_MAPS}/a")
    assert len(found["data"]) == 20


async def test_reads_are_the_stored_bytes(api: Api) -> None:
    await api.widget("a")
    entry = api.store.list("widgets.tanebi.dev")[0]
    answer = await api.server.handle(Request("GET", f"{WIDGETS}/a"), api.user)
    assert isinstance(answer, Response)
    assert answer.body is entry.body


async def test_containers_added_to_a_pod_that_runs(api: Api) -> None:
    pods = "/api/v1/namespaces/default/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.ok("POST", pods, pod)
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    door = f"{pods}/p/ephemeralcontainers"

    def adding(**container: object) -> object:
        return {"spec": {"ephemeralContainers": [{"name": "e", "image": "i", **container}]}}

    made = await api.ok("PATCH", door, adding(targetContainerName="c"), headers=strategic)
    (added,) = made["spec"]["ephemeralContainers"]
    assert added["terminationMessagePath"] == "/dev/termination-log", "defaults are filled in"
    assert len((await api.ok("GET", door))["spec"]["ephemeralContainers"]) == 1
    for body, words in (
        (adding(image="j"), 'existing ephemeral containers "e" may not be changed'),
        (adding(name="c"), "Duplicate value"),
        (adding(name="f", targetContainerName="x"), 'Not found: "x"'),
        (adding(name="f", ports=[{"containerPort": 1}]), "cannot be set for an Ephemeral"),
    ):
        refused = await api.refused(422, "PATCH", door, body, headers=strategic)
        assert words in refused["message"]


async def test_annotations_go_with_a_status_of_kubernetes_kinds(api: Api) -> None:
    pods = "/api/v1/namespaces/default/pods"
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.ok("POST", pods, pod)
    body = {"metadata": {"annotations": {"a": "b"}}, "status": {"phase": "Running"}}
    merge = {"content-type": "application/merge-patch+json"}
    told = await api.ok("PATCH", f"{pods}/p/status", body, headers=merge)
    assert (told["metadata"]["annotations"], told["status"]["phase"]) == ({"a": "b"}, "Running")
    await api.ok("POST", WIDGETS, widget("w"))
    told = await api.ok("PATCH", f"{WIDGETS}/w/status", body, headers=merge)
    assert "a" not in (told["metadata"].get("annotations") or {})

"""What every transport to an API server must give: one suite, several backends.

`embedded` is a function call, `faulty` a fault injector that injects nothing, `network` the official client's TLS and credentials
against the HTTPS door of the same server, `direct` our own way to the same door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from pydantic import Field

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, LEASE, NAMESPACE, POD, SERVICE
from tanebi.api.kind import Kind, ScalePaths
from tanebi.api.meta import Obj, Resource
from tanebi.kube.client import Kube
from tanebi.kube.direct import of_kubeconfig
from tanebi.kube.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Conflict,
    Expired,
    InvalidObject,
    NotFound,
    UnsupportedMediaType,
)
from tanebi.kube.faulty import FaultyTransport, never
from tanebi.kube.network import connect
from tanebi.kube.request import PatchType
from tanebi.kube.transport import Request
from tanebi.kube.watch import Added, Bookmark, Deleted, Failed, Modified, WatchEvent, WatchParser
from tanebi.testing.control import NS, ControlPlane, control_plane, https_door
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.definitions.crontabs import CRONTABS, crontab, crontabs

pytestmark = pytest.mark.anyio


class Thing(Resource):
    spec: dict[str, Any] = Field(default_factory=dict)
    status: dict[str, Any] = Field(default_factory=dict)


THING = Kind(
    "tanebi.dev", "v1", "Thing", "things", Thing, scale=ScalePaths(".spec.size", ".status.size")
)
CHANGES_MAX = 64


@pytest.fixture(params=["embedded", "faulty", "network", "direct"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path, kinds=[THING], changes_max=CHANGES_MAX) as made:
        yield made


@pytest.fixture
async def kube(backend: str, control: ControlPlane, tmp_path: Path) -> AsyncIterator[Kube]:
    match backend:
        case "embedded":
            yield Kube(control.transport, field_manager="contract")
        case "faulty":
            faulty = FaultyTransport(control.transport, never, clock=control.clock)
            yield Kube(faulty, field_manager="contract")
        case "network":
            async with https_door(control, tmp_path) as kubeconfig, connect(kubeconfig) as network:
                yield Kube(network, field_manager="contract")
        case "direct":
            async with https_door(control, tmp_path) as kubeconfig:
                direct = of_kubeconfig(kubeconfig)
                assert direct is not None
                yield Kube(direct, field_manager="contract")


def cm(
    name: str = "one", *, ns: str = NS, labels: dict[str, str] | None = None, **data: str
) -> Obj:
    meta: Obj = {"name": name, "namespace": ns}
    if labels:
        meta["labels"] = labels
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def thing(name: str = "one", **spec: Any) -> Obj:
    meta = {"name": name, "namespace": NS}
    return {"apiVersion": "tanebi.dev/v1", "kind": "Thing", "metadata": meta, "spec": spec}


def deployment(*images: str, replicas: int = 1) -> Obj:
    containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one", "namespace": NS},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "one"}},
            "template": {
                "metadata": {"labels": {"app": "one"}},
                "spec": {"containers": containers},
            },
        },
    }


def rv(obj: Obj) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


# --- create, get, list, update, delete ------------------------------------------------------------


async def test_create_and_get(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm(a="1"))
    meta = created["metadata"]
    assert created["data"] == {"a": "1"}
    assert meta["uid"]
    assert meta["creationTimestamp"].endswith("Z")
    assert int(meta["resourceVersion"]) > 0
    assert await kube.get(CONFIG_MAP, NS, "one") == created


async def test_a_name_is_taken_once(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm())
    with pytest.raises(AlreadyExists) as caught:
        await kube.create(CONFIG_MAP, cm())
    assert caught.value.message == 'configmaps "one" already exists'
    assert caught.value.details == {"name": "one", "kind": "configmaps"}


async def test_what_is_not_there(kube: Kube) -> None:
    for call in (
        kube.get(CONFIG_MAP, NS, "none"),
        kube.patch(CONFIG_MAP, NS, "none", {"data": {}}),
        kube.delete(CONFIG_MAP, NS, "none"),
        kube.update(CONFIG_MAP, cm("none")),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.message == 'configmaps "none" not found'


async def test_generated_names(kube: Kube) -> None:
    wanted = {"apiVersion": "v1", "kind": "ConfigMap"}
    meta = {"generateName": "gen-", "namespace": NS}
    names = {
        (await kube.create(CONFIG_MAP, {**wanted, "metadata": dict(meta)}))["metadata"]["name"]
        for _ in range(10)
    }
    assert len(names) == 10
    assert all(name.startswith("gen-") and len(name) == len("gen-") + 5 for name in names)


async def test_names_have_a_grammar(kube: Kube) -> None:
    with pytest.raises(InvalidObject) as caught:
        await kube.create(CONFIG_MAP, cm("Not_a_name"))
    assert caught.value.details["causes"][0]["field"] == "metadata.name"


async def test_update_replaces(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm(a="1"))
    updated = await kube.update(CONFIG_MAP, {**created, "data": {"b": "2"}})
    assert updated["data"] == {"b": "2"}
    assert int(rv(updated)) > int(rv(created))
    assert updated["metadata"]["uid"] == created["metadata"]["uid"]


async def test_an_update_that_changes_nothing_writes_nothing(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm(a="1"))
    assert rv(await kube.update(CONFIG_MAP, created)) == rv(created)


async def test_an_old_version_cannot_be_updated(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm(a="1"))
    await kube.patch(CONFIG_MAP, NS, "one", {"data": {"a": "2"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        await kube.update(CONFIG_MAP, {**created, "data": {"a": "3"}})
    assert (await kube.get(CONFIG_MAP, NS, "one"))["data"] == {"a": "2"}


async def test_without_a_version_an_update_is_unconditional(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm(a="1"))
    await kube.update(CONFIG_MAP, cm(a="2"))
    assert (await kube.update(CONFIG_MAP, cm(a="3")))["data"] == {"a": "3"}


async def test_delete(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm())
    await kube.delete(CONFIG_MAP, NS, "one")
    with pytest.raises(NotFound):
        await kube.get(CONFIG_MAP, NS, "one")


async def test_delete_with_preconditions(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm())
    with pytest.raises(Conflict):
        await kube.delete(CONFIG_MAP, NS, "one", uid="another")
    with pytest.raises(Conflict):
        await kube.delete(CONFIG_MAP, NS, "one", resource_version="1")
    await kube.delete(
        CONFIG_MAP, NS, "one", uid=created["metadata"]["uid"], resource_version=rv(created)
    )


async def test_finalizers_hold_an_object(kube: Kube) -> None:
    held = cm()
    held["metadata"]["finalizers"] = ["tanebi.dev/hold"]
    await kube.create(CONFIG_MAP, held)
    await kube.delete(CONFIG_MAP, NS, "one")
    found = await kube.get(CONFIG_MAP, NS, "one")
    assert found["metadata"]["deletionTimestamp"]
    await kube.patch(CONFIG_MAP, NS, "one", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFound):
        await kube.get(CONFIG_MAP, NS, "one")


async def test_cluster_scoped(kube: Kube) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    await kube.create(NAMESPACE, namespace)
    assert (await kube.get(NAMESPACE, "", "other"))["metadata"]["name"] == "other"
    await kube.create(CONFIG_MAP, cm(ns="other"))
    assert len((await kube.list(CONFIG_MAP, "other")).items) == 1
    assert (await kube.list(CONFIG_MAP, NS)).items == []


# --- lists ----------------------------------------------------------------------------------------


async def test_lists_and_selectors(kube: Kube) -> None:
    for name, labels in (("a", {"tier": "1"}), ("b", {"tier": "2", "x": "y"}), ("c", {})):
        await kube.create(CONFIG_MAP, cm(name, labels=labels))

    async def names(**selectors: str) -> list[str]:
        listing = await kube.list(CONFIG_MAP, NS, **selectors)
        assert int(listing.resource_version) > 0
        assert all(o["kind"] == "ConfigMap" and o["apiVersion"] == "v1" for o in listing.items)
        return [o["metadata"]["name"] for o in listing.items]

    assert await names() == ["a", "b", "c"]
    assert await names(labels="tier") == ["a", "b"]
    assert await names(labels="tier in (1, 3)") == ["a"]
    assert await names(labels="tier=2,x!=z") == ["b"]
    assert await names(labels="!tier") == ["c"]
    assert await names(fields="metadata.name=b") == ["b"]
    assert await names(fields="metadata.name!=b") == ["a", "c"]


async def test_a_bad_selector_is_refused(kube: Kube) -> None:
    with pytest.raises(BadRequest):
        await kube.list(CONFIG_MAP, NS, labels="a in (")


async def test_pages(kube: Kube) -> None:
    for index in range(5):
        await kube.create(CONFIG_MAP, cm(f"p{index}"))
    found: list[str] = []
    token = ""
    while True:
        page = await kube.list(CONFIG_MAP, NS, limit=2, continue_=token)
        assert len(page.items) <= 2
        found += [o["metadata"]["name"] for o in page.items]
        token = page.continue_
        if not token:
            break
    assert found == ["p0", "p1", "p2", "p3", "p4"]


# --- status, scale --------------------------------------------------------------------------------


async def test_status_and_spec_do_not_mix(kube: Kube) -> None:
    created = await kube.create(THING, {**thing(size=1), "status": {"phase": "lie"}})
    assert "status" not in created or not created["status"]
    both = {**created, "spec": {"size": 2}, "status": {"phase": "Ready"}}
    with_status = await kube.update_status(THING, both)
    assert with_status["spec"] == {"size": 1}
    assert with_status["status"] == {"phase": "Ready"}
    assert with_status["metadata"]["generation"] == 1
    changed = {**with_status, "spec": {"size": 2}, "status": {"phase": "lie"}}
    with_spec = await kube.update(THING, changed)
    assert with_spec["spec"] == {"size": 2}
    assert with_spec["status"] == {"phase": "Ready"}
    assert with_spec["metadata"]["generation"] == 2


async def test_a_status_of_an_old_version_is_refused(kube: Kube) -> None:
    created = await kube.create(THING, thing())
    await kube.patch(THING, NS, "one", {"spec": {"x": 1}})
    with pytest.raises(Conflict):
        await kube.update_status(THING, {**created, "status": {"phase": "Ready"}})


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        ("merge", {"spec": {"replicas": 4}}),
        ("json", [{"op": "replace", "path": "/spec/replicas", "value": 4}]),
    ],
)
async def test_scale(kube: Kube, type_: PatchType, body: Any) -> None:
    await kube.create(THING, thing(size=2))
    scale = await kube.get(THING, NS, "one", subresource="scale")
    assert scale["kind"] == "Scale"
    assert scale["spec"] == {"replicas": 2}
    scaled = await kube.patch(THING, NS, "one", body, type=type_, subresource="scale")
    assert scaled["spec"] == {"replicas": 4}
    found = await kube.get(THING, NS, "one")
    assert found["spec"] == {"size": 4}
    assert found["metadata"]["generation"] == 2


# --- patches --------------------------------------------------------------------------------------


async def test_merge_patch(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm(a="1", b="2"))
    patched = await kube.patch(CONFIG_MAP, NS, "one", {"data": {"a": None, "c": "3"}})
    assert patched["data"] == {"b": "2", "c": "3"}


async def test_merge_patch_with_a_version_is_conditional(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm(a="1"))
    await kube.patch(CONFIG_MAP, NS, "one", {"data": {"a": "2"}})
    stale = {"metadata": {"resourceVersion": rv(created)}, "data": {"a": "3"}}
    with pytest.raises(Conflict):
        await kube.patch(CONFIG_MAP, NS, "one", stale)


async def test_json_patch(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm(a="1"))
    body = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "move", "from": "/data/a", "path": "/data/b"},
    ]
    assert (await kube.patch(CONFIG_MAP, NS, "one", body, type="json"))["data"] == {"b": "1"}
    with pytest.raises(InvalidObject):
        await kube.patch(CONFIG_MAP, NS, "one", body, type="json")


async def test_strategic_merge_patch(kube: Kube) -> None:
    await kube.create(DEPLOYMENT, deployment("img:1", "side:1"))
    body = {"spec": {"template": {"spec": {"containers": [{"name": "c0", "image": "img:2"}]}}}}
    patched = await kube.patch(DEPLOYMENT, NS, "one", body, type="strategic")
    images = [c["image"] for c in patched["spec"]["template"]["spec"]["containers"]]
    assert images == ["img:2", "side:1"]


async def test_custom_kinds_take_no_strategic_patch(kube: Kube) -> None:
    await kube.create(THING, thing())
    with pytest.raises(UnsupportedMediaType):
        await kube.patch(THING, NS, "one", {"spec": {"a": 1}}, type="strategic")


async def test_apply_creates_and_owns(kube: Kube) -> None:
    applied = await kube.patch(CONFIG_MAP, NS, "one", cm(a="1", b="2"), type="apply")
    entry = applied["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["operation"]) == ("contract", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}, "f:b": {}}}
    again = await kube.patch(CONFIG_MAP, NS, "one", cm(a="1"), type="apply")
    assert again["data"] == {"a": "1"}


async def test_applying_the_same_writes_nothing(kube: Kube) -> None:
    first = await kube.patch(DEPLOYMENT, NS, "one", deployment("img"), type="apply")
    second = await kube.patch(DEPLOYMENT, NS, "one", deployment("img"), type="apply")
    assert rv(first) == rv(second)


async def test_appliers_conflict_unless_forced(kube: Kube) -> None:
    other = kube.as_manager("other")
    await kube.patch(CONFIG_MAP, NS, "one", cm(a="1"), type="apply")
    with pytest.raises(Conflict) as caught:
        await other.patch(CONFIG_MAP, NS, "one", cm(a="2"), type="apply")
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "contract": .data.a'
    assert caught.value.details["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "contract"',
            "field": ".data.a",
        }
    ]
    forced = await other.patch(CONFIG_MAP, NS, "one", cm(a="2"), type="apply", force=True)
    assert forced["data"] == {"a": "2"}
    assert [e["manager"] for e in forced["metadata"]["managedFields"]] == ["other"]


async def test_an_update_takes_its_fields_from_an_applier(kube: Kube) -> None:
    await kube.patch(CONFIG_MAP, NS, "one", cm(a="1", b="2"), type="apply")
    await kube.as_manager("editor").patch(CONFIG_MAP, NS, "one", {"data": {"a": "9"}})
    found = await kube.get(CONFIG_MAP, NS, "one")
    owners = {e["manager"]: e["fieldsV1"] for e in found["metadata"]["managedFields"]}
    assert owners == {
        "contract": {"f:data": {"f:b": {}}},
        "editor": {"f:data": {"f:a": {}}},
    }


@pytest.mark.parametrize("type_", ["merge", "json", "strategic", "apply"])
async def test_a_patch_that_makes_an_object_invalid_changes_nothing(
    kube: Kube, type_: PatchType
) -> None:
    before = await kube.create(CONFIG_MAP, cm(a="1"))
    bad: Any = {"data": ["no", "map"]}
    if type_ == "json":
        bad = [{"op": "replace", "path": "/data", "value": ["no", "map"]}]
    if type_ == "apply":
        bad = {**cm(), **bad}
    with pytest.raises(ApiError) as caught:
        await kube.patch(CONFIG_MAP, NS, "one", bad, type=type_, force=True)
    assert caught.value.status == (500 if type_ == "apply" else 422)
    assert await kube.get(CONFIG_MAP, NS, "one") == before


# --- watch ----------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(
    kube: Kube, kind: Any, version: str, **more: Any
) -> AsyncIterator[list[WatchEvent]]:
    """What a watch tells while the block runs."""
    told: list[WatchEvent] = []
    open_ = anyio.Event()

    async def listen() -> None:
        async with kube.watch(kind, NS, resource_version=version, **more) as events:
            open_.set()
            async for event in events:
                told.append(event)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await open_.wait()
        yield told
        tasks.cancel_scope.cancel()


async def test_a_watch_tells_what_happens(kube: Kube) -> None:
    start = (await kube.list(CONFIG_MAP, NS)).resource_version
    async with watching(kube, CONFIG_MAP, start) as told:
        created = await kube.create(CONFIG_MAP, cm(a="1"))
        changed = await kube.patch(CONFIG_MAP, NS, "one", {"data": {"a": "2"}})
        await kube.delete(CONFIG_MAP, NS, "one")
        await wait_until(lambda: len(told) == 3)
    assert told[:2] == [Added(created), Modified(changed)]
    last = told[2]
    assert isinstance(last, Deleted)
    assert last.obj["data"] == {"a": "2"}
    assert int(rv(last.obj)) > int(rv(changed))


async def test_a_watch_resumes_where_it_was(kube: Kube) -> None:
    start = (await kube.list(CONFIG_MAP, NS)).resource_version
    first = await kube.create(CONFIG_MAP, cm("a"))
    second = await kube.create(CONFIG_MAP, cm("b"))
    async with watching(kube, CONFIG_MAP, start) as told:
        await wait_until(lambda: len(told) == 2)
    assert told == [Added(first), Added(second)]
    async with watching(kube, CONFIG_MAP, rv(first)) as told:
        await wait_until(lambda: told)
    assert told == [Added(second)]


async def test_a_watch_from_nowhere_begins_with_what_is_there(kube: Kube) -> None:
    created = await kube.create(CONFIG_MAP, cm())
    async with watching(kube, CONFIG_MAP, "") as told:
        await wait_until(lambda: told)
    assert told == [Added(created)]


async def test_a_watch_with_a_selector_sees_objects_come_and_go(kube: Kube) -> None:
    start = (await kube.list(CONFIG_MAP, NS)).resource_version
    async with watching(kube, CONFIG_MAP, start, labels="on=yes") as told:
        await kube.create(CONFIG_MAP, cm())
        await kube.patch(CONFIG_MAP, NS, "one", {"metadata": {"labels": {"on": "yes"}}})
        await kube.patch(CONFIG_MAP, NS, "one", {"metadata": {"labels": {"on": "no"}}})
        await wait_until(lambda: len(told) == 2)
    assert [type(event) for event in told] == [Added, Deleted]


async def test_a_watch_ends_when_asked_and_says_where(kube: Kube) -> None:
    start = (await kube.list(CONFIG_MAP, NS)).resource_version
    told: list[WatchEvent] = []
    with anyio.fail_after(10):
        async with kube.watch(CONFIG_MAP, NS, resource_version=start, timeout_s=1) as events:
            async for event in events:
                told.append(event)
    assert all(isinstance(event, Bookmark) for event in told)


async def test_a_forgotten_version_is_gone(kube: Kube) -> None:
    start = (await kube.create(CONFIG_MAP, cm()))["metadata"]["resourceVersion"]
    for index in range(CHANGES_MAX + 8):
        await kube.patch(CONFIG_MAP, NS, "one", {"data": {"n": str(index)}})
    with pytest.raises(Expired):
        async with kube.watch(CONFIG_MAP, NS, resource_version=start) as events:
            async for event in events:
                assert isinstance(event, Failed)
                raise event.error


# --- kinds of the core ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [POD, SERVICE, LEASE, DEPLOYMENT], ids=lambda kind: kind.plural)
async def test_an_empty_list_is_a_list(kube: Kube, kind: Any) -> None:
    listing = await kube.list(kind, None)
    assert listing.items == []
    assert listing.resource_version


# --- moments, discovery, kinds of users -----------------------------------------------------------

CONFIG_MAPS = f"/api/v1/namespaces/{NS}/configmaps"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def asked(kube: Kube, method: str, path: str, body: Any = None, **query: str) -> Any:
    """Any request; its JSON answer."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    raw = b"" if body is None else orjson.dumps(body)
    return orjson.loads((await kube.call(Request(method, path, query, headers, raw))).body)


def names(listing: Any) -> list[str]:
    return [item["metadata"]["name"] for item in listing["items"]]


async def test_all_pages_are_of_one_moment(kube: Kube) -> None:
    for name in "abc":
        await kube.create(CONFIG_MAP, cm(name))
    first = await asked(kube, "GET", CONFIG_MAPS, limit="2")
    await kube.create(CONFIG_MAP, cm("bb"))
    await kube.delete(CONFIG_MAP, NS, "c")
    assert first["metadata"]["remainingItemCount"] == 1
    rest = await asked(kube, "GET", CONFIG_MAPS, **{"continue": first["metadata"]["continue"]})
    assert (names(first), names(rest)) == (["a", "b"], ["c"])
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    then = {
        "resourceVersion": first["metadata"]["resourceVersion"],
        "resourceVersionMatch": "Exact",
    }
    assert names(await asked(kube, "GET", CONFIG_MAPS, **then)) == ["a", "b", "c"]
    assert names(await asked(kube, "GET", CONFIG_MAPS)) == ["a", "b", "bb"]


async def test_a_page_of_a_forgotten_moment_says_how_to_go_on(kube: Kube) -> None:
    for name in "ab":
        await kube.create(CONFIG_MAP, cm(name))
    first = await asked(kube, "GET", CONFIG_MAPS, limit="1")
    for index in range(CHANGES_MAX + 8):
        await kube.patch(CONFIG_MAP, NS, "b", {"data": {"n": str(index)}})
    with pytest.raises(Expired, match="too old to display a consistent list"):
        await asked(kube, "GET", CONFIG_MAPS, **{"continue": first["metadata"]["continue"]})


async def test_a_watch_can_list_first(kube: Kube) -> None:
    await kube.create(CONFIG_MAP, cm("one"))
    query = {
        "watch": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "5",
    }
    parser, told = WatchParser(), []
    async with kube.stream(Request("GET", CONFIG_MAPS, query)) as stream:
        async for chunk in stream.chunks:
            told += parser.feed(chunk)
            if any(isinstance(event, Bookmark) for event in told):
                break
    assert [type(event) for event in told] == [Added, Bookmark]


async def test_fields_that_cannot_be_selected(kube: Kube) -> None:
    with pytest.raises(BadRequest, match=r"\"data\.x\" is not a known field selector"):
        await asked(kube, "GET", CONFIG_MAPS, fieldSelector="data.x=1")


async def test_a_collection_is_deleted_by_selector_and_not_in_a_dry_run(kube: Kube) -> None:
    for name in "ab":
        await kube.create(CONFIG_MAP, cm(name))
    await asked(kube, "DELETE", CONFIG_MAPS, dryRun="All")
    assert names(await asked(kube, "GET", CONFIG_MAPS)) == ["a", "b"]
    await asked(kube, "DELETE", CONFIG_MAPS, fieldSelector="metadata.name=a")
    assert names(await asked(kube, "GET", CONFIG_MAPS)) == ["b"]


async def test_a_kind_of_a_user_s_own(kube: Kube) -> None:
    await asked(kube, "POST", CRDS, crontabs())
    made = await asked(kube, "POST", CRONTABS.replace("default", NS), crontab("a", replicas=2))
    assert made["spec"]["image"] == "busybox"
    with pytest.raises(InvalidObject, match="should be less than or equal to 10"):
        await asked(kube, "POST", CRONTABS.replace("default", NS), crontab("b", replicas=11))
    found = await asked(kube, "GET", "/apis/stable.example.com/v1")
    assert "crontabs" in [one["name"] for one in found["resources"]]

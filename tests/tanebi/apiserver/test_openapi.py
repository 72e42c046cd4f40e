"""The OpenAPI documents."""

from __future__ import annotations

import orjson
import pytest

from tanebi.apiserver.openapi import EMPTY, PROTOBUF
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.definitions.crontabs import CRDS, crontabs, version

pytestmark = pytest.mark.anyio


async def test_v3_has_an_index_and_a_document_a_group(api: Api) -> None:
    index = await api.ok("GET", "/openapi/v3")
    assert set(index["paths"]) >= {"api/v1", "apis/apps/v1", "apis/tanebi.dev/v1"}
    url = index["paths"]["apis/tanebi.dev/v1"]["serverRelativeURL"]
    path, _, query = url.partition("?")
    assert query.startswith("hash=")
    document = await api.ok("GET", path)
    assert document["openapi"] == "3.0.0"
    model = document["components"]["schemas"]["dev.tanebi.v1.Widget"]
    assert model["x-kubernetes-group-version-kind"] == [
        {"group": "tanebi.dev", "version": "v1", "kind": "Widget"}
    ]
    reference = model["properties"]["metadata"]["$ref"].removeprefix("#/components/schemas/")
    assert reference in document["components"]["schemas"]
    patch = document["paths"]["/apis/tanebi.dev/v1/namespaces/{namespace}/widgets/{name}"]["patch"]
    assert "fieldValidation" in [p["name"] for p in patch["parameters"]]
    assert patch["x-kubernetes-action"] == "patch"


async def test_an_address_with_a_hash_can_be_kept_for_ever(api: Api) -> None:
    index = await api.ok("GET", "/openapi/v3")
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    path, _, query = url.partition("?hash=")
    answer = await api("GET", path, query={"hash": query})
    assert "immutable" in answer.headers["cache-control"]
    tag = answer.headers["etag"]
    assert tag == f'"{query}"'
    assert (await api("GET", path, headers={"if-none-match": tag})).status == 304
    moved = await api("GET", path, query={"hash": "OLD"})
    assert (moved.status, moved.headers["location"]) == (301, url)
    await api.refused(404, "GET", "/openapi/v3/apis/nowhere/v1")


async def test_lists_say_what_patches_go_by(api: Api) -> None:
    document = await api.ok("GET", "/openapi/v3/apis/apps/v1")
    model = document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    pod = model["properties"]["spec"]["properties"]["template"]["properties"]["spec"]["properties"]
    containers = pod["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    assert containers["items"]["properties"]["command"]["x-kubernetes-list-type"] == "atomic"


async def test_v2_is_one_document(api: Api) -> None:
    answer = await api("GET", "/openapi/v2")
    document = orjson.loads(answer.body)
    assert document["swagger"] == "2.0"
    packed = await api("GET", "/openapi/v2", headers={"accept": PROTOBUF})
    assert (packed.headers["content-type"], packed.body) == (PROTOBUF.replace("@", "."), EMPTY)
    assert "io.k8s.api.core.v1.Pod" in document["definitions"]
    assert "/api/v1/namespaces/{name}" in document["paths"]


async def test_version_2_leaves_out_what_its_readers_stumble_over(api: Api) -> None:
    first = crontabs()
    schema = first["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] |= {"anyOf": [], "required": ["cronSpec", "note"]}
    free = version("v2", storage=False)
    free["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] = True
    first["spec"]["versions"].append(free)
    await api.ok("POST", CRDS, first)
    definitions = (await api.ok("GET", "/openapi/v2"))["definitions"]
    shown = definitions["com.example.stable.v1.CronTab"]["properties"]["spec"]
    assert "anyOf" not in shown
    assert shown["required"] == ["cronSpec"]  # what may be null need not be there
    assert "type" not in shown["properties"]["note"]
    assert "type" not in shown["properties"]["free"]
    whole = definitions["com.example.stable.v2.CronTab"]
    assert whole.keys() == {"type", "x-kubernetes-group-version-kind"}

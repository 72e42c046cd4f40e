"""What the server says it has."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tanebi.api.kind import Kinds
from tanebi.apiserver.discovery import AGGREGATED, AGGREGATED_BETA, Discovery, version
from tests.tanebi.apiserver.calling import KINDS, Api

pytestmark = pytest.mark.anyio

DISCOVERY = Discovery(Kinds(KINDS))


def document(path: str, accept: str = "") -> Any:
    found = DISCOVERY.answer(path, accept)
    return None if found is None else orjson.loads(found[1])


def test_the_version_is_a_kubernetes_one_with_ours_behind() -> None:
    found = version()
    assert found["gitVersion"].startswith("v1.32.0+tanebi-")
    assert (found["major"], found["minor"]) == ("1", "32")


def test_plain_discovery() -> None:
    assert document("/api")["versions"] == ["v1"]
    groups = {g["name"]: g for g in document("/apis")["groups"]}
    assert groups["tanebi.dev"]["preferredVersion"] == {
        "groupVersion": "tanebi.dev/v1",
        "version": "v1",
    }
    assert document("/apis/tanebi.dev")["kind"] == "APIGroup"
    resources = {r["name"]: r for r in document("/apis/tanebi.dev/v1")["resources"]}
    assert resources["widgets"]["shortNames"] == ["wd"]
    assert resources["widgets"]["verbs"] == [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ]
    assert resources["widgets/scale"]["kind"] == "Scale"
    assert "widgets/status" in resources
    core = {r["name"] for r in document("/api/v1")["resources"]}
    assert {"pods", "pods/log", "pods/status", "namespaces"} <= core
    assert document("/apis/none") is None
    assert document("/apis/none/v1") is None
    assert document("/elsewhere") is None


def test_aggregated_discovery() -> None:
    found = document("/apis", AGGREGATED)
    assert found["kind"] == "APIGroupDiscoveryList"
    group = next(i for i in found["items"] if i["metadata"]["name"] == "tanebi.dev")
    resource = group["versions"][0]["resources"][0]
    assert resource["responseKind"] == {"group": "tanebi.dev", "version": "v1", "kind": "Widget"}
    assert resource["scope"] == "Namespaced"
    scale = next(s for s in resource["subresources"] if s["subresource"] == "scale")
    assert scale["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    core = document("/api", AGGREGATED)["items"]
    assert [item["metadata"] for item in core] == [{}]


async def test_the_content_type_says_which(api: Api) -> None:
    answer = await api("GET", "/apis", headers={"accept": f"{AGGREGATED},application/json"})
    assert answer.headers["content-type"] == AGGREGATED
    tag = answer.headers["etag"]
    headers = {"accept": AGGREGATED, "if-none-match": tag}
    assert (await api("GET", "/apis", headers=headers)).status == 304
    beta = await api("GET", "/apis", headers={"accept": AGGREGATED_BETA})
    assert beta.headers["content-type"] == AGGREGATED_BETA
    assert orjson.loads(beta.body)["apiVersion"] == "apidiscovery.k8s.io/v2beta1"
    answer = await api("GET", "/apis")
    assert answer.headers["content-type"] == "application/json"
    answer = await api("GET", "/apis", headers={"accept": f"application/json,{AGGREGATED}"})
    assert answer.headers["content-type"] == "application/json"

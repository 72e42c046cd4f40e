"""User-defined kinds whose versions differ by more than the name, through a webhook on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from tanebi.api.meta import Obj
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api
from tests.tanebi.apiserver.definitions.crontabs import CRDS, CRONTABS, crontab, crontabs, version
from tests.tanebi.apiserver.webhooks.answering import Answering, answering

pytestmark = pytest.mark.anyio
V1, V2 = "stable.example.com/v1", "stable.example.com/v2"
IN_V2 = CRONTABS.replace("/v1/", "/v2/")
MERGE = {"content-type": "application/merge-patch+json"}


class Converting(Answering):
    """Version 2 says `name:2` where version 1 says `name`."""

    async def answer(self, path: str, body: bytes) -> bytes:
        review = orjson.loads(body)
        request = review["request"]
        self.asked.append(request)
        for obj in request["objects"]:
            if obj["apiVersion"] != request["desiredAPIVersion"]:
                image = str(obj["spec"]["image"])
                newer = request["desiredAPIVersion"] == V2
                obj["spec"]["image"] = f"{image}:2" if newer else image.removesuffix(":2")
                obj["apiVersion"] = request["desiredAPIVersion"]
        said = {"uid": request["uid"], "convertedObjects": request["objects"]}
        return orjson.dumps({**review, "response": {**said, "result": {"status": "Success"}}})


@pytest.fixture
async def peer(tmp_path: Path, api: Api) -> AsyncIterator[Answering]:
    async with answering(tmp_path, Converting) as found:
        webhook = {"clientConfig": found.client("/convert"), "conversionReviewVersions": ["v1"]}
        made = crontabs(
            versions=[version("v1"), version("v2", storage=False)],
            conversion={"strategy": "Webhook", "webhook": webhook},
        )
        await api.ok("POST", CRDS, made)
        await wait_until(lambda: api.server.kinds.of(V2, "CronTab") is not None)
        yield found
        await api.server.objects.conversions.aclose()


def images(listed: Obj) -> list[str]:
    return [item["spec"]["image"] for item in listed["items"]]


async def test_each_version_is_read_and_written_as_it_is(api: Api, peer: Answering) -> None:
    made = await api.ok("POST", IN_V2, crontab("a", api_version=V2, image="web:2"))
    assert (made["apiVersion"], made["spec"]["image"]) == (V2, "web:2")
    old = await api.ok("GET", f"{CRONTABS}/a")
    assert (old["apiVersion"], old["spec"]["image"]) == (V1, "web")
    assert old["metadata"]["uid"] == made["metadata"]["uid"]
    patch = {"spec": {"image": "site:2"}}
    await api.ok("PATCH", f"{IN_V2}/a", patch, headers=MERGE)
    assert (await api.ok("GET", f"{CRONTABS}/a"))["spec"]["image"] == "site"
    live = await api.ok("GET", f"{IN_V2}/a")
    live["spec"]["image"] = "again:2"
    assert (await api.ok("PUT", f"{IN_V2}/a", live))["spec"]["image"] == "again:2"
    assert (await api.ok("GET", f"{CRONTABS}/a"))["spec"]["image"] == "again"


async def test_lists_and_selectors_see_the_version_asked_for(api: Api, peer: Answering) -> None:
    await api.ok("POST", CRONTABS, crontab("a", image="web"))
    await api.ok("POST", IN_V2, crontab("b", api_version=V2, image="db:2"))
    assert images(await api.ok("GET", IN_V2)) == ["web:2", "db:2"]
    assert images(await api.ok("GET", CRONTABS)) == ["web", "db"]
    chosen = await api.ok("GET", IN_V2, query={"fieldSelector": "spec.image=db:2"})
    assert images(chosen) == ["db:2"]
    asked = len(peer.asked)
    await api.ok("GET", IN_V2)
    assert len(peer.asked) == asked, "what was converted once is kept"


async def test_a_watch_tells_the_version_asked_for(api: Api, peer: Answering) -> None:
    await api.ok("POST", CRONTABS, crontab("a", image="web"))
    (first,) = await api.events(IN_V2, 1, fieldSelector="spec.image=web:2")
    since = first[1]["metadata"]["resourceVersion"]
    assert (first[0], first[1]["spec"]["image"]) == ("ADDED", "web:2")
    await api.ok("PATCH", f"{CRONTABS}/a", {"spec": {"image": "db"}}, headers=MERGE)
    (left,) = await api.events(IN_V2, 1, fieldSelector="spec.image=web:2", resourceVersion=since)
    assert (left[0], left[1]["apiVersion"]) == ("DELETED", V2)


async def test_a_webhook_that_does_not_answer_is_told(api: Api, peer: Answering) -> None:
    await api.ok("POST", CRONTABS, crontab("a"))
    definition = await api.ok("GET", f"{CRDS}/crontabs.stable.example.com")
    client = definition["spec"]["conversion"]["webhook"]["clientConfig"]
    client["url"] = "https://127.0.0.1:1/nobody"
    await api.ok("PUT", f"{CRDS}/crontabs.stable.example.com", definition)
    status = await api.refused(500, "GET", f"{IN_V2}/a")
    assert status["message"].startswith(f"conversion webhook for {V1}, Kind=CronTab failed: Post ")
    assert (await api.ok("GET", f"{CRONTABS}/a"))["apiVersion"] == V1  # needs no conversion

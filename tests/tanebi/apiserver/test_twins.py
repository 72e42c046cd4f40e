"""Events and autoscalers through either door."""

from __future__ import annotations

import anyio
import orjson
import pytest

from tanebi.api.meta import Obj
from tanebi.kube.transport import Request, Stream
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
CORE = "/api/v1/namespaces/default/events"
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
EVENT: Obj = {
    "metadata": {"name": "e"},
    "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
    "note": "hello",
    "reason": "Said",
    "type": "Normal",
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "me",
    "action": "Saying",
}


async def test_one_event_in_two_forms(api: Api) -> None:
    made = await api.ok("POST", EVENTS, EVENT)
    assert (made["apiVersion"], made["note"]) == ("events.k8s.io/v1", "hello")
    stored = await api.ok("GET", f"{CORE}/e")
    assert (stored["message"], stored["involvedObject"]["name"]) == ("hello", "p")
    listed = await api.ok("GET", EVENTS)
    assert listed["apiVersion"] == "events.k8s.io/v1"
    assert [item["note"] for item in listed["items"]] == ["hello"]
    query = {"fieldSelector": "regarding.name=p,reason=Said"}
    assert len((await api.ok("GET", EVENTS, query=query))["items"]) == 1
    query = {"fieldSelector": "regarding.name=q"}
    assert (await api.ok("GET", EVENTS, query=query))["items"] == []
    body = {"note": "again", "series": {"count": 2}}
    headers = {"content-type": "application/merge-patch+json"}
    patched = await api.ok("PATCH", f"{EVENTS}/e", body, headers=headers)
    assert (patched["note"], patched["series"]["count"]) == ("again", 2)
    await api.refused(404, "PATCH", f"{EVENTS}/nobody", body, headers=headers)
    assert (
        await api.ok("PUT", f"{EVENTS}/e", {**made, "note": "third", "metadata": {"name": "e"}})
    )["note"] == "third"
    await api.ok("DELETE", f"{EVENTS}/e")
    await api.refused(404, "GET", f"{CORE}/e")


async def test_a_watch_is_translated(api: Api) -> None:
    request = Request("GET", EVENTS, {"watch": "1", "timeoutSeconds": "5"})
    answer = await api.server.handle(request, api.user)
    assert isinstance(answer, Stream)
    await api.ok("POST", EVENTS, EVENT)
    with anyio.fail_after(5):
        line = orjson.loads(await anext(answer.chunks))
    assert (line["type"], line["object"]["note"]) == ("ADDED", "hello")
    await answer.chunks.aclose()  # type: ignore[attr-defined]


async def test_an_autoscaler_of_the_cpu(api: Api) -> None:
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    made = await api.ok("POST", V1, {"metadata": {"name": "h"}, "spec": spec})
    assert made["apiVersion"] == "autoscaling/v1"
    stored = await api.ok("GET", f"{V2}/h")
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    headers = {"content-type": "application/apply-patch+yaml"}
    wish = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"}
    wish |= {"metadata": {"name": "new"}, "spec": spec}  # type: ignore[dict-item]
    query = {"fieldManager": "me"}
    applied = await api.ok("PATCH", f"{V1}/new", wish, headers=headers, query=query)
    assert applied["spec"]["targetCPUUtilizationPercentage"] == 50

"""What probers ask, and how an Ingress's version is told."""

from __future__ import annotations

from typing import Any

import pytest

from activator.facts import EndpointFacts
from activator.table import Path, Split, Table
from tanebi.api.meta import Key
from tanebi.testing.http import answering, ok, serving

pytestmark = pytest.mark.anyio

WAY = "K-Network-Probe: probe\r\n"


@pytest.mark.parametrize(
    ("extra", "status", "body"),
    [
        ("K-Network-Probe: activator\r\n", 200, b"activator"),
        ("K-Network-Probe: other\r\n", 400, b"unexpected probe header value: other\n"),
        ("User-Agent: kube-probe/1.32\r\n", 200, b""),
        ("User-Agent: curl/8\r\n", 503, b"activator request timeout\n"),
        (
            "User-Agent: Knative-Activator-Probe\r\nK-Network-Probe: queue\r\n",
            503,
            b"queue not ready\n",
        ),
        ("User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n", 503, b"queue not ready\n"),
        (
            "User-Agent: Knative-Autoscaling-Probe\r\nK-Network-Probe: activator\r\n",
            200,
            b"activator",
        ),
        ("User-Agent: Knative-Activator-Probe\r\n", 400, b"unexpected probe header value: \n"),
        (
            "User-Agent: curl/8\r\nK-Network-Probe: queue\r\n",
            400,
            b"unexpected probe header value: queue\n",
        ),
        ("User-Agent: Knative-Activator-Probe/1\r\n", 503, b"activator request timeout\n"),
    ],
)
async def test_probes(world: Any, host: str, extra: str, status: int, body: bytes) -> None:
    from activator.facts import RevisionFacts

    async with world(RevisionFacts(timeout_s=0.2)) as w:
        client = await w.client()
        client.get("/healthz", host=host, extra=extra)
        answer = await client.answer()
        assert (answer.status, answer.body) == (status, body)


async def test_a_prober_of_the_queue_hears_of_a_pod(world: Any, host: str) -> None:
    async with world() as w:
        w.pods(("127.0.0.1", 9))
        client = await w.client()
        client.get(
            host=host, extra="User-Agent: Knative-Activator-Probe\r\nK-Network-Probe: queue\r\n"
        )
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"queue")


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [("override", 200, b"abc"), ("other", 200, b"other"), ("", 400, None)],
)
async def test_a_revisions_way_is_answered_for(
    world: Any, host: str, revision: Any, asked: str, status: int, told: bytes | None
) -> None:
    async with world() as w:
        path = Path("", (Split(revision, 100),), 100, version=b"abc")
        w.gateway.router.set_table(Table({host: (path,)}))
        client = await w.client()
        client.get(host=host, extra=WAY + f"K-Network-Hash: {asked}\r\n")
        answer = await client.answer()
        assert (answer.status, answer.header("k-network-hash")) == (status, told)
        assert w.sink.pokes == []
        client.get(host="nobody.example", extra=WAY)
        assert (await client.answer()).status == 404


async def test_any_other_service_is_asked_itself_and_sees_the_version(world: Any) -> None:
    service = Key("default", "plain")
    async with world() as w, serving(answering(lambda head, body: ok(head))) as app:
        w.gateway.router.set_table(
            Table(
                {"plain.example": (Path("", (Split(service, 100, port=80),), 100, version=b"abc"),)}
            )
        )
        backend = w.gateway.router.set_service(service, {80: "http"})[80]
        backend.set_endpoints({app: EndpointFacts(app, True, False)})
        client = await w.client()
        for asked, seen in (("override", b"abc"), ("own", b"own")):
            client.get(host="plain.example", extra=WAY + f"K-Network-Hash: {asked}\r\n")
            head = (await client.answer()).body
            assert head.lower().count(b"k-network-hash:") == 1
            assert b"\r\nK-Network-Hash: " + seen + b"\r\n" in head
            assert b"\r\nK-Network-Probe: probe\r\n" in head

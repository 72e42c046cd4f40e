"""What one activator hands to another."""

from __future__ import annotations

from typing import Any

import pytest

from activator.peers import HOPS_MAX
from tanebi.testing.http import answering, connect, ok, serving
from tests.activator.linked import HOST, REVISION, linked

pytestmark = pytest.mark.anyio

HEADS = f"Knative-Serving-Namespace: {REVISION.namespace}\r\nKnative-Serving-Revision: {REVISION.name}\r\n"


async def test_the_app_sees_what_one_hop_would_show_it(sink: Any) -> None:
    async with (
        serving(answering(lambda head, body: ok(head))) as pod,
        linked(sink, "x", "y") as home,
    ):
        home.pods(pod)
        heads = []
        for child in home.children.values():  # one of them has the pod
            client = await home.client(child)
            client.get("/a?b", host=HOST, extra="X-Own: 1\r\n")
            heads.append((await client.answer()).body)
        mine, handed = (sorted(head.lower().split(b"\r\n")) for head in heads)
        assert mine == handed
        assert not [
            line for line in handed if line.startswith((b"knative-serving", b"tanebi-hops"))
        ]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("", 404),
        ("Knative-Serving-Namespace: ns\r\nKnative-Serving-Revision: nobody\r\n", 404),
        (f"{HEADS}Tanebi-Hops: {HOPS_MAX + 1}\r\n", 503),
    ],
)
async def test_what_is_not_for_it(sink: Any, head: str, status: int) -> None:
    async with linked(sink, "x") as home:
        client = await connect(home.children["x"].gateway.peer_address)
        home.clients.append(client)
        client.get(host=HOST, extra=head)
        assert (await client.answer()).status == status


async def test_metrics_are_told_there(sink: Any) -> None:
    async with linked(sink, "x") as home:
        client = await connect(home.children["x"].gateway.peer_address)
        home.clients.append(client)
        client.get("/metrics", host="any")
        answer = await client.answer()
        assert answer.status == 200
        assert b"tanebi_activator_requests" in answer.body


async def test_only_who_has_the_pod_counts_the_request(sink: Any) -> None:
    async with (
        serving(answering(lambda head, body: ok(b"hi"))) as pod,
        linked(sink, "x", "y") as home,
    ):
        home.pods(pod)
        for child in home.children.values():
            client = await home.client(child)
            client.get(host=HOST)
            await client.answer()
        for child in home.children.values():
            meter = child.backend.meter
            assert meter is None or meter.concurrency == 0

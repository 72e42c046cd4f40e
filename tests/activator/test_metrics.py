"""Counters are read at scrape time under their documented names."""

from __future__ import annotations

import random
from typing import Any

import pytest

from activator import metrics
from activator.backend import Backend, Hooks
from activator.facts import RevisionFacts
from tanebi.api.meta import Key
from tanebi.base.metrics import REGISTRY, exposition
from tanebi.testing.http import answering, ok, serving
from tanebi.testing.waiting import wait_until

KEY = Key("ns", "r")


def test_what_a_backend_shows() -> None:
    hooks = Hooks(lambda key: None, lambda b, a: None, lambda address: None)
    backend = Backend(KEY, RevisionFacts(), chance=random.Random(1), hooks=hooks)
    backend.arrive(1.0)
    backend.counts.by_class[2] = 3
    shown = {
        (sample.name, sample.labels.get("class")): sample.value
        for family in metrics.BackendCollector(lambda: [backend]).collect()
        for sample in family.samples
    }
    assert shown == {
        (f"{metrics.REQUESTS}_total", "2xx"): 3,
        (metrics.QUEUE_DEPTH, None): 0,
        (metrics.CONCURRENCY, None): 1,
        (metrics.USABLE_PODS, None): 0,
    }


def cold_starts() -> float:
    found = REGISTRY.get_sample_value(
        f"{metrics.COLD_START}_count", {"namespace": "default", "revision": "hello-00001"}
    )
    return found or 0.0


@pytest.mark.anyio
async def test_a_request_and_a_cold_start_are_counted(world: Any, host: str) -> None:
    before = cold_starts()
    async with world() as w, serving(answering(lambda head, body: ok(b"x"))) as app:
        client = await w.client()
        client.get(host=host)
        await wait_until(lambda: w.backend.throttler.waiting)
        w.pods(app)
        await client.answer()
        text = exposition()[1].decode()
        labels = 'namespace="default",revision="hello-00001"'
        assert f'{metrics.REQUESTS}_total{{class="2xx",{labels}}} 1.0' in text
        assert cold_starts() == before + 1
    assert f"{metrics.REQUESTS}_total" not in exposition()[1].decode()

"""What is counted."""

from __future__ import annotations

import pytest

from tests.tanebi.apiserver.calling import WIDGETS, Api

pytestmark = pytest.mark.anyio


async def scrape(api: Api) -> dict[str, float]:
    text = (await api("GET", "/metrics")).body.decode()
    samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in samples}


async def test_requests_objects_and_watches_are_counted(api: Api) -> None:
    created = 'tanebi_api_requests_total{code="201",method="POST",resource="widgets.tanebi.dev"}'
    missing = 'tanebi_api_requests_total{code="404",method="GET",resource="widgets.tanebi.dev"}'
    seconds = 'tanebi_api_request_seconds_count{method="POST"}'
    before = await scrape(api)
    await api.widget("a")
    await api.refused(404, "GET", f"{WIDGETS}/b")
    chunks = await api.stream(WIDGETS, watch="true")
    after = await scrape(api)
    for name in (created, missing, seconds):
        assert after[name] - before.get(name, 0) == 1, name
    assert after['tanebi_api_objects{resource="widgets.tanebi.dev"}'] == 1
    assert after["tanebi_api_watches"] == 1
    await chunks.aclose()  # type: ignore[attr-defined]
    assert (await scrape(api))["tanebi_api_watches"] == 0

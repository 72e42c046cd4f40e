import anyio
import pytest
from anyio import wait_all_tasks_blocked
from prometheus_client import Counter

from tanebi.base.metrics import REGISTRY, exposition


def test_a_scrape_shows_what_is_registered() -> None:
    counter = Counter("tanebi_test_things", "Things.", registry=REGISTRY)
    try:
        counter.inc(3)
        content_type, body = exposition()
    finally:
        REGISTRY.unregister(counter)
    assert content_type.startswith("text/plain")
    assert b"tanebi_test_things_total 3.0" in body
    assert b"process_resident_memory_bytes" in body


def tasks() -> float:
    line = next(
        one for one in exposition()[1].splitlines() if one.startswith(b"tanebi_loop_tasks ")
    )
    return float(line.split()[1])


@pytest.mark.anyio
async def test_the_tasks_of_the_loop_are_counted() -> None:
    before = tasks()
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever)
        await wait_all_tasks_blocked()
        assert tasks() == before + 1
        group.cancel_scope.cancel()


def test_without_a_loop_there_are_no_tasks() -> None:
    assert tasks() == 0

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


async def test_the_tasks_of_the_loop_are_counted() -> None:
    assert b"tanebi_loop_tasks 1.0" in exposition()[1]


def test_without_a_loop_there_are_no_tasks() -> None:
    assert b"tanebi_loop_tasks 0.0" in exposition()[1]

"""PingSource: the contract of importers, and what is its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from importers.api.ping import PING_SOURCE
from importers.ping import CATCH_UP_S, PingImporter
from tanebi.api.meta import Obj
from tanebi.testing.clock import FakeClock
from tanebi.testing.importer_contract import UID, Bench, ImporterContract

pytestmark = pytest.mark.anyio


def source(**spec: object) -> Obj:
    return {
        "apiVersion": PING_SOURCE.api_version,
        "kind": PING_SOURCE.kind,
        "metadata": {"name": "beat", "namespace": "default", "uid": UID, "generation": 1},
        "spec": {"schedule": "* * * * * *", "sink": {"uri": "http://sink.example/"}, **spec},
        "status": {"sinkUri": "http://sink.example/"},
    }


class TestContract(ImporterContract):
    importer = PingImporter

    def manifest(self) -> Obj:
        return {"spec": source()["spec"]}

    async def provoke(self, clock: FakeClock) -> None:
        clock.advance(1.0)


class TestEvent:
    def test_is_what_knative_sends(self) -> None:
        importer = PingImporter(
            PING_SOURCE.view(source(data='{"a": 1}', contentType="application/json"))
        )
        event = importer.event(datetime(2026, 1, 1, tzinfo=UTC))
        assert event.type == "dev.knative.sources.ping"
        assert event.source == "/apis/v1/namespaces/default/pingsources/beat"
        assert event.data == b'{"a": 1}'
        assert event.content_type == "application/json"

    def test_base64_is_decoded(self) -> None:
        importer = PingImporter(PING_SOURCE.view(source(dataBase64="AP8=")))
        assert importer.event(datetime(2026, 1, 1, tzinfo=UTC)).data == b"\x00\xff"

    def test_a_tick_has_one_id_for_ever(self) -> None:
        importer = PingImporter(PING_SOURCE.view(source()))
        one, other = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
        assert importer.event(one).id == importer.event(one).id != importer.event(other).id


async def ticks(bench: Bench) -> list[str]:
    return [sent.headers["ce-time"] for sent in bench.sender.sent]


async def test_overrides_are_set_on_every_event(tmp_path: Path) -> None:
    bench = Bench(PingImporter, source(ceOverrides={"extensions": {"team": "a b"}}), tmp_path)
    async with bench.running():
        await bench.until(lambda: bench.sender.sent)
    assert bench.sender.sent[0].headers["ce-team"] == "a%20b"


async def test_ticks_missed_in_a_short_stop_are_delivered(tmp_path: Path) -> None:
    bench = Bench(PingImporter, source(schedule="*/10 * * * * *"), tmp_path)
    async with bench.running():
        await bench.until(lambda: bench.sender.sent)
        await bench.until(lambda: any(tmp_path.iterdir()), step_s=0)
    bench.sender.sent.clear()
    bench.clock.advance(35)
    async with bench.running():
        await bench.until(lambda: len(bench.sender.sent) >= 3, step_s=0)
    assert len(set(bench.ids)) == len(bench.ids)


async def test_ticks_missed_in_a_long_stop_are_not(tmp_path: Path) -> None:
    bench = Bench(PingImporter, source(schedule="0 * * * *"), tmp_path)
    async with bench.running():
        pass
    bench.clock.advance(3 * 3600 + 600)
    async with bench.running():
        await bench.until(lambda: bench.sender.sent, step_s=60)
    assert len(bench.sender.sent) == 1
    assert (await ticks(bench))[0].startswith("2026-01-01T04:00:00")


async def test_a_new_schedule_does_not_look_back(tmp_path: Path) -> None:
    first = Bench(PingImporter, source(schedule="*/5 * * * * *"), tmp_path)
    async with first.running():
        await first.until(lambda: first.sender.sent)
    second = Bench(PingImporter, source(schedule="* * * * * *"), tmp_path)
    second.clock.advance(CATCH_UP_S / 2)
    async with second.running():
        await second.until(lambda: second.sender.sent)
    assert (await ticks(second))[0] >= "2026-01-01T00:00:31"


async def test_a_clock_set_forward_skips_instead_of_flooding(tmp_path: Path) -> None:
    bench = Bench(PingImporter, source(), tmp_path)
    async with bench.running():
        await bench.until(lambda: bench.sender.sent)
        bench.clock.advance(7200)
        await bench.until(lambda: len(bench.sender.sent) > 30, step_s=0)
        assert len(bench.sender.sent) < CATCH_UP_S * 2

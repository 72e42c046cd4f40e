"""The kit must find fault with importers that deserve it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from importers.api.event import Event
from importers.api.importer import Context
from importers.api.source_types import Source
from importers.ping import PingImporter
from tanebi.api.meta import Obj
from tanebi.testing.clock import FakeClock
from tanebi.testing.importer_contract import UID, Bench, ImporterContract

pytestmark = pytest.mark.anyio


class Forgetful(PingImporter):
    """Emits once a start, with an id of its own each time, and remembers nothing."""

    starts = 0

    async def run(self, ctx: Context) -> None:
        Forgetful.starts += 1
        await ctx.clock.sleep(1)
        await ctx.emit(Event(type="t", source="s", id=str(Forgetful.starts)))
        await anyio.sleep_forever()


class Kit(ImporterContract):
    __test__ = False
    importer = Forgetful

    def manifest(self) -> Obj:
        return {"spec": {"schedule": "* * * * * *"}}

    async def provoke(self, clock: FakeClock) -> None:
        clock.advance(1.0)


def bench(folder: Path) -> Bench:
    kind = Forgetful.kind
    manifest = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "f", "namespace": "default", "uid": UID},
        "spec": {"schedule": "* * * * * *"},
        "status": {"sinkUri": "http://sink.example/"},
    }
    assert kind.view(manifest).spec
    return Bench(Forgetful, manifest, folder)


async def test_a_foreign_event_type_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await Kit().test_emits_valid_cloud_events(bench(tmp_path))


async def test_loss_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tanebi.testing.importer_contract.WAIT_MAX_S", 0.3)
    with pytest.raises(ExceptionGroup) as raised:
        await Kit().test_resumes_without_loss(bench(tmp_path))
    assert raised.group_contains(TimeoutError)


def test_a_source_view_is_what_an_importer_gets() -> None:
    assert issubclass(Forgetful.kind.model, Source)

"""The contract of importers, as tests: subclass `ImporterContract`, say what to test, and let pytest collect it.

    class TestMine(ImporterContract):
        importer = MyImporter
        def manifest(self): return {...}          # spec of one source
        async def provoke(self, clock): ...       # make the outside world give it one more event

Time stands still but for `provoke` and the waits of the kit, which move a FakeClock. Needs pytest with anyio's plugin.
"""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import anyio
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from importers.api.importer import Importer
from importers.checkpoint import Checkpoints
from importers.context import SourceContext, Tools
from tanebi.api.kind import Kind
from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.base.log import get_logger
from tanebi.base.rng import system_rng
from tanebi.http.errors import ConnectFailed
from tanebi.http.messages import HttpResponse
from tanebi.testing.clock import FakeClock
from tanebi.testing.sender import Answer, ScriptedSender

SINK: Final = "http://sink.example/"
UID: Final = "6f1f6f6e-3a53-4a8e-9a57-0f6f5a2f7d11"
STOP_MAX_S: Final = 1.0
BLOCK_MAX_S: Final = 0.1
WAIT_MAX_S: Final = 10.0


class Bench:
    """One importer at work, with everything around it in the test's hands."""

    def __init__(self, importer: type[Importer], manifest: Obj, folder: Path) -> None:
        self.clock = FakeClock()
        self.sender = ScriptedSender()
        self._importer = importer
        self._manifest = manifest
        self._tools = Tools(self.sender, self.clock, system_rng(1), Checkpoints(folder))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Stopped on leaving, as the platform stops it: cancelled."""
        source = self._importer.kind.view(self._manifest)
        context = SourceContext(source, self._tools, get_logger("contract"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._importer(source).run, context)
            await anyio.sleep(0.01)
            yield
            tasks.cancel_scope.cancel()

    async def until(self, holds: Callable[[], Any], *, step_s: float = 0.25) -> None:
        """Let time pass in small steps until `holds`."""
        with anyio.fail_after(WAIT_MAX_S):
            while not holds():
                self.clock.advance(step_s)
                await anyio.sleep(0.002)

    @property
    def ids(self) -> list[str]:
        return [sent.headers["ce-id"] for sent in self.sender.sent]


@pytest.mark.anyio
class ImporterContract:
    """What the platform relies on."""

    importer: ClassVar[type[Importer]]

    def manifest(self) -> Obj:
        """A source object; metadata and the resolved sink are added."""
        raise NotImplementedError

    async def provoke(self, clock: FakeClock) -> None:
        """Make one more event due."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        kind: Kind[Any] = self.importer.kind
        whole = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            **self.manifest(),
            "metadata": {"name": "contract", "namespace": "default", "uid": UID, "generation": 1},
            "status": {"sinkUri": SINK},
        }
        return Bench(self.importer, whole, tmp_path / "checkpoints")

    def test_declares_what_it_is(self) -> None:
        assert self.importer.kind.model.model_fields["spec"].annotation is self.importer.Settings
        assert self.importer.emits, "name at least one event type"
        assert "sources" in self.importer.kind.categories

    async def test_emits_valid_cloud_events(self, bench: Bench) -> None:
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
        sent = bench.sender.sent[0]
        event = from_http_event(HTTPMessage(headers=sent.headers, body=sent.body))
        assert (sent.method, sent.url) == ("POST", SINK)
        assert event.get_type() in self.importer.emits
        attributes = self.importer.attributes(self.importer.kind.view(self._view(bench)))
        assert (event.get_type(), event.get_source()) in attributes

    async def test_a_busy_sink_gets_the_same_event_again(self, bench: Bench) -> None:
        script: list[Answer] = [
            HttpResponse(429),
            HttpResponse(503),
            ConnectFailed("connect-failed", "nobody listens"),
        ]
        bench.sender.answer = lambda n: script[n] if n < len(script) else None
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: len(bench.sender.sent) > len(script))
        assert len(set(bench.ids[: len(script) + 1])) == 1

    async def test_a_refusal_does_not_stop_it(self, bench: Bench) -> None:
        bench.sender.answer = lambda n: HttpResponse(400) if n == 0 else None
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
            await self.provoke(bench.clock)
            await bench.until(lambda: len(set(bench.ids)) > 1)

    async def test_resumes_without_loss(self, bench: Bench) -> None:
        bench.sender.answer = lambda _: HttpResponse(503)
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
        lost = bench.ids[0]
        bench.sender.sent.clear()
        bench.sender.answer = lambda _: None
        async with bench.running():
            await bench.until(lambda: lost in bench.ids)

    async def test_does_not_repeat_what_was_accepted(self, bench: Bench) -> None:
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
            await anyio.sleep(0.1)  # real time, for the checkpoint to reach the disk
        first = set(bench.ids)
        bench.sender.sent.clear()
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
        assert not first & set(bench.ids)

    async def test_stops_at_once(self, bench: Bench) -> None:
        bench.sender.answer = lambda _: HttpResponse(503)
        clock = SystemClock()
        async with bench.running():
            await self.provoke(bench.clock)
            await bench.until(lambda: bench.sender.sent)
            started = clock.now()
        assert clock.now() - started < STOP_MAX_S

    async def test_never_blocks_the_loop(self, bench: Bench) -> None:
        """The median of many turns: a busy machine delays some of them, an importer that blocks delays each."""
        clock, turns = SystemClock(), []
        async with bench.running():
            for _ in range(21):
                before = clock.now()
                await self.provoke(bench.clock)
                await anyio.sleep(0.001)
                turns.append(clock.now() - before)
        assert statistics.median(turns) < BLOCK_MAX_S

    def _view(self, bench: Bench) -> Obj:
        return bench._manifest

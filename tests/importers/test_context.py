from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from importers.api.event import Event
from importers.api.importer import Undelivered
from importers.api.source_types import Source
from importers.checkpoint import Checkpoints
from importers.context import SourceContext, Tools
from importers.retry import RETRIES_MAX
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.base.rng import system_rng
from tanebi.http.errors import ConnectFailed, ExchangeTimeout
from tanebi.http.messages import HttpResponse
from tanebi.testing.clock import FakeClock
from tanebi.testing.sender import ScriptedSender

pytestmark = pytest.mark.anyio

EVENT = Event(type="t", source="/s", id="1", data=b"\x00raw\xff", content_type="application/x-raw")


class Rig:
    def __init__(self, folder: Path, **extensions: str) -> None:
        self.sender = ScriptedSender()
        self.clock = FakeClock()
        source = Source.model_validate(
            {
                "metadata": {"name": "s", "namespace": "default", "uid": "u-1"},
                "spec": {"ceOverrides": {"extensions": extensions}},
                "status": {"sinkUri": "http://sink.example/in"},
            }
        )
        tools = Tools(self.sender, self.clock, system_rng(1), Checkpoints(folder))
        self.context = SourceContext(source, tools, get_logger("test"))

    async def emit(self, event: Event = EVENT) -> None:
        """Emit while time passes."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pass_time)
            try:
                await self.context.emit(event)
            finally:
                tasks.cancel_scope.cancel()

    async def _pass_time(self) -> None:
        while True:
            self.clock.advance(1)
            await anyio.lowlevel.checkpoint()


async def test_data_goes_out_byte_for_byte(tmp_path: Path) -> None:
    rig = Rig(tmp_path, color="red")
    await rig.emit()
    sent = rig.sender.sent[0]
    assert (sent.method, sent.url, sent.body) == ("POST", "http://sink.example/in", EVENT.data)
    assert sent.headers["content-type"] == "application/x-raw"
    assert sent.headers["ce-color"] == "red"


@pytest.mark.parametrize(
    "trouble",
    [
        HttpResponse(503),
        HttpResponse(429),
        ConnectFailed("connect-failed", "nobody listens"),
        ExchangeTimeout("timeout", "too slow"),
    ],
)
async def test_trouble_is_retried(tmp_path: Path, trouble: Any) -> None:
    rig = Rig(tmp_path)
    rig.sender.answer = lambda n: trouble if n < 3 else None
    await rig.emit()
    assert len(rig.sender.sent) == 4


async def test_a_refusal_is_not_retried(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.sender.answer = lambda _: HttpResponse(400)
    with pytest.raises(ExceptionGroup) as raised:
        await rig.emit()
    assert raised.group_contains(Undelivered, match="refused event 1: status 400")
    assert len(rig.sender.sent) == 1


async def test_retries_are_bounded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.sender.answer = lambda _: HttpResponse(500)
    with pytest.raises(ExceptionGroup) as raised:
        await rig.emit()
    assert raised.group_contains(Undelivered, match=f"in {RETRIES_MAX + 1} tries")
    assert len(rig.sender.sent) == RETRIES_MAX + 1


async def test_a_bad_event_is_never_sent(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Bad="x")
    with pytest.raises(ExceptionGroup) as raised:
        await rig.emit()
    assert raised.group_contains(UserError, match="'Bad' is no extension name")
    assert rig.sender.sent == []


async def test_checkpoints_belong_to_the_source(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    assert await rig.context.load() is None
    await rig.context.save({"at": 7})
    assert await rig.context.load() == {"at": 7}
    assert Checkpoints(tmp_path).load("u-1") == {"at": 7}

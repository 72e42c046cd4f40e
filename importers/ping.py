"""PingSource: an event whenever its schedule says so.

One loop waits for ticks and never for the sink: it puts them into a short queue that a second task delivers in order. While
the sink fails, deliveries are retried (importers.retry) and ticks that no longer fit the queue are dropped, with a log line.
After a stop the ticks of the last CATCH_UP_S seconds are delivered late rather than lost; older ones are skipped, as cron
does. The id of an event is made of the source's uid and the tick, so that one delivered twice can be told.
"""

from __future__ import annotations

import base64
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from importers.api.event import Event
from importers.api.importer import Context, Importer, Undelivered
from importers.api.ping import PING_SOURCE
from importers.api.ping_types import EVENT_TYPE, PingSource, PingSourceSpec, event_source
from importers.api.source_types import Source, SourceSpec
from tanebi.api.kind import Kind
from tanebi.api.schedule import parse
from tanebi.base.clock import Clock

CATCH_UP_S: Final = 60.0
TICKS_WAITING_MAX: Final = 64
NAP_MAX_S: Final = 10.0  # the civil clock may be set while we wait


class PingImporter(Importer):
    """Implements the contract of importers.api.Importer."""

    kind: ClassVar[Kind[Any]] = PING_SOURCE
    Settings: ClassVar[type[SourceSpec]] = PingSourceSpec
    emits: ClassVar[tuple[str, ...]] = (EVENT_TYPE,)

    def __init__(self, source: Source) -> None:
        assert isinstance(source, PingSource), type(source)
        super().__init__(source)
        self.spec = source.spec

    @classmethod
    def attributes(cls, source: Source) -> list[tuple[str, str]]:
        return [(EVENT_TYPE, event_source(source.metadata.namespace, source.metadata.name))]

    async def run(self, ctx: Context) -> None:
        since = await self._resume(ctx)
        send, receive = anyio.create_memory_object_stream[datetime](TICKS_WAITING_MAX)
        async with anyio.create_task_group() as tasks, send, receive:
            tasks.start_soon(self._deliver, ctx, receive)
            await self._tick(ctx, send, since)

    async def _resume(self, ctx: Context) -> datetime:
        """Where the ticks go on. A changed schedule starts anew."""
        now = ctx.clock.wall()
        saved = await ctx.load()
        if isinstance(saved, dict) and saved.get("schedule") == self._rule:
            last = datetime.fromisoformat(saved["tick"])
            return max(min(last, now), now - timedelta(seconds=CATCH_UP_S))
        await self._save(ctx, now)
        return now

    @property
    def _rule(self) -> str:
        return f"{self.spec.timezone} {self.spec.schedule}"

    async def _tick(
        self, ctx: Context, send: MemoryObjectSendStream[datetime], since: datetime
    ) -> None:
        """Put ticks into the queue at their time, until cancelled."""
        schedule = parse(self.spec.schedule, self.spec.timezone)
        while (tick := next(schedule.after(since), None)) is not None:
            await sleep_until(tick, ctx.clock)
            late_s = (ctx.clock.wall() - tick).total_seconds()
            if late_s > CATCH_UP_S:  # the machine slept, or its clock was set forward
                ctx.log.warning("ticks skipped", since=tick.isoformat(), late_s=round(late_s))
                since = ctx.clock.wall() - timedelta(seconds=CATCH_UP_S)
                continue
            since = tick
            try:
                send.send_nowait(tick)
            except anyio.WouldBlock:
                ctx.log.warning("tick dropped: the sink is too slow", tick=tick.isoformat())
        await anyio.sleep_forever()

    async def _deliver(self, ctx: Context, receive: MemoryObjectReceiveStream[datetime]) -> None:
        async for tick in receive:
            try:
                await ctx.emit(self.event(tick))
            except Undelivered as error:
                ctx.log.error("event lost", tick=tick.isoformat(), why=error.message)
            await self._save(ctx, tick)

    async def _save(self, ctx: Context, tick: datetime) -> None:
        """An unwritable disk costs at most a repeated tick after a restart: say so and go on."""
        try:
            await ctx.save({"schedule": self._rule, "tick": tick.isoformat()})
        except OSError:
            ctx.log.exception("checkpoint not saved")

    def event(self, tick: datetime) -> Event:
        meta = self.source.metadata
        return Event(
            type=EVENT_TYPE,
            source=event_source(meta.namespace, meta.name),
            id=str(uuid.uuid5(uuid.UUID(meta.uid), tick.isoformat())),
            data=self._data(),
            content_type=self.spec.content_type,
            time=tick,
        )

    def _data(self) -> bytes | None:
        if self.spec.data_base64:
            return base64.b64decode(self.spec.data_base64)
        return self.spec.data.encode() if self.spec.data else None


async def sleep_until(stamp: datetime, clock: Clock) -> None:
    """Return when the civil clock has reached `stamp`, also when somebody sets it meanwhile."""
    while (left_s := (stamp - clock.wall()).total_seconds()) > 0:
        await clock.sleep(min(left_s, NAP_MAX_S))

"""What an importer is given to work with: implements importers.api.Context for one source object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from anyio import to_thread

from importers.api.event import Event, binary_headers, check
from importers.api.importer import Undelivered
from importers.api.source_types import Source
from importers.checkpoint import Checkpoints
from importers.retry import RETRIES_MAX, Verdict, delay_s, verdict
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng
from tanebi.http.errors import HttpError
from tanebi.http.messages import Sender

WAIT_S: Final = 120.0  # for a sleeping sink to wake
EXCHANGE_S: Final = 60.0
ANSWER_MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Tools:
    """What all sources share."""

    sender: Sender
    clock: Clock
    rng: Rng
    checkpoints: Checkpoints


class SourceContext:
    """Delivers to the source's resolved sink, `source.status.sink_uri`."""

    def __init__(self, source: Source, tools: Tools, log: Any) -> None:
        self._source = source
        self._tools = tools
        self._log = log

    @property
    def clock(self) -> Clock:
        return self._tools.clock

    @property
    def rng(self) -> Rng:
        return self._tools.rng

    @property
    def log(self) -> Any:
        return self._log

    @property
    def http(self) -> Sender:
        return self._tools.sender

    async def emit(self, event: Event) -> None:
        overrides = self._source.spec.ce_overrides.extensions
        event = replace(event, extensions={**event.extensions, **overrides})
        check(event)
        for retry in range(RETRIES_MAX + 1):
            said, judged = await self._try(event)
            if judged == "accepted":
                return
            if judged == "refused":
                raise Undelivered("event-refused", f"the sink refused event {event.id}: {said}")
            if retry < RETRIES_MAX:
                self._log.debug("emit retried", id=event.id, said=said, retry=retry)
                await self.clock.sleep(delay_s(retry))
        raise Undelivered(
            "event-undelivered",
            f"event {event.id} was not taken in {RETRIES_MAX + 1} tries, the last: {said}",
        )

    async def load(self) -> Any:
        return await to_thread.run_sync(self._tools.checkpoints.load, self._source.metadata.uid)

    async def save(self, checkpoint: Any) -> None:
        uid = self._source.metadata.uid
        await to_thread.run_sync(self._tools.checkpoints.save, uid, checkpoint)

    async def _try(self, event: Event) -> tuple[str, Verdict]:
        """What the sink said, and what that means."""
        try:
            answer = await self.http.send(
                "POST",
                self._source.status.sink_uri,
                binary_headers(event),
                event.data or b"",
                wait_s=WAIT_S,
                timeout_s=EXCHANGE_S,
                response_max=ANSWER_MAX_BYTES,
            )
        except HttpError as error:
            return error.message, "again"
        return f"status {answer.status}", verdict(answer.status)

"""Events do not stay for ever: an hour as in Kubernetes, and no more than EVENTS_MAX at a time.

`expired` is pure; Expiry asks it every minute. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds import EVENT
from tanebi.api.meta import Key, Obj, key_of, parse_time
from tanebi.apiserver.history import Entry
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import DeleteOptions
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError, NotFound

EVENT_LIFE: Final = timedelta(hours=1)
EVENTS_MAX: Final = 5000
EVERY_S: Final = 60.0


def expired(events: Sequence[Entry], now: datetime, *, at_most: int = EVENTS_MAX) -> list[Key]:
    """Events not seen for EVENT_LIFE, and the longest unseen beyond `at_most`."""
    by_age = sorted(events, key=lambda entry: _last_seen(entry.obj))
    excess = max(0, len(by_age) - at_most)
    return [
        key_of(entry.obj)
        for index, entry in enumerate(by_age)
        if index < excess or _last_seen(entry.obj) < now - EVENT_LIFE
    ]


def _last_seen(event: Obj) -> datetime:
    """The newest of its times that can be read. The server sets creationTimestamp, so there is one."""
    series = event.get("series") or {}
    for stamp in (series.get("lastObservedTime"), event.get("lastTimestamp")):
        try:
            return parse_time(str(stamp))
        except ValueError:
            continue
    return parse_time(event["metadata"]["creationTimestamp"])


class Expiry:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._log = get_logger("apiserver.expiry")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            await self.sweep()
            await self._objects.clock.sleep(EVERY_S)

    async def sweep(self) -> None:
        """Delete what has expired by now. A disk that fails, or a webhook that refuses, is tried again next time."""
        events = self._objects.store.list(EVENT.resource)
        try:
            for key in expired(events, self._objects.clock.wall()):
                await self._delete(key)
        except (ApiError, Unavailable) as error:
            self._log.warning("cannot expire events", error=error.message)

    async def _delete(self, key: Key) -> None:
        try:
            await self._objects.delete(EVENT, key, CONTROLLER, options=DeleteOptions())
        except NotFound:
            return  # somebody else deleted it, which is as good

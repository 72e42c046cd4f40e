"""The task that keeps one kind's cache fed: list, watch from there, resume, list anew when told to.

Every error backs off and is logged; only cancellation ends it. Caller: tanebi.kube.cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import anyio

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, Expired, Unreachable
from tanebi.kube.watch import Added, BadWatch, Bookmark, Deleted, Failed, Modified

BACKOFF_FIRST_S: Final = 0.02
BACKOFF_MAX_S: Final = 10.0
RELIST_S: Final = 1800.0  # a line that was lost without a trace is found no later than this
WATCH_S: Final = 600.0  # how long one stream is asked to last
WATCH_GRACE_S: Final = 15.0  # how much longer it may last before we end it ourselves
SHORT_WATCH_S: Final = 1.0  # a stream that ends sooner is a failure: without a pause we would spin

log = get_logger("cache")


class Feeder:
    """One kind. `listed(items, resource_version)` and `happened(event)` are called on the loop."""

    def __init__(
        self,
        kube: Kube,
        kind: AnyKind,
        *,
        clock: Clock,
        listed: Callable[[Sequence[Obj], str], None],
        happened: Callable[[Added | Modified | Deleted | Bookmark], None],
        relist_s: float = RELIST_S,
    ) -> None:
        self._kube = kube
        self._kind = kind
        self._clock = clock
        self._listed = listed
        self._happened = happened
        self._relist_s = relist_s
        self._position = ""  # where the next watch begins; empty: list first
        self._listed_at = clock.now()
        self._failures = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if not self._position or self._relist_in_s() <= 0:
                    await self._list()
                await self._watch()
            except Expired as error:
                self._position = ""
                await self._back_off(str(error))
            except (ApiError, Unreachable, BadWatch) as error:
                await self._back_off(str(error))

    async def _list(self) -> None:
        self._listed_at = self._clock.now()
        listing = await self._kube.list(self._kind, None)
        self._listed(listing.items, listing.resource_version)
        self._position = listing.resource_version

    async def _watch(self) -> None:
        opened_at = self._clock.now()
        lasts_s = max(1.0, min(WATCH_S, self._relist_in_s()))
        with anyio.move_on_after(lasts_s + WATCH_GRACE_S):
            async with self._kube.watch(
                self._kind, None, resource_version=self._position, timeout_s=int(lasts_s)
            ) as events:
                async for event in events:
                    if isinstance(event, Failed):
                        raise event.error
                    self._take(event)
        if self._clock.now() - opened_at < SHORT_WATCH_S:
            await self._back_off("the server ended the watch at once")

    def _take(self, event: Added | Modified | Deleted | Bookmark) -> None:
        self._happened(event)
        self._failures = 0
        if isinstance(event, Bookmark):
            version = event.resource_version
        else:
            version = str(event.obj.get("metadata", {}).get("resourceVersion") or "")
        self._position = version or self._position

    def _relist_in_s(self) -> float:
        return self._listed_at + self._relist_s - self._clock.now()

    async def _back_off(self, why: str) -> None:
        delay_s = min(BACKOFF_FIRST_S * 2.0**self._failures, BACKOFF_MAX_S)
        self._failures = min(self._failures + 1, 30)
        log.warning("watch interrupted", kind=self._kind.resource, error=why, retry_in_s=delay_s)
        await self._clock.sleep(delay_s)

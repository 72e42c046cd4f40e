"""What nobody waits for steps aside while something that somebody waits for is under way.

There is one loop. When a sleeping service is asked for, a handful of passes lead to its pod, and dozens tell people what
happened; run in the order of their events, the second kind takes most of the time of the first. So passes that only tell wait
for a moment of quiet, and what they would tell meanwhile is told once. The wait is bounded: under steady load they still run.
Callers: tanebi.kube.engine, tanebi.kube.apply.
"""

from __future__ import annotations

import math
from typing import Final

from tanebi.base.clock import Clock

QUIET_S: Final = 0.01  # longer than what mostly lies between two steps that follow from each other
WAIT_MAX_S: Final = 0.15  # under steady load: many echoes in one pass


class Quiet:
    """`touch` when something urgent happens, `settle` before something that can wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._quiet_at = -math.inf

    def touch(self, *, lasting_s: float = QUIET_S) -> None:
        """Something urgent has happened, and what follows from it will take about `lasting_s`."""
        self._quiet_at = max(self._quiet_at, self._clock.now() + lasting_s)

    async def settle(self) -> None:
        """Return when nothing urgent is expected to be under way, after WAIT_MAX_S at the latest."""
        now = self._clock.now()
        latest = now + WAIT_MAX_S
        while (until := min(self._quiet_at, latest)) > now:
            await self._clock.sleep(until - now)
            now = self._clock.now()

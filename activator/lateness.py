"""When a report was true, by the receiver's clock.

Pure. Sender and receiver have clocks with different zeros, and a busy receiver reads late: seconds that come at once would look
like one second of many times the load. The least delay seen so far tells the difference of the clocks; what comes later than that
is put back by as much. Caller: activator.hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DRIFT: Final = 1e-3  # by how much a clock may be wrong in a second: more than any is
BACK_MAX_S: Final = 60.0


@dataclass(slots=True)
class Lateness:
    """Of one sender."""

    _offset: float | None = None  # what our clock shows when the sender's shows 0
    _heard: float = 0.0

    def placed(self, sent: float, now: float) -> float:
        """The time of what was said at `sent` by the sender's clock and is read `now`; never later than `now`."""
        offset = now - sent
        if self._offset is not None:
            offset = min(offset, self._offset + DRIFT * max(0.0, now - self._heard))
        self._offset, self._heard = offset, now
        return max(sent + offset, now - BACK_MAX_S)

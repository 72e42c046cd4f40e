"""What one HTTP/2 peer may do, and the account of what it has done.

Pure; time comes as ticks. A peer that does useful work earns the control frames that go with it; one that only makes work
(resets, pings, settings, empty frames) spends what it has and is then told to calm down (CVE-2023-44487, CVE-2019-9512 and its
family).
Caller: tanebi.http.h2.connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tanebi.http.h2.frames import Broken, Code

TICK_S: Final = 0.1

CALM_MAX: Final = 2000  # control frames that a silent peer may send at once
CALM_PER_TICK: Final = 5
CALM_PER_WORK: Final = 8  # for each head and each frame of a body, either way
RESETS_MAX: Final = 1000  # streams given up at once, and the rate after that
RESETS_PER_TICK: Final = 5
CONTINUATIONS_MAX: Final = 64  # frames of one header block


@dataclass(frozen=True, slots=True)
class H2Limits:
    """Bytes, counts and seconds."""

    streams_max: int = 128
    head_max: int = 65536  # of a header block as it comes, and of its fields
    window: int = 262144  # of one stream: what waits for its reader
    connection_window: int = 1048576
    stall_s: float = 120.0  # how long the peer may let a stream's bytes wait without taking any


class Account:
    """Raises Broken when it is overdrawn."""

    __slots__ = ("calm", "resets")

    def __init__(self) -> None:
        self.calm = CALM_MAX
        self.resets = RESETS_MAX

    def earn(self) -> None:
        if self.calm < CALM_MAX:
            self.calm += CALM_PER_WORK

    def spend(self) -> None:
        """A frame that asks for nothing useful."""
        self.calm -= 1
        if self.calm < 0:
            raise Broken(Code.ENHANCE_YOUR_CALM, "too many control frames")

    def spend_reset(self) -> None:
        """A stream was given up, by the peer or by us for its fault."""
        self.resets -= 1
        if self.resets < 0:
            raise Broken(Code.ENHANCE_YOUR_CALM, "too many streams were reset")

    def tick(self) -> None:
        self.calm = min(CALM_MAX, self.calm + CALM_PER_TICK)
        self.resets = min(RESETS_MAX, self.resets + RESETS_PER_TICK)

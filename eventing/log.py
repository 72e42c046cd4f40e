"""The event log as the broker sees it: streams of events, and cursors that read them.

A stream holds one broker's events in order; a cursor is one trigger's place in it, with its retries and dead letters.
`append` returns when the event is on disk. A cursor's progress reaches the disk a little later, in groups: after a crash
events are delivered again, never skipped. One contract suite holds for every implementation: tests/contract/test_event_log.py.

Implementations: eventing.sqlitelog. Callers: eventing.ingress (append), eventing.dispatcher (cursors), eventing.broker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from anyio.abc import TaskStatus

from eventing.delivery import Failure, Progress
from eventing.events import Event

READ_MAX: Final = 64


class Name(NamedTuple):
    """An object that owns a stream or a cursor. The uid tells an object from one that was deleted and made again."""

    namespace: str
    name: str
    uid: str


@dataclass(slots=True, eq=False)
class Record:
    """An event handed to a trigger, and where its delivery stands."""

    seq: int
    event: Event
    progress: Progress


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that nobody took. `at` is civil time, in seconds."""

    seq: int
    event: Event
    failure: Failure
    at: float


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things stay. Events that a trigger has not passed are never dropped: at `disk_bytes` the log refuses new ones.

    Passed events stay for `passed_s`, but at most `passed_bytes` a stream; dead letters stay for `dead_s`.
    `disk_free_bytes` is left to others on the disk.
    """

    passed_s: float = 3600.0
    passed_bytes: int = 64 << 20
    disk_bytes: int = 4 << 30
    disk_free_bytes: int = 64 << 20
    dead_s: float = 7 * 86400.0


class LogCursor(Protocol):
    """One trigger's place. Every record that was read is answered by exactly one of done, again and bury."""

    @property
    def backlog(self) -> int:
        """Events that are not answered for."""

    async def read(self, count: int) -> Sequence[Record]:
        """Up to `count` records: retries that are due, then new events in order. Waits until there is one."""

    def done(self, record: Record) -> None: ...

    def again(self, record: Record, progress: Progress, after_s: float) -> None: ...

    def bury(self, record: Record, failure: Failure) -> None: ...


class EventLog(Protocol):
    """All streams of one broker service. What does not wait takes effect at once and reaches the disk in order."""

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Open, say started, keep house; on cancellation write what is due and close."""

    def stream(self, owner: Name) -> None:
        """Make sure that `owner` has a stream."""

    def drop_stream(self, owner: Name) -> None:
        """Forget the stream, its events and its cursors. Unknown owners are ignored."""

    def streams(self) -> Sequence[Name]: ...

    async def append(self, owner: Name, event: Event) -> None:
        """Return once the event is on disk. Raises Unavailable when it is not, KeyError when `owner` has no stream."""

    def cursor(self, owner: Name, reader: Name) -> LogCursor:
        """The place of `reader` in a stream; a new one begins at the present end. Raises KeyError without a stream."""

    def drop_cursor(self, reader: Name) -> None:
        """Forget the place, its retries and its dead letters. Unknown readers are ignored."""

    def cursors(self) -> Sequence[Name]: ...

    async def dead_letters(self, reader: Name, *, limit: int) -> Sequence[DeadLetter]:
        """The oldest `limit` dead letters of a trigger."""

"""Many small durable writes, one fsync.

Callers hand over SQL statements and await; a writer thread takes everything that has gathered, runs it in one
transaction with `synchronous=FULL`, and then resolves the callers in order. A caller that has been resolved is
on disk. The design and its price (~0.6 ms an fsync, ~16 µs an event at 128 a batch) are in DESIGN §3.5.

After the first failed commit nothing is accepted any more: an fsync that failed once cannot be trusted later,
for the kernel may have dropped the dirty pages. The owner must say so and open the file anew.

Callers: tanebi.apiserver.store, eventing.log.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger

BATCH_MAX: Final = 512
PENDING_MAX: Final = 16384
BUSY_TIMEOUT_MS: Final = 5000

_log = get_logger("store")

Statement = tuple[str, Sequence[Any]]


def connect(path: Path) -> sqlite3.Connection:
    """Open `path` as this house uses SQLite: WAL, every commit synced, explicit transactions."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=OFF")
    return db


@dataclass(slots=True, eq=False)
class _Write:
    statements: Sequence[Statement]
    done: Callable[[Exception | None], None]


@dataclass(slots=True, eq=False)
class GroupCommitter:
    """The one writer of one SQLite file. Create it on the loop that will submit."""

    db: sqlite3.Connection
    loop: asyncio.AbstractEventLoop
    _pending: deque[_Write] = field(default_factory=deque)
    _wake: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _closing: bool = False
    _failed: Exception | None = None

    @property
    def failed(self) -> Exception | None:
        """What broke the file, or None while it is sound."""
        return self._failed

    def start(self) -> None:
        assert self._thread is None, "started twice"
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def submit(
        self, statements: Sequence[Statement], done: Callable[[Exception | None], None]
    ) -> None:
        """Queue `statements` as one unit. `done(error)` runs on the loop, in submission order.

        Raises Unavailable when the store has failed, is closing, or PENDING_MAX units wait.
        """
        if self._failed is not None:
            raise store_failed(self._failed)
        with self._wake:
            if self._closing:
                raise Unavailable("store-closing", "the store is closing")
            if len(self._pending) >= PENDING_MAX:
                raise Unavailable("store-busy", f"{PENDING_MAX} writes wait for the disk already")
            self._pending.append(_Write(statements, done))
            self._wake.notify()

    async def write(self, statements: Sequence[Statement]) -> None:
        """Return once `statements` are on disk. Raises Unavailable when they are not."""
        future: asyncio.Future[None] = self.loop.create_future()

        def done(error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(store_failed(error))

        self.submit(statements, done)
        await future

    def close(self) -> None:
        """Write what is queued, stop the thread, close the file. Blocks for at most that one commit."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.db.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._pending and not self._closing:
                    self._wake.wait()
                count = min(len(self._pending), BATCH_MAX)
                batch = [self._pending.popleft() for _ in range(count)]
            if not batch:
                return
            error = self._failed or self._commit(batch)
            if not self._report(batch, error):
                return

    def _commit(self, batch: list[_Write]) -> Exception | None:
        try:
            self.db.execute("BEGIN IMMEDIATE")
            for write in batch:
                for sql, params in write.statements:
                    self.db.execute(sql, params)
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
            return error
        return None

    def _fail(self, error: sqlite3.Error) -> None:
        self._failed = error
        with contextlib.suppress(
            sqlite3.Error
        ):  # nothing of it was acknowledged, whatever becomes of it
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        _log.error(
            "could not write to disk: read-only from now on; free disk space or repair the disk, then start tanebi again",
            file=_file_of(self.db),
            error=str(error),
        )

    def _report(self, batch: list[_Write], error: Exception | None) -> bool:
        def tell() -> None:
            for write in batch:
                write.done(error)

        try:
            self.loop.call_soon_threadsafe(tell)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            return False
        return True


def _file_of(db: sqlite3.Connection) -> str:
    return str(next(iter(db.execute("PRAGMA database_list")), ("", "", ""))[2])


def store_failed(cause: Exception) -> Unavailable:
    """What to tell a caller once the file is broken."""
    error = Unavailable(
        "store-failed",
        "the store could not write to disk and is read-only now",
        hint="free disk space or repair the disk, then start tanebi again",
        retry_after_s=30.0,
    )
    error.__cause__ = cause
    return error

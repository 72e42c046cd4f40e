"""A client under load that counts what went wrong."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Load:
    """What the clients saw. `errors`: connections that were refused or ended, in words."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    bodies: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def failures(self) -> int:
        return len(self.errors) + sum(n for status, n in self.statuses.items() if status != 200)

    @property
    def done(self) -> int:
        return sum(self.statuses.values())


@contextmanager
def load(
    port: int, host: str, *, path: str = "/", clients: int = 4, pause_s: float = 0.005
) -> Iterator[Load]:
    """`clients` threads ask one after the other, each on one kept connection, until the context ends."""
    seen, over, lock = Load(), threading.Event(), threading.Lock()

    def one() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not over.is_set():
            began = time.monotonic()
            try:
                connection.request("GET", path, headers={"Host": host})
                answer = connection.getresponse()
                body = answer.read().decode()
                with lock:
                    seen.statuses[answer.status] += 1
                    seen.bodies[body.strip()] += 1
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with lock:
                    seen.errors.append(repr(error))
            with lock:
                seen.slowest_s = max(seen.slowest_s, time.monotonic() - began)
            time.sleep(pause_s)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()

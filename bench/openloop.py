"""Requests at a fixed rate, whether answers come or not, in a process of its own.

A closed loop slows down with what it measures and hides the worst waits. Here each request has its moment; its latency counts
from that moment, also when the generator was late to send it. Connections are kept and dialled as needed. The stages' results
are printed as JSON lines, one a stage.

    python bench/openloop.py PORT HOST BODY_BYTES RATE:SECONDS [RATE:SECONDS ...]
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from load import content_length

CONNECTIONS_MAX = 20_000
WAIT_S = 120.0  # for answers after the last request
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


@dataclass
class Outcome:
    """What became of the requests of one stage. Latencies in milliseconds, ascending once it is over."""

    rate: float
    seconds: float
    sent: int = 0
    answered: int = 0
    statuses: dict[str, int] = field(default_factory=dict)  # and "lost": no answer
    errors: list[str] = field(default_factory=list)  # the first few answers that were not 200
    latencies: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        if not self.latencies:
            return float("nan")
        rank = max(0, -int(-percent / 100 * len(self.latencies) // 1) - 1)
        return self.latencies[min(rank, len(self.latencies) - 1)]

    @property
    def failed(self) -> int:
        return self.sent - self.statuses.get("200", 0)


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: OpenLoad) -> None:
        self.load = load
        self.outcome: Outcome | None = None
        self.due = 0.0
        self.data = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, outcome: Outcome, due: float) -> None:
        self.outcome, self.due = outcome, due
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end or len(body) < content_length(head):
            return
        outcome, self.outcome, answer, self.data = self.outcome, None, self.data, b""
        if outcome is None:
            self.transport.close()
            return
        self.load.done(outcome, self.due, answer)
        if b"connection: close" in head.lower():
            self.transport.close()
        else:
            self.load.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        outcome, self.outcome = self.outcome, None
        if outcome is not None:
            self.load.lost(outcome, f"connection lost: {exc!r}")


class OpenLoad:
    """The generator. `request` is the whole request as bytes."""

    def __init__(self, port: int, request: bytes) -> None:
        self.port = port
        self.request = request
        self.idle: list[_Connection] = []
        self.open = 0
        self.counts: Counter[int] = Counter()

    async def stage(self, rate: float, seconds: float) -> Outcome:
        outcome = Outcome(rate, seconds)
        began, gap = time.perf_counter(), 1 / rate
        total = int(rate * seconds)
        async with asyncio.TaskGroup() as tasks:
            while outcome.sent < total:
                now = time.perf_counter()
                while outcome.sent < total and began + outcome.sent * gap <= now:
                    due = began + outcome.sent * gap
                    outcome.sent += 1
                    self._send(outcome, due, tasks)
                await asyncio.sleep(max(0.0, began + outcome.sent * gap - time.perf_counter()))
        return outcome

    def _send(self, outcome: Outcome, due: float, tasks: asyncio.TaskGroup) -> None:
        self.counts[id(outcome)] += 1
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing():
                connection.send(outcome, due)
                return
        tasks.create_task(self._dial(outcome, due))

    async def _dial(self, outcome: Outcome, due: float) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self.port
            )
        except OSError as error:
            self.lost(outcome, f"dial: {error}")
            return
        connection.send(outcome, due)

    def done(self, outcome: Outcome, due: float, answer: bytes) -> None:
        self.counts[id(outcome)] -= 1
        status = answer[9:12].decode()
        outcome.answered += 1
        outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
        outcome.latencies.append((time.perf_counter() - due) * 1000)
        if status != "200" and len(outcome.errors) < 5:
            outcome.errors.append(answer[:400].decode("latin-1"))

    def lost(self, outcome: Outcome, why: str) -> None:
        self.counts[id(outcome)] -= 1
        outcome.statuses["lost"] = outcome.statuses.get("lost", 0) + 1
        if len(outcome.errors) < 5:
            outcome.errors.append(why)

    async def rest(self, outcomes: Iterable[Outcome]) -> None:
        """Wait for what is still under way."""
        deadline = time.perf_counter() + WAIT_S
        for outcome in outcomes:
            # A bench may poll: nothing here is worth an event for each answer.
            while self.counts[id(outcome)] > 0 and time.perf_counter() < deadline:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            outcome.latencies.sort()

    def close(self) -> None:
        for connection in self.idle:
            connection.transport.close()
        self.idle.clear()


def ask(host: str, body_bytes: int = 0, path: str = "/") -> bytes:
    """A GET, or a POST of so many bytes."""
    common = f"Host: {host}\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    if not body_bytes:
        return f"GET {path} HTTP/1.1\r\n{common}\r\n".encode()
    length = f"Content-Length: {body_bytes}\r\n"
    return f"POST {path} HTTP/1.1\r\n{common}{length}\r\n".encode() + b"x" * body_bytes


async def _main(
    port: int, host: str, body_bytes: int, stages: Iterable[tuple[float, float]]
) -> None:
    load = OpenLoad(port, ask(host, body_bytes))
    outcomes = [await load.stage(rate, seconds) for rate, seconds in stages]
    await load.rest(outcomes)
    load.close()
    for outcome in outcomes:
        print(json.dumps(asdict(outcome)), flush=True)


def start(
    port: int, host: str, *stages: tuple[float, float], body_bytes: int = 0
) -> Callable[[], list[Outcome]]:
    """Begin the stages in another process; call the result to wait for their outcomes."""
    words = [f"{rate:g}:{seconds:g}" for rate, seconds in stages]
    command = [sys.executable, str(Path(__file__)), str(port), host, str(body_bytes), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def collect() -> list[Outcome]:
        out, _ = process.communicate()
        assert process.returncode == 0, "the load generator failed"
        return [Outcome(**json.loads(line)) for line in out.splitlines()]

    return collect


def run(port: int, host: str, *stages: tuple[float, float]) -> list[Outcome]:
    return start(port, host, *stages)()


if __name__ == "__main__":
    wanted = [word.partition(":") for word in sys.argv[4:]]
    uvloop.run(
        _main(
            int(sys.argv[1]),
            sys.argv[2],
            int(sys.argv[3]),
            [(float(rate), float(s)) for rate, _, s in wanted],
        )
    )

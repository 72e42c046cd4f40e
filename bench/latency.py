"""What the gateway adds to a request at 1000 a second, alone and beside a slow client and a slow app.

    python bench/latency.py [--seconds 10]

Open loop (bench/openloop.py), a process each for app, gateway and load; direct and proxied rounds alternate. The slow client asks
for 100 MB and reads nothing; the slow app takes a second for each of 50 requests at once, all through the same gateway.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import bodies
import openloop
from load import ask, median
from openloop import Outcome
from proxy import HOST, process_with_port, start_proxies

RATE = 1000.0
SLOW_AT_ONCE = 50
ROUNDS = 3


@dataclass(frozen=True)
class Row:
    """Milliseconds; medians over the rounds."""

    name: str
    p50: float
    p99: float
    failed: int


@contextmanager
def slow_neighbours(port: int) -> Iterator[None]:
    """A client that does not read, and requests that an app holds for a second."""
    over = threading.Event()

    def keep_asking() -> None:
        while not over.is_set():
            ask(port, HOST, "/slow/3")

    with socket.create_connection(("127.0.0.1", port)) as idle:
        head = f"GET /bytes/{bodies.BIG} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.sendall(head.encode())
        threads = [threading.Thread(target=keep_asking) for _ in range(SLOW_AT_ONCE)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        yield
        over.set()
        for thread in threads:
            thread.join()


def _row(name: str, outcomes: list[Outcome]) -> Row:
    return Row(
        name,
        median([o.percentile(50) for o in outcomes]),
        median([o.percentile(99) for o in outcomes]),
        sum(o.failed for o in outcomes),
    )


def measure(*, seconds: float = 10.0) -> list[Row]:
    with ExitStack() as stack:
        _, app = process_with_port(stack, sys.executable, bodies.__file__, "--serve-app")
        found = start_proxies(stack, app)
        ports = {"direct": app, **{name: port for name, (_, port) in found.items()}}
        runs: dict[str, list[Outcome]] = {}
        for _ in range(ROUNDS):
            for name, port in ports.items():
                runs.setdefault(name, []).extend(openloop.run(port, HOST, (RATE, seconds)))
            with slow_neighbours(ports["tanebi"]):
                runs.setdefault("tanebi, beside slow ones", []).extend(
                    openloop.run(ports["tanebi"], HOST, (RATE, seconds))
                )
    return [_row(name, outcomes) for name, outcomes in runs.items()]


def render(rows: list[Row]) -> str:
    direct = rows[0]
    lines = [
        f"{'1000 a second':26}{'p50 ms':>9}{'p99':>9}{'added p50':>11}{'p99':>9}{'not 200':>9}"
    ]
    for row in rows:
        added = f"{row.p50 - direct.p50:11.2f}{row.p99 - direct.p99:9.2f}"
        lines.append(
            f"{row.name:26}{row.p50:9.2f}{row.p99:9.2f}"
            f"{added if row is not direct else '':>20}{row.failed:9}"
        )
    lines.append("asked for: p50 at most 0.3 ms more than direct, p99 at most 2 ms")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    print(render(measure(seconds=parser.parse_args().seconds)))


if __name__ == "__main__":
    main()

"""Many sleeping services woken in the same moment, beside as many direct spawns of the same command.

    python bench/crowd.py [--sizes 1,5,25,100] [--rounds 3]

What is asked: does one wake-up wait for another? The overhead is the wait beyond that of the same number of direct spawns, which
compete for the same cores. And what does one cost the platform: CPU of its process, writes to the API and passes of reconcilers,
until everything about it has been written.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coldstart import APP, IMAGE, INITIAL_SCALE, direct_ms, woken_ms
from load import cpu_s, median
from manifests import apply, config_map, service, wait_ready

from tanebi.testing.platform import Platform

SIZES = (1, 5, 25, 100)
SETTLE_S = 2.0  # what tells of a wake-up is written by then


@dataclass(frozen=True)
class Spent:
    """Since the platform's start, or on something."""

    cpu_ms: float
    writes: float
    passes: float

    @classmethod
    def by(cls, platform: Platform) -> Spent:
        writes = passes = 0.0
        for line in platform.kubectl("get", "--raw", "/metrics").stdout.splitlines():
            if line.startswith("tanebi_reconcile_total{"):
                passes += float(line.rsplit(" ", 1)[1])
            elif line.startswith("tanebi_api_requests_total{") and 'method="GET"' not in line:
                writes += float(line.rsplit(" ", 1)[1])
        return cls(cpu_s(platform.pid) * 1000, writes, passes)

    def since(self, before: Spent, times: int) -> Spent:
        return Spent(
            (self.cpu_ms - before.cpu_ms) / times,
            (self.writes - before.writes) / times,
            (self.passes - before.passes) / times,
        )


@dataclass(frozen=True)
class Row:
    """Milliseconds to the answer, ascending."""

    size: int
    direct: list[float]
    woken: list[float]
    spent: Spent  # on each wake-up

    @property
    def added_ms(self) -> tuple[float, float]:
        """At p50 and at p99."""
        return (
            median(self.woken) - median(self.direct),
            _p99(self.woken) - _p99(self.direct),
        )


def _p99(values: list[float]) -> float:
    return values[min(len(values) - 1, len(values) * 99 // 100)]


def _at_once(count: int, job: Callable[[int], float]) -> list[float]:
    found: list[float] = []
    failed: list[BaseException] = []
    gate = threading.Barrier(count)

    def work(number: int) -> None:
        gate.wait()
        try:
            found.append(job(number))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return found


def measure(
    *, sizes: tuple[int, ...] = SIZES, rounds: int = 3, arguments: tuple[str, ...] = ()
) -> list[Row]:
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data", *arguments) as platform,
    ):
        platform.cli("image", "build", str(APP), "--tag", IMAGE)
        zero = config_map(
            "config-autoscaler", {"allow-zero-initial-scale": "true"}, "knative-serving"
        )
        apply(platform, zero)
        for size in sizes:
            direct, woken, spent = [], [], []
            for round_ in range(rounds if size > 1 else rounds * 5):
                names = [f"crowd-{size}-{round_}-{n}" for n in range(size)]
                apply(platform, *(service(n, IMAGE, **{INITIAL_SCALE: "0"}) for n in names))
                wait_ready(platform, *(f"ksvc/{n}" for n in names), timeout_s=120)
                time.sleep(1.0)
                direct += _at_once(size, lambda n: direct_ms())
                before = Spent.by(platform)
                woken += _at_once(size, lambda n, names=names: woken_ms(platform, names[n]))
                time.sleep(SETTLE_S)
                spent.append(Spent.by(platform).since(before, size))
                platform.cli("delete", "ksvc", *names)
            typical = sorted(spent, key=lambda one: one.cpu_ms)[len(spent) // 2]
            rows.append(Row(size, sorted(direct), sorted(woken), typical))
    return rows


def render(rows: list[Row]) -> str:
    lines = [
        f"{'at once':>8}{'direct p50':>12}{'p99':>9}{'woken p50':>12}{'p99':>9}{'added p50':>12}{'p99':>9}   (ms)"
        f"{'CPU ms':>9}{'writes':>9}{'passes':>9}   (each)"
    ]
    for row in rows:
        p50, p99 = row.added_ms
        lines.append(
            f"{row.size:8}{median(row.direct):12.1f}{_p99(row.direct):9.1f}"
            f"{median(row.woken):12.1f}{_p99(row.woken):9.1f}{p50:12.1f}{p99:9.1f}"
            f"{row.spent.cpu_ms:16.1f}{row.spent.writes:9.1f}{row.spent.passes:9.1f}"
        )
    lines.append("Knative's bounds: 1 and 5 at once 50 ms; 25 at once p95 2 s; 100 at once 25 s")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("up", nargs="*", help="more arguments for `tanebi up`, after --")
    args = parser.parse_args()
    sizes = tuple(int(word) for word in args.sizes.split(","))
    print(render(measure(sizes=sizes, rounds=args.rounds, arguments=tuple(args.up))))


if __name__ == "__main__":
    main()

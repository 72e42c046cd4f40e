"""What a platform costs that does nothing: seconds from `tanebi up` to ready, memory, and CPU while idle.

    python bench/idle.py [--runs 5]

The first start makes keys and tables in an empty data directory; later ones find them. Memory is that of the one process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from load import cpu_s, median, rss_mb

from tanebi.testing.platform import Platform

SETTLE_S = 2.0
IDLE_S = 5.0


@dataclass(frozen=True)
class Result:
    """Seconds, megabytes, and CPU milliseconds a second."""

    first_s: float
    again_s: list[float]
    rss_mb: float
    cpu_ms: float


def start_s(platform: Platform) -> float:
    began = time.perf_counter()
    platform.start()
    return time.perf_counter() - began


def measure(*, runs: int = 5) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "data")
        first = start_s(platform)
        again = []
        for _ in range(runs):
            platform.stop()
            again.append(start_s(platform))
        time.sleep(SETTLE_S)
        cpu = cpu_s(platform.pid)
        time.sleep(IDLE_S)
        cpu = (cpu_s(platform.pid) - cpu) / IDLE_S * 1000
        memory = rss_mb(platform.pid)
        platform.stop()
    return Result(first, sorted(again), memory, cpu)


def render(result: Result) -> str:
    return "\n".join(
        (
            f"{'up to ready, empty data directory':36}{result.first_s:8.2f} s",
            f"{'up to ready, p50 of later starts':36}{median(result.again_s):8.2f} s   (asked for: under 2)",
            f"{'idle memory':36}{result.rss_mb:8.0f} MB  (asked for: under 120)",
            f"{'idle CPU':36}{result.cpu_ms:8.1f} ms a second",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    print(render(measure(runs=parser.parse_args().runs)))


if __name__ == "__main__":
    main()

"""Every measurement, in one table, with the machine and the commit it was made on.

    make bench
    python bench/run.py [--quick] [--only NAME,...] (the names are those of the modules)

Figures in the README and in closing notes come from here. Where there are peers, what counts is the ratio: machines differ.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import bodies
import coldstart
import crash
import crowd
import events
import idle
import latency
import levels
import proxy
import ready
import standby
from load import ROOT

BUSY_SHARE = 0.25
TITLES = {
    "idle": "Nothing to do",
    "coldstart": "Cold start",
    "standby": "A frozen pod beside a cold start",
    "ready": "From apply to Ready",
    "latency": "What the gateway adds to a request",
    "crowd": "Many sleeping services woken at once",
    "proxy": "A warm request through the gateway, 32 connections, small GET",
    "bodies": "Requests of other shapes: CPU of the proxy for one",
    "levels": "Knative's service levels",
    "events": "Events through a broker, fsync on",
    "crash": "kill -9 under load",
}


def _steps(quick: bool) -> dict[str, Callable[[], str]]:
    return {
        "idle": lambda: idle.render(idle.measure(runs=2 if quick else 5)),
        "coldstart": lambda: coldstart.render(coldstart.measure(runs=5 if quick else 20)),
        "standby": lambda: standby.render(standby.measure(services=3 if quick else 10)),
        "ready": lambda: ready.render(ready.measure(services=5 if quick else 20), "process"),
        "latency": lambda: latency.render(latency.measure(seconds=2.0 if quick else 10.0)),
        "crowd": lambda: crowd.render(
            crowd.measure(sizes=crowd.SIZES[:2] if quick else crowd.SIZES, rounds=1 if quick else 3)
        ),
        "bodies": lambda: "\n".join(
            bodies.render(*found)
            for found in bodies.measure(
                list(bodies.SCENARIOS), seconds=1.0 if quick else 2.0, rounds=1 if quick else 3
            )
        ),
        "levels": lambda: levels.render(levels.measure(seconds=5.0 if quick else 60.0)),
        "proxy": lambda: proxy.render(proxy.measure(rounds=1 if quick else 3)),
        "events": lambda: events.render(events.measure(seconds=1.0 if quick else 3.0)),
        "crash": lambda: crash.render(crash.measure(rounds=3 if quick else 50)),
    }


def machine() -> str:
    """Processor, cores, memory, Python."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in open("/proc/cpuinfo", encoding="utf-8")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {gigabytes:.0f} GB, Python {platform.python_version()}"


def busy() -> str:
    """A warning when others use the machine: then only CPU times and ratios of one table mean something."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load < cores * BUSY_SHARE:
        return ""
    return f"\nthe machine is busy (load {load:.1f} on {cores} cores): times are longer than they should be"


def commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    dirty = " with local changes" if git("status", "--porcelain") else ""
    return (git("rev-parse", "--short", "HEAD") or "no commit") + dirty


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--only", default=",".join(TITLES), help="names, separated by commas")
    args = parser.parse_args()
    steps, failed = _steps(args.quick), []
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(f"tanebi at {commit()}, {stamp}\n{machine()}{busy()}", flush=True)
    for name in args.only.split(","):
        began = time.perf_counter()
        print(f"\n{TITLES[name]}", flush=True)
        try:
            table = steps[name]()
        except Exception as error:
            failed.append(name)
            table = f"FAILED: {error}"
        print(table)
        print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

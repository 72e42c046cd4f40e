"""Runs the fuzzers: `python -m tests.fuzz [--inputs N] [--seed S] [--jobs J] [--replay NAME SEED]`.

Deterministic: input i of a fuzzer is decided by `SEED:i` alone. A failing input is printed with the command that replays it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable

from tests.fuzz.codec import check_answer, check_requests
from tests.fuzz.exchanges import check as check_exchange

FUZZERS: dict[str, Callable[[str], None]] = {
    "exchange": check_exchange,
    "requests": check_requests,
    "answers": check_answer,
}
# Shares of the inputs.
SHARES = {"exchange": 0.3, "requests": 0.4, "answers": 0.3}
BATCH = 2000
FAILURES_SHOWN_MAX = 5


def _batch(job: tuple[str, str, int, int]) -> list[tuple[str, str, str]]:
    """The failures among inputs first..last-1: fuzzer, seed, traceback."""
    name, seed, first, last = job
    check, failed = FUZZERS[name], []
    for i in range(first, last):
        try:
            check(f"{seed}:{i}")
        except Exception:
            failed.append((name, f"{seed}:{i}", traceback.format_exc()))
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", nargs=2, metavar=("NAME", "SEED"))
    args = parser.parse_args()
    if args.replay:
        name, seed = args.replay
        FUZZERS[name](seed)
        print(f"{name} {seed}: nothing found")
        return 0
    jobs = [
        (name, args.seed, first, min(first + BATCH, count))
        for name, share in SHARES.items()
        for count in [round(args.inputs * share)]
        for first in range(0, count, BATCH)
    ]
    began, failed = time.monotonic(), []
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        for done, found in enumerate(pool.imap_unordered(_batch, jobs), 1):
            failed += found
            for name, seed, text in found[:FAILURES_SHOWN_MAX]:
                print(f"\n{text}\nreplay: python -m tests.fuzz --replay {name} {seed}", flush=True)
            if done % 50 == 0:
                print(f"{done}/{len(jobs)} batches, {len(failed)} failures", flush=True)
    total = sum(last - first for _, _, first, last in jobs)
    print(f"{total} inputs in {time.monotonic() - began:.0f} s, {len(failed)} failures")
    return 1 if failed else 0

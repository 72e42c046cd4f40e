"""Mixed load for minutes: scale-ups and downs, rollouts, pods killed, uploads, sleeping services; and what it leaves behind.

    python bench/soak.py [--minutes 10]

Every request must be answered; a 502 counts as explained when its pod was killed while it served it. Memory, open files and tasks
of the platform are sampled at rest before and after, and memory while it runs.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openloop
import yaml
from levels import levels_platform, sleeper
from load import rss_mb
from manifests import apply, wait_ready
from openloop import Outcome

from tanebi.testing.platform import Platform

ROUND_S = 30.0
KILL_EVERY_S = 3.0
SETTLE_S = 45.0
DIED = "the app ended the connection before it answered"


@dataclass
class Rest:
    """The platform with nothing to do."""

    rss_mb: float
    files: int
    tasks: int


@dataclass
class Result:
    """What a soak found. `memory` is megabytes at the end of each round."""

    before: Rest
    after: Rest
    outcomes: dict[str, list[Outcome]]
    memory: list[float] = field(default_factory=list)
    killed: int = 0
    rollouts: int = 0

    def unexplained(self) -> list[str]:
        """Errors that no killed pod explains."""
        found = []
        for name, outcomes in self.outcomes.items():
            for outcome in outcomes:
                bad = outcome.sent - outcome.statuses.get("200", 0)
                if name == "killed":
                    bad -= outcome.statuses.get("502", 0)
                    found += [e for e in outcome.errors if " 502 " in e and DIED not in e]
                if bad:
                    found += [f"{name}: {bad} not answered with 200: {outcome.errors[:2]}"]
        return found


def metric(platform: Platform, name: str) -> float:
    """From a scrape with the kubeconfig's own credentials."""
    config = yaml.safe_load((platform.data_dir / "kubeconfig").read_text())
    token = config["users"][0]["user"]["token"]
    url = f"{platform.endpoints['api']}/metrics"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{name} ([0-9.e+]+)$", text, re.M)
    assert found is not None, f"no metric {name}"
    return float(found[1])


def at_rest(platform: Platform) -> Rest:
    files = len(os.listdir(f"/proc/{platform.pid}/fd"))
    return Rest(rss_mb(platform.pid), files, int(metric(platform, "tanebi_loop_tasks")))


def pods_of(service: str) -> list[int]:
    """Processes of a service's pods, by the environment that Knative gives them."""
    wanted, found = f"K_SERVICE={service}\0".encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if wanted in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@contextmanager
def services(platform: Platform) -> Iterator[None]:
    """steady: load that stays; bursty: from zero and back; rolled: a new revision each round; killed: its pods die."""
    apply(
        platform,
        sleeper("steady", min_scale="1"),
        sleeper("bursty", initial_scale="0", window="6s", target="10"),
        sleeper("rolled", env={"N": "0"}, min_scale="1"),
        sleeper("killed", min_scale="3"),
        sleeper("posted", env={"SLEEP_MS": "20"}, window="10s"),
    )
    names = ("steady", "bursty", "rolled", "killed", "posted")
    wait_ready(platform, *(f"ksvc/{name}" for name in names))
    yield
    platform.cli("delete", "ksvc", *names)


def one_round(platform: Platform, result: Result, number: int, seconds: float) -> None:
    port = platform.gateway_port
    half = seconds / 2
    collects = {
        "steady": openloop.start(port, "steady.default.localhost", (200, seconds)),
        "bursty": openloop.start(port, "bursty.default.localhost", (300, seconds / 6)),
        "rolled": openloop.start(port, "rolled.default.localhost", (100, seconds)),
        "killed": openloop.start(port, "killed.default.localhost", (50, seconds)),
        "posted": openloop.start(
            port, "posted.default.localhost", (20, half), (60, half), body_bytes=200_000
        ),
    }
    rolled = sleeper("rolled", env={"N": str(number + 1)}, min_scale="1")
    if number % 2:
        rolled["metadata"]["annotations"] = {"serving.knative.dev/rollout-duration": "8s"}
    apply(platform, rolled)
    result.rollouts += 1
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(KILL_EVERY_S)
        pods = pods_of("killed")
        if pods:
            os.kill(random.choice(pods), signal.SIGKILL)
            result.killed += 1
    for name, collect in collects.items():
        result.outcomes.setdefault(name, []).extend(collect())
    result.memory.append(rss_mb(platform.pid))


def measure(*, minutes: float = 10.0, arguments: tuple[str, ...] = ()) -> Result:
    with levels_platform(*arguments) as platform:
        with services(platform):
            one_round(platform, Result(Rest(0, 0, 0), Rest(0, 0, 0), {}), 0, ROUND_S)  # warm up
        time.sleep(SETTLE_S)
        result = Result(at_rest(platform), Rest(0, 0, 0), {})
        with services(platform):
            for number in range(max(1, round(minutes * 60 / ROUND_S))):
                one_round(platform, result, number, ROUND_S)
        time.sleep(SETTLE_S)
        result.after = at_rest(platform)
    return result


def render(result: Result) -> str:
    lines = [f"{'':10}{'sent':>9}{'200':>9}{'502':>7}{'other':>7}{'p50 ms':>9}{'p99':>9}{'max':>9}"]
    for name, outcomes in result.outcomes.items():
        whole = Outcome(0, 0, sent=sum(o.sent for o in outcomes))
        whole.latencies = sorted(ms for o in outcomes for ms in o.latencies)
        fine = sum(o.statuses.get("200", 0) for o in outcomes)
        died = sum(o.statuses.get("502", 0) for o in outcomes)
        lines.append(
            f"{name:10}{whole.sent:9}{fine:9}{died:7}{whole.sent - fine - died:7}"
            + "".join(f"{whole.percentile(p):9.1f}" for p in (50, 99, 100))
        )
    b, a = result.before, result.after
    lines += [
        f"{result.killed} pods killed, {result.rollouts} rollouts",
        f"at rest before: {b.rss_mb:.0f} MB, {b.files} files, {b.tasks} tasks; "
        f"after: {a.rss_mb:.0f} MB, {a.files} files, {a.tasks} tasks",
        "memory at the end of each round, MB: " + " ".join(f"{m:.0f}" for m in result.memory),
    ]
    bad = result.unexplained()
    lines.append(f"unexplained errors: {len(bad)}")
    return "\n".join([*lines, *bad[:10]])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("up", nargs="*", help="more arguments for `tanebi up`, after --")
    args = parser.parse_args()
    result = measure(minutes=args.minutes, arguments=tuple(args.up))
    print(render(result))
    return 1 if result.unexplained() else 0


if __name__ == "__main__":
    raise SystemExit(main())

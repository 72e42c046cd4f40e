"""Knative's own service levels: its performance tests' loads, an app of ours that sleeps 100 ms, the same percentiles.

    python bench/levels.py [--seconds 60]

Steady load, a ramp from zero, a rollout under load, and an app with random times of service and start. Requests come at a fixed
rate (bench/openloop.py); latency counts from the moment a request was due. Knative's bounds (published for its own clusters) are
shown beside ours.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openloop
from load import ROOT
from manifests import Manifest, apply, config_map, service, wait_ready
from openloop import Outcome

from tanebi.testing.platform import Platform

APP = ROOT / "bench" / "apps" / "sleeper"
IMAGE = "dev.local/sleeper"
SCALING = "autoscaling.knative.dev/"
RATE = 1000.0


@dataclass(frozen=True)
class Level:
    """One load: what it is, what became of it, and what Knative promises."""

    name: str
    outcome: Outcome
    bound: str


def sleeper(name: str, *, env: dict[str, str] | None = None, **annotations: str) -> Manifest:
    marks = {SCALING + key.replace("_", "-"): value for key, value in annotations.items()}
    made = service(name, IMAGE, **marks)
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": key, "value": value} for key, value in (env or {}).items()]
    return made


@contextmanager
def levels_platform(*arguments: str) -> Iterator[Platform]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data", *arguments) as platform,
    ):
        platform.cli("image", "build", str(APP), "--tag", IMAGE)
        apply(
            platform,
            config_map(
                "config-autoscaler", {"allow-zero-initial-scale": "true"}, "knative-serving"
            ),
        )
        yield platform


def _host(name: str) -> str:
    return f"{name}.default.localhost"


def steady(platform: Platform, seconds: float) -> list[Level]:
    """1000 a second; p95 100 to 110 ms is the bound, by the queue-proxy and by the activator."""
    apply(platform, sleeper("steady", min_scale="2"))
    wait_ready(platform, "ksvc/steady")
    openloop.run(platform.gateway_port, _host("steady"), (RATE / 2, 3))
    (found,) = openloop.run(platform.gateway_port, _host("steady"), (RATE, seconds))
    platform.cli("delete", "ksvc", "steady")
    return [Level("steady, 1000/s", found, "p95 100-110 ms, 0 errors")]


def ramp(platform: Platform, seconds: float) -> list[Level]:
    """From zero to 1000, 2000 and 3000 a second."""
    apply(platform, sleeper("ramp", initial_scale="0"))
    wait_ready(platform, "ksvc/ramp")
    stages = [(RATE * n, seconds / 3) for n in (1, 2, 3)]
    found = openloop.run(platform.gateway_port, _host("ramp"), *stages)
    platform.cli("delete", "ksvc", "ramp")
    bound = "p95 100-115 ms, max 10 s, 0 errors"
    return [Level(f"ramp from zero, {o.rate:g}/s", o, bound) for o in found]


def rollout(platform: Platform, seconds: float) -> list[Level]:
    """A new revision each quarter of the time, under 1000 a second."""
    apply(platform, sleeper("rolled", env={"N": "0"}, min_scale="2"))
    wait_ready(platform, "ksvc/rolled")
    collect = openloop.start(platform.gateway_port, _host("rolled"), (RATE, seconds))
    for number in (1, 2, 3):
        time.sleep(seconds / 4)
        apply(platform, sleeper("rolled", env={"N": str(number)}, min_scale="2"))
    (found,) = collect()
    platform.cli("delete", "ksvc", "rolled")
    return [Level("rollouts under 1000/s", found, "p95 100-110 ms, 0 errors")]


def random_times(platform: Platform, seconds: float) -> list[Level]:
    """Answers take 0 to 5 s, pods 0 to 10 s to start; 100 a second."""
    env = {"RANDOM_MS": "5000", "START_MS": "10000"}
    apply(platform, sleeper("random", env=env, initial_scale="0"))
    wait_ready(platform, "ksvc/random")
    (found,) = openloop.run(platform.gateway_port, _host("random"), (100.0, seconds))
    platform.cli("delete", "ksvc", "random")
    return [Level("random times, 100/s", found, "0 errors")]


def measure(*, seconds: float = 60.0, arguments: tuple[str, ...] = ()) -> list[Level]:
    found: list[Level] = []
    with levels_platform(*arguments) as platform:
        for each in (steady, ramp, rollout, random_times):
            found += each(platform, seconds)
    return found


def render(levels: list[Level]) -> str:
    names = ("p50", "p90", "p95", "p99", "p99.9", "max")
    lines = [f"{'ms':26}" + "".join(f"{n:>9}" for n in names) + f"{'sent':>9}{'not 200':>9}"]
    for level in levels:
        o = level.outcome
        cells = "".join(f"{o.percentile(p):9.1f}" for p in openloop.PERCENTILES)
        lines.append(f"{level.name:26}{cells}{o.sent:9}{o.failed:9}   {level.bound}")
        lines += [f"    {error.splitlines()[0] if error else error!r}" for error in o.errors[:2]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("up", nargs="*", help="more arguments for `tanebi up`, after --")
    args = parser.parse_args()
    print(render(measure(seconds=args.seconds, arguments=tuple(args.up))))


if __name__ == "__main__":
    main()

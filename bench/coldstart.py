"""A cold start: first answer from zero through `tanebi up`, minus what the same command takes when spawned directly.

    python bench/coldstart.py [--runs 20]

Every run wakes another service that was applied with initial-scale 0, so each is a real start from zero; runs of both kinds
alternate. Time ends when the answer is complete, connection included.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from load import ROOT, ask, free_port, median
from manifests import apply, config_map, service, wait_ready

from tanebi.testing.platform import Platform

APP = ROOT / "config" / "samples" / "hello"
IMAGE = "dev.local/hello"
INITIAL_SCALE = "autoscaling.knative.dev/initial-scale"
ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Result:
    """Milliseconds, sorted."""

    direct: list[float]
    woken: list[float]

    @property
    def added_ms(self) -> float:
        return median(self.woken) - median(self.direct)


def direct_ms() -> float:
    """Spawn the sample's own command and ask until it answers."""
    port = free_port()
    words = shlex.split((APP / "Procfile").read_text().partition("web:")[2].strip())
    # The interpreter that a pod gets, and no version manager's wrapper before it.
    interpreter = os.path.dirname(getattr(sys, "_base_executable", sys.executable))
    env = {**os.environ, "PORT": str(port), "PATH": f"{interpreter}:{os.environ['PATH']}"}
    began = time.perf_counter()
    child = subprocess.Popen(words, cwd=APP, env=env, start_new_session=True)
    try:
        while time.perf_counter() - began < ANSWER_TIMEOUT_S:
            try:
                if ask(port, "localhost")[0] == 200:
                    return (time.perf_counter() - began) * 1000
            except OSError:
                time.sleep(0.001)
        raise AssertionError("the sample never answered")
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def woken_ms(platform: Platform, name: str) -> float:
    """The first request for a sleeping service."""
    began = time.perf_counter()
    status, body = ask(platform.gateway_port, f"{name}.default.localhost")
    took = (time.perf_counter() - began) * 1000
    assert status == 200, f"{name} answered {status}: {body[:200]!r}\n{platform.log_tail()}"
    return took


def measure(*, runs: int = 20) -> Result:
    direct, woken = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data") as platform,
    ):
        platform.cli("image", "build", str(APP), "--tag", IMAGE)
        zero = config_map(
            "config-autoscaler", {"allow-zero-initial-scale": "true"}, "knative-serving"
        )
        apply(platform, zero)
        names = [f"cold-{n}" for n in range(runs)]
        apply(platform, *(service(name, IMAGE, **{INITIAL_SCALE: "0"}) for name in names))
        wait_ready(platform, *(f"ksvc/{name}" for name in names))
        for name in names:
            direct.append(direct_ms())
            woken.append(woken_ms(platform, name))
            platform.cli("delete", "ksvc", name)
    return Result(sorted(direct), sorted(woken))


def render(result: Result) -> str:
    runs = len(result.woken)
    rows = (("spawned directly", result.direct), ("woken from zero", result.woken))
    lines = [f"{'':20}{'p50 ms':>9}{'min':>9}{'max':>9}   ({runs} runs)"]
    lines += [f"{name:20}{median(v):9.1f}{v[0]:9.1f}{v[-1]:9.1f}" for name, v in rows]
    lines.append(f"{'added by tanebi':20}{result.added_ms:9.1f}        (asked for: at most 40)")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    print(render(measure(runs=parser.parse_args().runs)))


if __name__ == "__main__":
    main()

"""How fast a frozen pod answers (`tanebi.dev/standby: pause`), beside a cold start of the same app.

python bench/standby.py [--services 10]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from coldstart import APP, IMAGE, INITIAL_SCALE, woken_ms
from load import median
from manifests import apply, config_map, service, wait_ready

from tanebi.testing.platform import Platform

FREEZE_S = 60.0


@dataclass(frozen=True)
class Result:
    """Milliseconds, ascending."""

    cold: list[float]
    frozen: list[float]


def _frozen(platform: Platform) -> int:
    pods = yaml.safe_load(platform.cli("get", "pods", "-o", "json").stdout)["items"]
    return sum(pod["status"].get("reason") == "Standby" for pod in pods)


def measure(*, services: int = 10) -> Result:
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data") as platform,
    ):
        platform.cli("image", "build", str(APP), "--tag", IMAGE)
        settings = {"allow-zero-initial-scale": "true", "scale-to-zero-grace-period": "1s"}
        apply(platform, config_map("config-autoscaler", settings, "knative-serving"))
        names = [f"nap-{n}" for n in range(services)]
        marks = {
            INITIAL_SCALE: "0",
            "tanebi.dev/standby": "pause",
            "autoscaling.knative.dev/window": "6s",
        }
        apply(platform, *(service(name, IMAGE, **marks) for name in names))
        wait_ready(platform, *(f"ksvc/{name}" for name in names))
        cold = [woken_ms(platform, name) for name in names]
        deadline = time.monotonic() + FREEZE_S
        while _frozen(platform) < services:
            assert time.monotonic() < deadline, "they do not fall asleep"
            time.sleep(0.5)
        time.sleep(2.0)
        frozen = [woken_ms(platform, name) for name in names]
    return Result(sorted(cold), sorted(frozen))


def render(result: Result) -> str:
    lines = [f"{'':20}{'p50 ms':>9}{'min':>9}{'max':>9}   ({len(result.cold)} runs)"]
    for name, found in (("from zero", result.cold), ("from standby", result.frozen)):
        lines.append(f"{name:20}{median(found):9.1f}{found[0]:9.1f}{found[-1]:9.1f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--services", type=int, default=10)
    print(render(measure(services=parser.parse_args().services)))


if __name__ == "__main__":
    main()

"""Kubernetes' own conformance tests against `tanebi up --runtime engine`, and a table of what came of them.

    python -m tests.suites.kubernetes.run [--focus REGEX] [--sig api-machinery,auth] [--left-out]
        [--programs DIR] [--kubeconfig FILE] [--images-only] [--keep]

The tests are those of Kubernetes' conformance list. Those of left_out.yaml are not run (unless asked for with --left-out): each
has its reason there. Exit code 1 when a test fails that is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tanebi.testing.platform import Platform
from tests.suites.kubernetes import building, images

LEFT_OUT: Final = Path(__file__).with_name("left_out.yaml")
LIST: Final = "test/conformance/testdata/conformance.yaml"
SUITE_TIMEOUT: Final = "6h"
_SIG: Final = re.compile(r"\[sig-([a-z-]+)\]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test."""

    name: str
    state: str
    seconds: float = 0.0
    message: str = ""

    @property
    def sig(self) -> str:
        return sig_of(self.name)


def sig_of(name: str) -> str:
    found = _SIG.search(name)
    return found[1] if found else "none"


def conformance_tests(sources: Path) -> list[str]:
    listed = yaml.safe_load((sources / LIST).read_text())
    return [one["codename"] for one in listed]


def left_out() -> dict[str, str]:
    """Regular expression of names → why such tests are not run."""
    found: dict[str, str] = {}
    for reason in yaml.safe_load(LEFT_OUT.read_text()) or []:
        found |= dict.fromkeys(reason["tests"], reason["why"])
    return found


def reason_of(name: str, known: Mapping[str, str]) -> str:
    return next((why for pattern, why in known.items() if re.search(pattern, name)), "")


def outcomes(report: Path) -> list[Outcome]:
    """Those of Ginkgo's JSON report."""
    found = []
    for suite in json.loads(report.read_text()):
        for spec in suite.get("SpecReports") or []:
            if spec["LeafNodeType"] != "It" or spec["State"] == "skipped":
                continue
            name = " ".join([*(spec.get("ContainerHierarchyTexts") or []), spec["LeafNodeText"]])
            message = (spec.get("Failure") or {}).get("Message", "")
            found.append(Outcome(name, spec["State"], spec["RunTime"] / 1e9, message))
    return found


def run(programs: Path, kubeconfig: Path, names: Sequence[str], folder: Path) -> list[Outcome]:
    """Run these tests, one after another; `folder` gets the suite's log and report."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    # The same name may begin a longer one, so a name ends where the text does.
    focus = "|".join(f"{re.escape(name)}$" for name in names)
    command = [
        str(programs / building.SUITE),
        f"-kubeconfig={kubeconfig}",
        "-provider=local",
        "-disable-log-dump",
        "-dump-logs-on-failure=false",
        f"-ginkgo.focus={focus}",
        f"-ginkgo.json-report={report}",
        f"-ginkgo.timeout={SUITE_TIMEOUT}",
        "-ginkgo.no-color",
        "-test.timeout=0",
    ]
    with (folder / "suite.log").open("wb") as log, working_folder() as here:
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        subprocess.run(
            command, cwd=here, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    assert report.exists(), f"the suite did not get far: see {folder / 'suite.log'}"
    return outcomes(report)


@contextmanager
def working_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="suite-") as made:
        yield Path(made)


def table(found: Sequence[Outcome], omitted: Mapping[str, str]) -> str:
    """A row for each group of tests."""
    passed, failed = Counter[str](), Counter[str]()
    for one in found:
        (passed if one.state == "passed" else failed)[one.sig] += 1
    not_run = Counter(sig_of(name) for name in omitted)
    lines = [f"{'group':<20}{'passed':>8}{'failed':>8}{'left out':>10}"]
    for sig in sorted({*passed, *failed, *not_run}):
        lines.append(f"{sig:<20}{passed[sig]:>8}{failed[sig]:>8}{not_run[sig]:>10}")
    totals = (passed.total(), failed.total(), not_run.total())
    lines.append(f"{'all':<20}{totals[0]:>8}{totals[1]:>8}{totals[2]:>10}")
    return "\n".join(lines)


def main() -> int:
    options = arguments()
    programs = building.built(options.programs)
    images.make(programs)
    if options.images_only:
        return 0
    known = left_out()
    wanted = [name for name in conformance_tests(building.released_sources()) if options.has(name)]
    omitted = {name: why for name in wanted if (why := reason_of(name, known))}
    chosen = [name for name in wanted if options.left_out or name not in omitted]
    if not chosen:
        print(f"none of the {len(wanted)} tests is to be run")
        return 0
    print(f"{len(chosen)} of Kubernetes {building.VERSION}'s conformance tests", flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with platform(options) as kubeconfig:
        found = run(programs, kubeconfig, chosen, options.folder)
    failed = [one for one in found if one.state != "passed"]
    for one in failed:
        print(f"FAILED ({one.seconds:.0f} s) {one.name}\n    {first_lines(one.message)}")
    for name, why in omitted.items():
        if not options.left_out:
            print(f"left out: {name}\n    {why}")
    print(table(found, {} if options.left_out else omitted))
    print(f"{time.monotonic() - begun:.0f} s; log and report: {options.folder}")
    unexpected = [one for one in failed if not reason_of(one.name, known)]
    return 1 if unexpected or len(found) < len(chosen) else 0


def first_lines(message: str, lines: int = 4, width: int = 400) -> str:
    return "\n    ".join(line[:width] for line in message.splitlines()[:lines])


@contextmanager
def platform(options: Options) -> Iterator[Path]:
    """The kubeconfig of the platform under test: one that is given, or one of our own for the time of the run."""
    if options.kubeconfig is not None:
        yield options.kubeconfig
        return
    data = Path(tempfile.mkdtemp(prefix="suite-kubernetes-")) / "data"
    with Platform(data, runtime="engine"):
        yield data / "kubeconfig"


class Options(argparse.Namespace):
    """What was asked for on the command line."""

    focus: str
    sig: str
    left_out: bool
    images_only: bool
    programs: Path
    kubeconfig: Path | None
    folder: Path

    def has(self, name: str) -> bool:
        sigs = [one for one in self.sig.split(",") if one]
        return (not sigs or sig_of(name) in sigs) and re.search(self.focus, name) is not None


def arguments() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--focus", default="", help="regular expression of the tests' names")
    parser.add_argument("--sig", default="", help="groups, comma between: api-machinery,auth,cli")
    parser.add_argument("--left-out", action="store_true", help="run those of left_out.yaml too")
    parser.add_argument("--images-only", action="store_true", help="make the images and stop")
    parser.add_argument("--programs", type=Path, default=building.cache_folder())
    parser.add_argument("--kubeconfig", type=Path, help="a platform that runs already")
    parser.add_argument("--folder", type=Path, default=building.cache_folder() / "last-run")
    found: Any = parser.parse_args(namespace=Options())
    assert isinstance(found, Options)
    return found


if __name__ == "__main__":
    sys.exit(main())

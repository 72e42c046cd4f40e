"""Knative Serving's own conformance and end-to-end suites, and its networking layer's, against `tanebi up --runtime engine`.

make conformance [SUITES="api-v1 e2e"] [RUN='TestA|TestB'] [OPTIONS=...]

The suites are fetched by Go at the version that go.mod names, built into build/knative and run; their test images become
`FROM scratch` images of the container engine. The table at the end compares with known.toml, the tests that cannot pass and why.
The exit code is 0 when every other one passed.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import registry
import yaml
from building import Built, build_image, build_suite, images, version_of
from reading import Outcome, outcomes

from tanebi.testing.platform import Platform

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SERVING = "knative.dev/serving"
REPOS = {SERVING: "ko.local", "knative.dev/networking": "ko.local/networking"}
NAMESPACES = ("serving-tests", "serving-tests-alt", "tls", "rq-test")
INGRESS_CLASS = "kourier.ingress.networking.knative.dev"
SUITE_TIMEOUT_S = 3000


@dataclass(frozen=True, slots=True)
class Suite:
    """`klass` is the flag that names the ingress class; it is spelled in two ways. `registry`: images come from one, and so have
    digests.
    """

    name: str
    package: str
    module: str = SERVING
    klass: str = "ingress-class"
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    registry: bool = False


def suites() -> tuple[dict[str, dict[str, str]], list[Suite]]:
    """The configuration that all ask for, and the suites."""
    said = tomllib.loads((HERE / "suites.toml").read_text())
    found = [Suite(**{**s, "arguments": tuple(s.get("arguments", ()))}) for s in said["suite"]]
    return said["configs"], found


def known() -> dict[str, str]:
    """`suite/Test/subtest`, also with `*`, to the reason why it does not pass."""
    said = tomllib.loads((HERE / "known.toml").read_text())
    return {entry["test"]: entry["reason"] for entry in said.get("known", ())}


class Cluster:
    """The platform as the suites find it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def config(self, name: str) -> dict[str, str]:
        shown = self._platform.kubectl("get", "cm", name, "-n", "knative-serving", "-o", "json")
        found: dict[str, str] = json.loads(shown.stdout).get("data", {})
        return found

    def patch(self, name: str, data: dict[str, str | None]) -> None:
        self._platform.kubectl(
            *("patch", "cm", name, "-n", "knative-serving", "--type=merge"),
            *("-p", json.dumps({"data": data})),
        )

    @contextmanager
    def configured(self, configs: dict[str, dict[str, str]]) -> Iterator[None]:
        before = {name: self.config(name) for name in configs}
        for name, data in configs.items():
            self.patch(name, dict(data))
        try:
            yield
        finally:
            for name, data in configs.items():
                self.patch(name, {key: before[name].get(key) for key in data})

    def prepare(self) -> None:
        """The namespaces and the objects of test/config that the suites expect to find."""
        self._platform.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(wanted_objects()))


def wanted_objects() -> Iterator[dict[str, Any]]:
    for name in NAMESPACES:
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    home = {"namespace": "serving-tests"}
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "conformance-test-configmap", **home},
        "data": {"testKey": "testValue"},
    }
    yield {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "conformance-test-secret", **home},
        "stringData": {"testKey": "testValue"},
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "knative-pv-claim", **home},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "rq-e2e-test", "namespace": "rq-test"},
        "spec": {"hard": {"cpu": "50m"}},
    }


def own_address() -> str:
    """An address of this machine that is not the loopback's, so that the suites come from outside. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("203.0.113.1", 9))
        except OSError as error:
            raise SystemExit(f"this machine has no address beside the loopback: {error}") from error
        return str(sock.getsockname()[0])


def run_suite(
    suite: Suite,
    binary: Path,
    platform: Platform,
    log: Path,
    options: argparse.Namespace,
    repo: str,
) -> list[Outcome]:
    argv = [
        str(binary),
        "-test.v",
        f"-test.timeout={SUITE_TIMEOUT_S}s",
        f"-test.parallel={options.parallel}",
        *([f"-test.run={options.run}"] if options.run else []),
        f"-kubeconfig={platform.data_dir / 'kubeconfig'}",
        f"-dockerrepo={repo}",
        f"-ingressendpoint={own_address()}",
        f"-{suite.klass}={INGRESS_CLASS}",
        "-enable-alpha",
        "-enable-beta",
        "-spoofinterval=100ms",
        f"-spooftimeout={options.timeout}s",
        *suite.arguments,
    ]
    environment = {
        **os.environ,
        "GATEWAY_OVERRIDE": "kourier",
        "GATEWAY_NAMESPACE_OVERRIDE": "kourier-system",
        "KUBECONFIG": str(platform.data_dir / "kubeconfig"),
    }
    with log.open("w") as out:
        subprocess.run(
            argv,
            env=environment,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=SUITE_TIMEOUT_S + 60,
            check=False,
        )
    return list(outcomes(suite.name, log.read_text(errors="replace").splitlines()))


def judge(found: list[Outcome], reasons: dict[str, str]) -> tuple[list[str], bool]:
    """The lines of the table, and whether all is as known.toml says."""
    lines, good = [], True
    for outcome in found:
        reason = next((r for t, r in reasons.items() if fnmatch.fnmatchcase(outcome.name, t)), "")
        note = outcome.note
        if outcome.result == "failed":
            good = good and bool(reason)
            note = f"known: {reason}" if reason else "see the log"
        elif outcome.result == "passed" and reason:
            note = "passes, though known.toml lists it"
        if note or outcome.result != "passed":
            lines.append(f"  {outcome.result:8} {outcome.name}  {note}")
    return lines, good


def table(found: list[Outcome], lines: list[str]) -> str:
    names = list(dict.fromkeys(outcome.suite for outcome in found))
    rows = [f"{'suite':24}{'passed':>8}{'failed':>8}{'skipped':>8}"]
    for name in [*names, "together"]:
        counted = Counter(o.result for o in found if name in (o.suite, "together"))
        counts = "".join(f"{counted[k]:8}" for k in ("passed", "failed", "skipped"))
        rows.append(f"{name:24}{counts}")
    return "\n".join([*rows, "", *lines])


def free_or_any(port: int) -> str:
    """The scheme's own port keeps ports out of URLs, which some of the suites' clients cannot read; 0 where it is taken."""
    try:
        with socket.create_server(("0.0.0.0", port)):
            return str(port)
    except OSError:
        return "0"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("suites", nargs="*", help="which ones; all when none is named")
    parser.add_argument("-run", "--run", default="", help="Go's -run: a selection of tests")
    parser.add_argument("--parallel", type=int, default=4, help="tests at a time within a suite")
    parser.add_argument(
        "--timeout", type=int, default=120, help="seconds a route may take to answer"
    )
    parser.add_argument("--built", type=Path, default=ROOT / "build/knative", help="where to build")
    parser.add_argument(
        "--keep", type=Path, help="the folder for data and logs (default: a new one)"
    )
    return parser.parse_args()


def main() -> int:
    options = parsed()
    base, every = suites()
    unknown = set(options.suites) - {suite.name for suite in every}
    if unknown:
        print(
            f"no suite {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in every)}"
        )
        return 2
    reasons = known()
    left_out = [s.name for s in every if f"{s.name}/*" in reasons and not options.suites]
    chosen = [s for s in every if s.name in (options.suites or {x.name for x in every})]
    chosen = [s for s in chosen if s.name not in left_out]
    built = Built(options.built)
    binaries = {suite.name: build_suite(built, suite.module, suite.package) for suite in chosen}
    tags: dict[str, list[str]] = {}
    for module in dict.fromkeys(suite.module for suite in chosen):
        version = version_of(built, module)
        tags[module] = [
            build_image(built, module, image, REPOS[module], version)
            for image in images(built, module)
        ]
    folder = options.keep or Path(tempfile.mkdtemp(prefix="tanebi-conformance-"))
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Outcome] = []
    ports = ("--gateway-port", free_or_any(80), "--tls-port", free_or_any(443))
    arguments = ("--host", "0.0.0.0", *ports)
    with Platform(folder / "data", *arguments, runtime="engine") as platform:
        cluster = Cluster(platform)
        cluster.prepare()
        with cluster.configured(base):
            for suite in chosen:
                print(f"==> {suite.name}", flush=True)
                local = nullcontext(REPOS[suite.module])
                serving = registry.serving(built, tags[suite.module]) if suite.registry else local
                with cluster.configured(suite.configs), serving as repo:
                    log = folder / f"{suite.name}.log"
                    binary = binaries[suite.name]
                    found += run_suite(suite, binary, platform, log, options, repo)
    lines, good = judge(found, reasons)
    lines += [f"  not run  {name}  {reasons[f'{name}/*']}" for name in left_out]
    print(table(found, lines))
    print(f"logs: {folder}")
    return 0 if good and found else 1


if __name__ == "__main__":
    sys.exit(main())

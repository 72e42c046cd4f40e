"""Does control-plane work disturb the data path? Warm requests at a fixed rate, alone and beside a busy API.

    python bench/disturb.py [--activators 0,1,2] [--rate 1000] [--seconds 20] [--services 500]

The work: as many services are applied (server-side apply, new ones and then changed ones, each with its dozen of children), and
all of them are listed between, in a loop. For each number of activators (0: one process for everything) the same platform
measures both. The bound is a rise of 2 ms at p99.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import multiprocessing
import ssl
import tempfile
import time
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import openloop
import yaml
from levels import APP, IMAGE, sleeper
from load import rss_mb
from manifests import apply, config_map, wait_ready

from tanebi.testing.platform import Platform

HOST: Final = "warm.default.localhost"
RISE_MAX_MS: Final = 2.0
WARM_S: Final = 3.0
PATCH: Final = "application/apply-patch+yaml"
SERVICES: Final = "/apis/serving.knative.dev/v1/namespaces/default/services"


@dataclass(frozen=True)
class Row:
    activators: int
    alone: openloop.Outcome
    beside: openloop.Outcome
    applied: int
    lists: int
    memory_mb: float

    def rise(self, percent: float) -> float:
        return self.beside.percentile(percent) - self.alone.percentile(percent)


class Api:
    """The kubeconfig's API, on one connection."""

    def __init__(self, kubeconfig: Path) -> None:
        known = yaml.safe_load(kubeconfig.read_text())
        cluster = known["clusters"][0]["cluster"]
        context = ssl.create_default_context(
            cadata=b64decode(cluster["certificate-authority-data"]).decode()
        )
        where = urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(
            where.hostname or "", where.port, context=context, timeout=60
        )
        self._token = known["users"][0]["user"]["token"]

    def call(self, method: str, path: str, body: Any = None, type_: str = "") -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": type_ or "text/plain"}
        data = json.dumps(body).encode() if body is not None else None
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        found = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {found[:200]!r}"
        return found


def work(kubeconfig: Path, services: int, over: Any, applied: Any, lists: Any) -> None:
    """Apply one after the other, and list all after each tenth, until told to end."""
    api = Api(kubeconfig)
    for number in itertools.count():
        if over.is_set():
            return
        name = f"s{number % services:04d}"
        manifest = sleeper(name, initial_scale="0")
        manifest["metadata"]["labels"] = {"round": str(number // services)}
        path = f"{SERVICES}/{name}?fieldManager=bench&force=true"
        api.call("PATCH", path, manifest, PATCH)
        applied.value += 1
        if number % 10 == 9:
            api.call("GET", SERVICES)
            lists.value += 1


def measure_one(activators: int, *, rate: float, seconds: float, services: int) -> Row:
    with (
        tempfile.TemporaryDirectory() as folder,
        Platform(Path(folder) / "data", "--activators", str(activators)) as platform,
    ):
        platform.cli("image", "build", str(APP), "--tag", IMAGE)
        zero = {"allow-zero-initial-scale": "true"}
        apply(platform, config_map("config-autoscaler", zero, "knative-serving"))
        apply(platform, sleeper("warm", env={"SLEEP_MS": "0"}, min_scale="1", max_scale="1"))
        wait_ready(platform, "ksvc/warm")
        port = platform.gateway_port
        openloop.run(port, HOST, (rate / 2, WARM_S))
        (alone,) = openloop.run(port, HOST, (rate, seconds))
        over = multiprocessing.Event()
        applied, lists = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
        kubeconfig = platform.data_dir / "kubeconfig"
        worker = multiprocessing.Process(
            target=work, args=(kubeconfig, services, over, applied, lists)
        )
        worker.start()
        try:
            time.sleep(WARM_S)
            (beside,) = openloop.run(port, HOST, (rate, seconds))
        finally:
            over.set()
            worker.join()
        children = [one["pid"] for one in platform.endpoints["activators"]]
        memory = rss_mb(platform.pid) + sum(map(rss_mb, children))
        return Row(activators, alone, beside, applied.value, lists.value, memory)


def measure(
    activators: tuple[int, ...] = (0, 1),
    *,
    rate: float = 1000,
    seconds: float = 20,
    services: int = 500,
) -> list[Row]:
    return [
        measure_one(count, rate=rate, seconds=seconds, services=services) for count in activators
    ]


def render(rows: list[Row]) -> str:
    heads = ("activators", "p50 alone", "beside", "p99 alone", "beside", "p99 rise (<= 2 ms)")
    heads += ("failed", "applied, listed", "memory")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        alone, beside = row.alone, row.beside
        times = [f"{o.percentile(p):.2f} ms" for p in (50, 99) for o in (alone, beside)]
        name = str(row.activators or "none (one process)")
        failed = str(alone.failed + beside.failed)
        cells = [name, *times, f"{row.rise(99):+.2f} ms", failed, f"{row.applied}, {row.lists}"]
        lines.append(f"| {' | '.join(cells)} | {row.memory_mb:.0f} MB |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--activators", default="0,1,2")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--services", type=int, default=500)
    given = parser.parse_args()
    counts = tuple(int(word) for word in given.activators.split(","))
    rows = measure(counts, rate=given.rate, seconds=given.seconds, services=given.services)
    print(render(rows))


if __name__ == "__main__":
    main()

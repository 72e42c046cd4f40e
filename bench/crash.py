"""Load, `kill -9` at a random moment, restart, again and again: what was acknowledged must not be lost.

    python bench/crash.py [--rounds 50] [--seed N]

Two triggers, one for every event and one for every second type, lead to a sink outside. During each round objects are created
through the API, too. At the end: each trigger has delivered every acknowledged event that concerns it at least once, and no
acknowledged object is missing. Duplicates are counted, for at-least-once allows them. With the printed seed a failure can be
played again.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import yaml
from load import event_request, median
from manifests import apply, broker, config_map, trigger, wait_ready

from tanebi.testing.platform import Platform

SENDERS = 4
LOAD_S = (0.05, 1.2)
DELIVERY_TIMEOUT_S = 120.0
TYPES = ("even", "odd")


@dataclass
class Ledger:
    """What was acknowledged, and what arrived under each trigger's path."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # id -> type
    objects: list[str] = field(default_factory=list)
    arrived: dict[str, Counter[str]] = field(
        default_factory=lambda: {"/all": Counter(), "/odd": Counter()}
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def missing(self) -> dict[str, set[str]]:
        with self.lock:
            every = set(self.acknowledged)
            odd = {id_ for id_, type_ in self.acknowledged.items() if type_ == "odd"}
            return {
                "/all": every - set(self.arrived["/all"]),
                "/odd": odd - set(self.arrived["/odd"]),
            }


@dataclass(frozen=True)
class Result:
    seed: int
    rounds: int
    acknowledged: int
    deliveries: int
    duplicates: int
    objects: int
    restart_s: list[float]
    lost_events: int
    lost_objects: int
    misrouted: int


def start_sink(ledger: Ledger) -> ThreadingHTTPServer:
    """Writes down every event that arrives."""

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with ledger.lock:
                ledger.arrived[self.path][self.headers["ce-id"]] += 1
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """One line a request is no use here."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, request: object, client_address: object) -> None:
            """The sender was killed in the middle of a request: that is what this is about."""

    server = Server(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def send_until_it_breaks(port: int, prefix: str, ledger: Ledger, stop: threading.Event) -> None:
    """One sender: an event counts as acknowledged when its 202 has arrived."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            count = 0
            while not stop.is_set():
                id_, type_ = f"{prefix}-{count}", TYPES[count % 2]
                count += 1
                sock.sendall(event_request(port, "/default/durable", id_, type_=type_))
                answer = sock.recv(65536)
                if answer.startswith(b"HTTP/1.1 202"):
                    with ledger.lock:
                        ledger.acknowledged[id_] = type_
                elif not answer:
                    return
    except OSError:
        return  # killed in the middle: what was not answered was not acknowledged


def create_until_it_breaks(
    platform: Platform, round_: int, ledger: Ledger, stop: threading.Event
) -> None:
    """Create objects one after the other; one counts when the API server said 201."""
    user = yaml.safe_load((platform.data_dir / "kubeconfig").read_text())
    trust = base64.b64decode(user["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    headers = {"Authorization": f"Bearer {user['users'][0]['user']['token']}"}
    url = f"{user['clusters'][0]['cluster']['server']}/api/v1/namespaces/default/configmaps"
    count = 0
    try:
        with httpx.Client(verify=ssl.create_default_context(cadata=trust), headers=headers) as api:
            while not stop.is_set():
                name = f"object-{round_}-{count}"
                count += 1
                made = api.post(url, json=config_map(name, {"round": str(round_)}))
                if made.status_code == 201:
                    ledger.objects.append(name)
    except httpx.HTTPError:
        return  # killed in the middle


def play_round(platform: Platform, round_: int, ledger: Ledger, rng: random.Random) -> float:
    """Load, kill, restart. Seconds from the restart to ready."""
    stop = threading.Event()
    port = platform.gateway_port
    work = [
        threading.Thread(target=send_until_it_breaks, args=(port, f"{round_}-{n}", ledger, stop))
        for n in range(SENDERS)
    ]
    work.append(
        threading.Thread(target=create_until_it_breaks, args=(platform, round_, ledger, stop))
    )
    for each in work:
        each.start()
    time.sleep(rng.uniform(*LOAD_S))
    platform.kill()
    stop.set()
    for each in work:
        each.join()
    began = time.perf_counter()
    platform.start()
    return time.perf_counter() - began


def wait_delivered(ledger: Ledger) -> None:
    deadline = time.monotonic() + DELIVERY_TIMEOUT_S
    while any(ledger.missing().values()) and time.monotonic() < deadline:
        time.sleep(0.05)


def lost_objects(platform: Platform, ledger: Ledger) -> int:
    shown = platform.cli("get", "configmaps", "-n", "default", "-o", "json").stdout
    found = {item["metadata"]["name"] for item in json.loads(shown)["items"]}
    return len(set(ledger.objects) - found)


def measure(*, rounds: int = 50, seed: int | None = None) -> Result:
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    rng, ledger, restarts = random.Random(seed), Ledger(), []
    sink = start_sink(ledger)
    uri = f"http://127.0.0.1:{sink.server_address[1]}"
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(Path(folder) / "data").start()
        apply(
            platform,
            broker("durable"),
            trigger("all", "durable", f"{uri}/all"),
            trigger("odd", "durable", f"{uri}/odd", type="odd"),
        )
        wait_ready(platform, "broker/durable", "trigger/all", "trigger/odd")
        for round_ in range(rounds):
            restarts.append(play_round(platform, round_, ledger, rng))
            print(f"\r  crash round {round_ + 1}/{rounds}", end="", file=sys.stderr)
        print("\r\033[K", end="", file=sys.stderr)
        wait_delivered(ledger)
        wait_ready(platform, "broker/durable", "trigger/all", "trigger/odd")
        lost = lost_objects(platform, ledger)
        platform.stop()
    sink.shutdown()
    return _result(ledger, seed, rounds, sorted(restarts), lost)


def _result(ledger: Ledger, seed: int, rounds: int, restarts: list[float], lost: int) -> Result:
    deliveries = sum(sum(counts.values()) for counts in ledger.arrived.values())
    distinct = sum(len(counts) for counts in ledger.arrived.values())
    even = {id_ for id_, type_ in ledger.acknowledged.items() if type_ == "even"}
    return Result(
        seed=seed,
        rounds=rounds,
        acknowledged=len(ledger.acknowledged),
        deliveries=deliveries,
        duplicates=deliveries - distinct,
        objects=len(ledger.objects),
        restart_s=restarts,
        lost_events=sum(map(len, ledger.missing().values())),
        lost_objects=lost,
        misrouted=len(even & set(ledger.arrived["/odd"])),
    )


def render(result: Result) -> str:
    return "\n".join(
        (
            f"{'rounds of kill -9':36}{result.rounds:8}     (seed {result.seed})",
            f"{'events acknowledged':36}{result.acknowledged:8}",
            f"{'  lost':36}{result.lost_events:8}",
            f"{'  delivered to a wrong trigger':36}{result.misrouted:8}",
            f"{'deliveries':36}{result.deliveries:8}",
            f"{'  of them again':36}{result.duplicates:8}",
            f"{'objects acknowledged':36}{result.objects:8}",
            f"{'  lost':36}{result.lost_objects:8}",
            f"{'restart to ready, p50 and max':36}{median(result.restart_s):8.2f} s {result.restart_s[-1]:.2f} s",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    result = measure(rounds=args.rounds, seed=args.seed)
    print(render(result))
    if result.lost_events or result.lost_objects or result.misrouted:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

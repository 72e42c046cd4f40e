"""Events a second through a broker, each on disk before it is acknowledged, beside the same POST straight to the same sink.

    python bench/events.py [--seconds 3] [--connections 64]

Accepted: answers of 202 a second. Delivered: deliveries a second from the first POST until the sink has got the last one. The
sink and the load generator are processes of their own; CPU is that of the platform, both ways included.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from load import Load, cpu_s, event_request, run_load, sink, sink_count
from manifests import apply, broker, trigger, wait_ready

from tanebi.testing.platform import Platform

FANOUTS = (1, 5)
DRAIN_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Row:
    """`triggers` 0 is the plain POST. CPU in microseconds of the platform per delivery."""

    triggers: int
    accepted: float
    delivered: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    refused: int


def _row(triggers: int, load: Load, took_s: float, drained_s: float, cpu: float) -> Row:
    waits = sorted(load.latencies)
    count = len(load.accepted)
    deliveries = count * max(1, triggers)
    return Row(
        triggers,
        count / took_s,
        deliveries / drained_s,
        waits[len(waits) // 2] * 1e3,
        waits[len(waits) * 99 // 100] * 1e3,
        cpu / deliveries * 1e6,
        load.refused,
    )


def plain(sink_port: int, *, seconds: float, connections: int) -> Row:
    load, took = run_load(
        sink_port,
        lambda id_: event_request(sink_port, "/plain", id_),
        connections=connections,
        seconds=seconds,
    )
    return _row(0, load, took, took, 0.0)


def brokered(triggers: int, *, seconds: float, connections: int) -> Row:
    """One broker with `triggers` triggers for the same sink, in a platform of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sink() as sink_port,
        Platform(Path(folder) / "data") as platform,
    ):
        names = [f"t{n}" for n in range(triggers)]
        uri = f"http://127.0.0.1:{sink_port}"
        apply(platform, broker("b"), *(trigger(name, "b", f"{uri}/{name}") for name in names))
        wait_ready(platform, "broker/b", *(f"trigger/{name}" for name in names))
        port = platform.gateway_port
        cpu, began = cpu_s(platform.pid), time.perf_counter()
        load, took = run_load(
            port,
            lambda id_: event_request(port, "/default/b", id_),
            connections=connections,
            seconds=seconds,
        )
        _drain(sink_port, len(load.accepted) * triggers, platform)
        drained = time.perf_counter() - began
        return _row(triggers, load, took, drained, cpu_s(platform.pid) - cpu)


def _drain(sink_port: int, wanted: int, platform: Platform) -> None:
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while (got := sink_count(sink_port)) < wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"{got} of {wanted} delivered\n{platform.log_tail()}")
        time.sleep(0.01)


def measure(*, seconds: float = 3.0, connections: int = 64) -> list[Row]:
    with sink() as port:
        rows = [plain(port, seconds=seconds, connections=connections)]
    for triggers in FANOUTS:
        rows.append(brokered(triggers, seconds=seconds, connections=connections))
    return rows


def render(rows: list[Row]) -> str:
    lines = [
        f"{'':16}{'accepted/s':>12}{'delivered/s':>13}{'p50 ms':>9}{'p99 ms':>9}"
        f"{'CPU us/delivery':>17}{'of plain':>10}"
    ]
    base = rows[0].accepted
    for row in rows:
        name = "plain POST" if row.triggers == 0 else f"{row.triggers} trigger(s)"
        cpu = f"{row.cpu_us:17.1f}" if row.triggers else f"{'':17}"
        lines.append(
            f"{name:16}{row.accepted:12.0f}{row.delivered:13.0f}{row.p50_ms:9.2f}{row.p99_ms:9.2f}"
            f"{cpu}{row.delivered / base:10.2f}" + (f"  {row.refused} refused" * bool(row.refused))
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    print(render(measure(seconds=args.seconds, connections=args.connections)))


if __name__ == "__main__":
    main()

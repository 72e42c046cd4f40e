"""What HTTP/2, gRPC and TLS cost the proxy: ours beside HAProxy and Envoy, in one run, in the manner of bench/proxy.py.

    h2      small GETs, HTTP/2 on both sides of the proxy, many streams on few connections
    grpc    unary calls with a message of 50 bytes and a status in trailers, the same way
    tls     small GETs of HTTP/1.1 over kept TLS connections, plain to the app
    tls-h2  small GETs of HTTP/2 over TLS, plain HTTP/1.1 to the app

    python bench/proxy_h2.py [--scenario h2 …] [--seconds 3] [--rounds 3] [--connections 8] [--streams 4]

App and load generator speak HTTP/2 by our own codec, the same for all; CPU is read of the proxy alone.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import uvloop
from proxy import (
    BODY,
    ENVOY,
    HAPROXY,
    HOST,
    Row,
    _Client,
    _foreign,
    _free_port,
    _Load,
    _wait_listening,
    cpu_s,
    find_binary,
    process_with_port,
    render,
)

from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock
from tanebi.http.h2.connection import Connection
from tanebi.http.h2.limits import H2Limits

SCENARIOS = ("h2", "grpc", "tls", "tls-h2")
LIMITS = H2Limits(streams_max=1 << 20)
MESSAGE = b"\0\0\0\0\x2d" + b"m" * 45
GET = [
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":authority", HOST.encode()),
    (b":path", b"/hello?name=world"),
    (b"user-agent", b"bench"),
    (b"accept", b"*/*"),
]
CALL = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":authority", HOST.encode()),
    (b":path", b"/greet.Greeter/Hello"),
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc"),
    (b"user-agent", b"grpc-bench"),
]
OK = [
    (b":status", b"200"),
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"13"),
]
OK_GRPC = [(b":status", b"200"), (b"content-type", b"application/grpc")]
STATUS = [(b"grpc-status", b"0"), (b"grpc-message", b"")]


class _H2(asyncio.Protocol):
    """A socket of our codec. Implements Listener; `make` gives a stream its owner."""

    def __init__(self, *, client: bool) -> None:
        self.h2 = Connection(self, client=client, limits=LIMITS)
        self.reading = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.h2.start()
        self.flush()

    def data_received(self, data: bytes) -> None:
        self.h2.account.calm = 1 << 30
        self.h2.receive(data)
        self.flush()

    def flush(self) -> None:
        data = self.h2.take()
        if data:
            self.transport.write(data)

    def on_output(self) -> None: ...
    def on_settings(self) -> None: ...
    def on_goaway(self, last: int, code: int) -> None: ...
    def on_stream(self, stream: Any) -> None:
        stream.owner = _Served(self, stream)


class _Owner:
    def on_reset(self, code: int) -> None:
        raise AssertionError(f"a stream was reset: {code}")

    def on_full(self) -> None: ...
    def on_room(self) -> None: ...


class _Served(_Owner):
    """One request at the app."""

    def __init__(self, end: _H2, stream: Any) -> None:
        self.end, self.stream = end, stream

    def on_fields(self, block: Any, *, ended: bool) -> None:
        if ended:
            self.end.h2.send_fields(self.stream, OK)
            self.end.h2.send_last(self.stream, BODY)

    def on_data(self, data: bytes, *, ended: bool) -> None:
        if ended:
            self.end.h2.send_fields(self.stream, OK_GRPC)
            self.end.h2.send_last(self.stream, MESSAGE, STATUS)


class _Asked(_Owner):
    """One request of the load; the next one follows when its answer is whole."""

    def __init__(self, end: _H2Client) -> None:
        self.end, self.sent_at = end, time.perf_counter()

    def on_fields(self, block: Any, *, ended: bool) -> None:
        if ended:
            self.over()

    def on_data(self, data: bytes, *, ended: bool) -> None:
        if ended:
            self.over()

    def over(self) -> None:
        load = self.end.load
        load.count += 1
        load.latencies.append(time.perf_counter() - self.sent_at)
        if load.running:
            self.end.ask()


class _H2Client(_H2):
    def __init__(self, load: _Load, streams: int, *, grpc: bool) -> None:
        super().__init__(client=True)
        self.load, self.streams, self.grpc = load, streams, grpc
        self.h2.peer_streams_max = 1 << 20

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        for _ in range(self.streams):
            self.ask()
        self.flush()

    def ask(self) -> None:
        stream = self.h2.open()
        stream.owner = _Asked(self)
        self.h2.send_fields(stream, CALL if self.grpc else GET, ended=not self.grpc)
        if self.grpc:
            self.h2.send_last(stream, MESSAGE)


async def _serve_h2_app() -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _H2(client=False), "127.0.0.1", 0, backlog=2048
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _serve_tanebi(app: int, *, h2c: bool, folder: Path | None) -> None:
    from activator.certificates import Certificates
    from activator.facts import EndpointFacts, RevisionFacts
    from activator.gateway import Gateway
    from activator.table import Path as TablePath
    from activator.table import Split, Table
    from tanebi.api.meta import Key
    from tanebi.http.tls import KeyPair

    class Sink:
        def report(self, stats: Any, now: float) -> None: ...

        def poke(self, revision: Any, now: float) -> None: ...

    tls = None
    if folder is not None:
        pair = KeyPair((folder / "pair.crt").read_bytes(), (folder / "pair.key").read_bytes())
        tls = (0, Certificates(mint=lambda name: pair, given=pair))
    gateway = Gateway(
        "127.0.0.1", 0, clock=SystemClock(), rng=random.Random(), sink=Sink(), tls=tls
    )
    key = Key("default", "hello-00001")
    backend = gateway.router.set_revision(key, RevisionFacts())
    address = ("127.0.0.1", app)
    backend.set_endpoints({address: EndpointFacts(address, True, False, h2c)})
    gateway.router.set_table(Table({HOST: (TablePath("", (Split(key, 100),), 100),)}))
    async with anyio.create_task_group() as tasks:
        await tasks.start(gateway.run)
        print(gateway.tls_port or gateway.address[1], flush=True)


ENVOY_H2 = """    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
"""
ENVOY_TLS = """      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - {{certificate_chain: {{filename: "{folder}/pair.crt"}}, private_key: {{filename: "{folder}/pair.key"}}}}
"""


def _peer_configs(scenario: str) -> tuple[str, str]:
    """Of HAProxy and of Envoy."""
    haproxy, envoy = HAPROXY, ENVOY
    if scenario.startswith("tls"):
        haproxy = haproxy.replace(
            "bind 127.0.0.1:{port}",
            "bind 127.0.0.1:{port} ssl crt {folder}/both.pem alpn h2,http/1.1",
        )
        envoy = envoy.replace("    - filters:\n", "    - filters:\n", 1)
        envoy = envoy.replace("  clusters:\n", ENVOY_TLS + "  clusters:\n", 1)
    else:
        haproxy = haproxy.replace("bind 127.0.0.1:{port}", "bind 127.0.0.1:{port} proto h2")
        haproxy = haproxy.replace("server a 127.0.0.1:{app}", "server a 127.0.0.1:{app} proto h2")
        envoy = envoy.replace("    load_assignment:\n", ENVOY_H2 + "    load_assignment:\n", 1)
    return haproxy, envoy


def _start(stack: ExitStack, scenario: str) -> dict[str, tuple[int, int]]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    now = SystemClock().wall()
    pki.ensure(folder, now=now)
    certificate, key = pki.mint(folder, HOST, now=now)
    for name, data in (
        ("pair.crt", certificate),
        ("pair.key", key),
        ("both.pem", certificate + key),
    ):
        (folder / name).write_bytes(data)
    tls = scenario.startswith("tls")
    here = str(Path(__file__))
    own: Callable[..., tuple[int, int]] = lambda *words: process_with_port(  # noqa: E731
        stack, sys.executable, *words
    )
    app_pid, app = own(str(Path(here).parent / "proxy.py") if tls else here, "--serve-app")
    found = {} if tls else {"direct": (app_pid, app)}
    words = ["--serve-tanebi", str(app), *(["--folder", str(folder)] if tls else ["--h2c"])]
    found["tanebi"] = own(here, *words)
    haproxy, envoy = _peer_configs(scenario)
    if binary := find_binary("haproxy"):
        port, config = _free_port(), folder / "haproxy.cfg"
        config.write_text(haproxy.format(port=port, app=app, folder=folder))
        found["haproxy"] = (_foreign(stack, [str(binary), "-db", "-f", str(config)]), port)
    if binary := find_binary("envoy"):
        port, config = _free_port(), folder / "envoy.yaml"
        config.write_text(envoy.format(port=port, app=app, host=HOST, folder=folder))
        command = [str(binary), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
        found["envoy"] = (_foreign(stack, command), port)
    for _, port in found.values():
        _wait_listening(port)
    return found


async def _measure(
    scenario: str, pid: int, port: int, connections: int, streams: int, seconds: float
) -> Row:
    loop = asyncio.get_running_loop()
    load = _Load(varied=False)
    secure = None
    if scenario.startswith("tls"):
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        secure.check_hostname, secure.verify_mode = False, ssl.CERT_NONE
        secure.set_alpn_protocols(["h2" if scenario == "tls-h2" else "http/1.1"])

    def client() -> asyncio.Protocol:
        if scenario == "tls":
            return _Client(load)
        return _H2Client(load, streams, grpc=scenario == "grpc")

    count = connections * streams if scenario == "tls" else connections
    transports = []
    for _ in range(count):
        where: dict[str, Any] = {"ssl": secure, "server_hostname": HOST} if secure else {}
        transports.append((await loop.create_connection(client, "127.0.0.1", port, **where))[0])
    await asyncio.sleep(0.5)
    load.count, load.latencies = 0, []
    cpu, began = cpu_s(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    cpu, elapsed, done = cpu_s(pid) - cpu, time.perf_counter() - began, load.count
    load.running = False
    await asyncio.sleep(0.2)
    for each in transports:
        each.close()
    await asyncio.sleep(0.1)
    waits = sorted(load.latencies)
    middle, high = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    return Row("", cpu / done * 1e6, done / elapsed, middle * 1e3, high * 1e3)


def measure(
    scenario: str,
    *,
    seconds: float = 3.0,
    rounds: int = 3,
    connections: int = 8,
    streams: int = 4,
) -> list[Row]:
    """The table of one scenario."""
    with ExitStack() as stack:
        found = _start(stack, scenario)
        runs: dict[str, list[Row]] = {name: [] for name in found}
        for _ in range(rounds):
            for name, (pid, port) in found.items():
                row = _measure(scenario, pid, port, connections, streams, seconds)
                runs[name].append(uvloop.run(row))
    return [
        Row(
            name,
            statistics.median(r.cpu_us for r in rows),
            statistics.median(r.per_second for r in rows),
            statistics.median(r.p50_ms for r in rows),
            statistics.median(r.p99_ms for r in rows),
        )
        for name, rows in runs.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=SCENARIOS)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--serve-app", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve-tanebi", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--h2c", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve_app:
        uvloop.run(_serve_h2_app())
    elif args.serve_tanebi:
        uvloop.run(_serve_tanebi(args.serve_tanebi, h2c=args.h2c, folder=args.folder))
    else:
        for scenario in args.scenario:
            rows = measure(
                scenario,
                seconds=args.seconds,
                rounds=args.rounds,
                connections=args.connections,
                streams=args.streams,
            )
            print(f"\n{scenario}\n{render(rows)}")


if __name__ == "__main__":
    main()

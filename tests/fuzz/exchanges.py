"""A fuzzer of whole exchanges: several at once over one real backend, with sides that do anything a peer may do, in any order.

Every run is decided by its seed. A side never does what its protocol (tanebi.http.sides) forbids; the exchange and the
throttler must then keep their promises, each checked here: a slot is released exactly once, a request is accounted exactly
once, a client hears one answer in order and exactly one end, nothing is written to a pod before its head or after its end, a
stream is kept at most once and only when it is clean, no answer goes to another request than its own, and nothing is left when
all is over.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

from activator.backend import Backend, Hooks
from activator.carriage import Surroundings
from activator.facts import EndpointFacts, RevisionFacts
from activator.logged import LoggedExchange
from activator.proxy import Exchange
from activator.throttler import Throttler
from serving.api.request_template import Logged
from tanebi.api.meta import Key
from tanebi.http.errors import BadResponse, ConnectFailed, PeerReset
from tanebi.http.exchange import State
from tanebi.http.headers import UPGRADING
from tanebi.http.heads import Head
from tanebi.http.messages import Headers

STEPS_MAX = 60
ADDRESSES = [("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)]
UPGRADE_HEADERS = [(b"Connection", b"Upgrade"), (b"Upgrade", b"x")]


class Transport:
    """For tunnels: swallows."""

    def __init__(self) -> None:
        self.closing = False

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" else None

    def setsockopt(self, *args: int) -> None: ...
    def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close


class Client:
    """Implements ClientStream and ClientConnection, and judges."""

    peer, came_from, scheme, proto = "10.9.9.9", "10.9.9.9:9", b"http", "HTTP/1.1"

    def __init__(self, world: World, number: int) -> None:
        rng = world.rng
        self.world, self.number = world, number
        self.method = rng.choice([b"GET", b"POST", b"HEAD", b"PUT"])
        self.target, self.host = b"/%d" % number, b"h"
        self.headers: list[tuple[bytes, bytes]] = [(b"Host", b"h")]
        self.seen = 0
        self.chunked = rng.random() < 0.4
        self.body_length, self.expects_continue = 0, False
        self.complete = rng.random() < 0.5
        if self.complete and not self.chunked and rng.random() < 0.4:
            self.headers += UPGRADE_HEADERS
            self.seen |= UPGRADING
        self.trailers: Headers = ()
        self.done = False
        self.sink: Any = None
        self.raw = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" if self.complete and not self.seen else None
        self.forwarded_for: tuple[bytes, bytes] | None = None
        self.connection = self
        self.slow = rng.random() < 0.1
        self.transport = cast(Any, Transport())
        self.end: Any = None  # of a tunnel
        self.interims, self.heads, self.ends = 0, 0, 0
        self.body = b""
        self.answer_ended = self.left = False
        self.held = False

    def take_body(self) -> list[bytes]:
        return [b"ahead"] if self.chunked and self.world.rng.random() < 0.3 else []

    def hold_body(self) -> None:
        self.held = True

    def want_body(self) -> None:
        self.held = False

    def _must_be_open(self) -> None:
        assert not self.ends, "written after the end"
        assert not self.answer_ended, "written after the answer's end"

    def send_interim(self, status: int, headers: Headers) -> None:
        self._must_be_open()
        assert not self.heads, "an interim answer after the final head"
        self.interims += 1

    def send_head(self, status: int, headers: Headers, seen: int, raw: bytes | None) -> None:
        self._must_be_open()
        assert not self.heads, "two heads"
        owner = next(v for n, v in headers if n == b"X-Owner")
        assert owner == b"%d" % self.number, "the answer of another request"
        self.heads += 1

    def send_body(self, piece: bytes) -> None:
        self._must_be_open()
        assert self.heads, "a body without a head"
        self.body += piece

    def flush(self) -> None:
        assert not self.answer_ended or not self.ends

    def send_end(self, trailers: Headers) -> None:
        self._must_be_open()
        assert self.heads, "an end without a head"
        self.answer_ended = True

    def _end(self) -> None:
        assert not self.ends, "two ends"
        self.ends += 1
        self.done = True

    def finish(self) -> None:
        self._end()
        assert self.answer_ended or self.end is not None, "finished without an answer"

    def abort(self) -> None:
        self._end()
        assert self.heads or self.end is not None, "cut before anything was said"

    def time_out(self, text: bytes) -> None:
        self._end()
        assert self.heads, "timed out behind nothing"
        assert not self.answer_ended, "timed out after its end"

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        assert not self.heads, "an answer of ours behind one of the app's"
        self._end()

    def respond_text(self, status: int, text: str, headers: Headers = ()) -> None:
        assert status in (502, 503, 504)
        self.respond(status, headers, text.encode())

    def hand_over(self, end: Any) -> bytes:
        assert self.complete
        self.end = end
        return b"ahead" if self.world.rng.random() < 0.5 else b""

    def send_switch(self, headers: Headers, rest: bytes) -> None:
        assert self.end is not None
        assert not self.heads

    def tunnel_over(self, exc: Exception | None) -> None:
        if not self.done:
            self.left = True
            self.done = True


class Pod:
    """Implements PodStream, and judges."""

    raw_heads = True

    def __init__(self, world: World, address: tuple[str, int]) -> None:
        self.world, self.address = world, address
        self.closed, self.served = False, 0
        self.answer: Exchange | None = None
        self.owner = -1
        self.transport = cast(Any, Transport())
        self.end: Any = None
        self.idle = False
        self.sent_head = self.sent_end = False
        self.said: str = "nothing"  # nothing, head, done
        self.paused = False
        self.clean = False

    def begin(self, answer: Exchange, *, head_only: bool) -> None:
        assert not self.closed
        assert not self.idle
        assert self.answer is None, "two exchanges on one stream"
        self.answer, self.owner = answer, cast(Client, answer._request).number
        self.served += 1
        self.sent_head = self.sent_end = False
        self.said = "nothing"

    def _send(self) -> None:
        assert self.sent_head, "sent before the head"
        assert not self.sent_end, "sent behind the end"

    def send_raw(self, head: bytes) -> None:
        assert not self.sent_head, "two heads to a pod"
        self.sent_head = self.sent_end = True

    def send_head(self, head: Head, *, ended: bool) -> None:
        assert not self.sent_head, "two heads to a pod"
        self.sent_head, self.sent_end = True, ended

    def send_body(self, piece: bytes) -> None:
        self._send()

    def send_end(self, trailers: Headers) -> None:
        self._send()
        self.sent_end = True

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def keep(self) -> None:
        assert not self.idle, "kept twice"
        if self.closed:
            return
        assert self.clean, "kept though not clean"
        self.idle = True
        self.answer = None
        self.world.idle.append(self)

    def close(self) -> None:
        assert not self.idle, "an idle stream closed by an exchange"
        self.closed = True
        self.answer = None

    def hand_over(self, end: Any) -> None:
        self.answer, self.end = None, end


class Task:
    """As much of asyncio.Task as an exchange uses."""

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.coroutine = coroutine
        self.over = False
        coroutine.send(None)  # to the dial

    def resume(self, error: Exception | None) -> None:
        try:
            if error is None:
                self.coroutine.send(None)
            else:
                self.coroutine.throw(error)
        except StopIteration:
            self.over = True

    def cancel(self) -> None:
        assert not self.over, "a task cancelled after its end"
        self.over = True
        self.coroutine.close()


class Wait:
    def __await__(self) -> Generator[None, None, None]:
        yield


class World:
    """One run."""

    def __init__(self, seed: str) -> None:
        self.rng = rng = random.Random(seed)
        self.time = 0.0
        self.idle: list[Pod] = []
        self.pods: list[Pod] = []
        self.tasks: list[Task] = []
        facts = RevisionFacts(
            concurrency=rng.choice([0, 1, 1, 2, 5]),
            timeout_s=rng.choice([0, 5, 20]),
            response_start_timeout_s=rng.choice([0, 0, 3]),
            idle_timeout_s=rng.choice([0, 0, 2]),
            server_timing=rng.random() < 0.3,
        )
        nothing: Callable[..., None] = lambda *args: None  # noqa: E731
        self.backend = Backend(
            Key("ns", "r"), facts, chance=rng, hooks=Hooks(nothing, nothing, self.forget)
        )
        if rng.random() < 0.3:
            self.backend.throttler = Throttler(
                facts.concurrency, rng, queue_max=rng.choice([0, 1, 2])
            )
        self.around = Surroundings(
            cast(Any, self),
            cast(Any, self),
            spawn=cast(Any, self.spawn),
            trace=lambda: b"",
            woke=nothing,
            exchange=Exchange,
        )
        self.lines: list[Logged] = []
        self.kind: type[Exchange] = Exchange
        if random.Random(f"{seed} logged").random() < 0.5:  # the other draws stay as they are
            self.kind = LoggedExchange
            self.around.log = cast(Any, self)
        self.exchanges: list[tuple[Client, Exchange]] = []

    # --- what exchanges use --------------------------------------------------------------------

    def now(self) -> float:
        return self.time

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Task:
        task = Task(coroutine)
        self.tasks.append(task)
        return task

    def take(self, address: tuple[str, int]) -> Pod | None:
        for pod in self.idle:
            if pod.address == address:
                self.idle.remove(pod)
                pod.idle = pod.clean = False
                pod.closed = self.rng.random() < 0.1
                return pod
        return None

    async def dial(self, address: tuple[str, int]) -> Pod:
        await Wait()
        pod = Pod(self, address)
        self.pods.append(pod)
        return pod

    def forget(self, address: tuple[str, int]) -> None:
        self.idle = [pod for pod in self.idle if pod.address != address]

    def write(self, line: Logged) -> None:
        """Of the request log."""
        self.lines.append(line)

    # --- what happens --------------------------------------------------------------------------

    def run(self) -> None:
        for _ in range(self.rng.randrange(STEPS_MAX)):
            self.time += self.rng.choice([0, 0, 0.01, 0.5])
            self.rng.choice(_HAPPENINGS)(self)
        self.finish()
        self.judge()

    def arrive(self) -> None:
        if len(self.exchanges) >= 6:
            return
        client = Client(self, len(self.exchanges))
        exchange = self.kind(cast(Any, client), self.backend, self.around, b"", b"", self.time)
        client.sink = exchange
        self.exchanges.append((client, exchange))
        exchange.begin()

    def _open(self) -> list[tuple[Client, Exchange]]:
        return [(c, e) for c, e in self.exchanges if not c.done]

    def _answering(self) -> list[Pod]:
        return [
            pod for pod in self.pods if pod.answer is not None and not pod.closed and not pod.paused
        ]

    def client_acts(self) -> None:
        found = self._open()
        if not found:
            return
        client, exchange = self.rng.choice(found)
        what = self.rng.randrange(6)
        if what == 0 and self.rng.random() < 0.3:
            self._leave(client, exchange)
        elif what == 1:
            client.slow = True
            if client.end is None:
                exchange.on_client_slow()
        elif what == 2:
            client.slow = False
            if client.end is None:
                exchange.on_client_ready()
        elif not client.complete:
            if what == 3:
                client.complete = True
                client.trailers = ((b"X-T", b"1"),) if client.chunked else ()
                exchange.on_request_end()
            elif not client.held:
                exchange.on_request_body(b"piece")

    def _leave(self, client: Client, exchange: Exchange) -> None:
        if client.end is not None:
            client.end.connection_lost(None)
            return
        client.left = client.done = True
        exchange.on_client_left()

    def pod_acts(self) -> None:
        found = self._answering()
        if not found:
            return
        pod = self.rng.choice(found)
        answer = pod.answer
        assert answer is not None
        what = self.rng.randrange(12)
        owner = [(b"X-Owner", b"%d" % pod.owner)]
        if what == 0:
            pod.answer = None
            pod.closed = True
            answer.on_failed(self.rng.choice([PeerReset, BadResponse])("x", "x"))
        elif what == 1:
            answer.on_sending_paused()
        elif what == 2:
            answer.on_sending_resumed()
        elif what == 3 and pod.said == "nothing":
            answer.on_interim(103, owner)
        elif pod.said == "nothing":
            self._head_or_switch(pod, answer, owner)
        elif what < 8:
            answer.on_body(b"%d" % pod.owner)
            if pod.answer is answer:
                answer.on_flush()
        else:
            self._end_answer(pod, answer)

    def _head_or_switch(self, pod: Pod, answer: Exchange, owner: Headers) -> None:
        if self.rng.random() < 0.3 and answer.may_switch(list(UPGRADE_HEADERS)):
            answer.on_switched([*UPGRADE_HEADERS, *owner], b"")
            return
        pod.said = "head"
        answer.on_head(self.rng.choice([200, 204, 404, 500]), list(owner), 0, None)
        if pod.answer is answer and self.rng.random() < 0.5:
            answer.on_flush()

    def _end_answer(self, pod: Pod, answer: Exchange) -> None:
        pod.said = "done"
        pod.answer = None
        reusable = self.rng.random() < 0.7
        pod.clean = reusable and pod.sent_end
        answer.on_end([], reusable=reusable)

    def tunnel_acts(self) -> None:
        ends = [s.end for s in (*self.pods, *(c for c, _ in self.exchanges)) if s.end is not None]
        ends = [end for end in ends if not end.closed]
        if not ends:
            return
        end, what = self.rng.choice(ends), self.rng.randrange(4)
        if what == 0:
            end.data_received(b"x")
        elif what == 1:
            end.eof_received()
        else:
            end.connection_lost(self.rng.choice([None, ConnectionResetError()]))

    def dial_acts(self) -> None:
        waiting = [task for task in self.tasks if not task.over]
        if waiting:
            failed = self.rng.random() < 0.3
            self.rng.choice(waiting).resume(ConnectFailed("x", "x") if failed else None)

    def endpoints_change(self) -> None:
        chosen = self.rng.sample(ADDRESSES, self.rng.randrange(4))
        self.backend.set_endpoints(
            {a: EndpointFacts(a, self.rng.random() < 0.8, self.rng.random() < 0.1) for a in chosen}
        )

    def sweep(self) -> None:
        self.time += self.rng.choice([0.1, 1, 4])
        for client, exchange in self._open():
            if not client.done:
                exchange.on_sweep(self.time)

    # --- the end -------------------------------------------------------------------------------

    def finish(self) -> None:
        """Everybody leaves; what is under way comes to its end."""
        for client, exchange in self._open():
            if not client.done:
                self._leave(client, exchange)
        for task in list(self.tasks):
            if not task.over:
                task.resume(None)
        for holder in (*self.pods, *(client for client, _ in self.exchanges)):
            if holder.end is not None and not holder.end.closed:
                holder.end.connection_lost(None)

    def judge(self) -> None:
        backend = self.backend
        assert backend.throttler.waiting == 0, "somebody waits though all have left"
        assert backend.throttler.in_flight == 0, "a slot was not released"
        assert not backend._leaving, "a slot of a pod that left was not released"
        assert backend.meter is None or backend.meter.concurrency == 0, "not accounted"
        assert sum(backend.counts.by_class) == len(self.exchanges), "accounted otherwise than once"
        if self.kind is LoggedExchange:
            logged = sorted(line.uri for line in self.lines)
            assert logged == sorted(f"/{client.number}" for client, _ in self.exchanges), "lines"
        for client, exchange in self.exchanges:
            assert exchange._state in (State.DONE, State.FAILED), exchange
            assert client.ends + client.left >= 1, "neither an answer nor a client that left"
            assert client.body == b"%d" % client.number * (
                len(client.body) // len(b"%d" % client.number)
            )
        for pod in self.pods:
            assert pod.closed or pod.idle or pod not in self.idle
            assert pod.closed or pod.idle or pod.answer is None, "a stream that nobody owns"


_HAPPENINGS: list[Callable[[World], None]] = [
    World.arrive,
    World.arrive,
    World.client_acts,
    World.client_acts,
    World.pod_acts,
    World.pod_acts,
    World.pod_acts,
    World.dial_acts,
    World.dial_acts,
    World.endpoints_change,
    World.tunnel_acts,
    World.sweep,
]


def check(seed: str) -> None:
    """One run. Raises what it finds."""
    World(seed).run()

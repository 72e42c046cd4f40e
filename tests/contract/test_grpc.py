"""gRPC through the gateway, by grpcio on both sides: all four kinds of calls, statuses, deadlines, cancellation, big messages."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio.to_thread
import grpc
import pytest

from activator.facts import RevisionFacts
from tanebi.http.pool import Address
from tanebi.testing.waiting import wait_until
from tests.activator.conftest import HOST, World, running

pytestmark = pytest.mark.anyio

T = TypeVar("T")
OPTIONS = (
    ("grpc.default_authority", HOST),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
)


class App(grpc.GenericRpcHandler):
    """Method handlers made by hand: messages are bytes."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.metadata: dict[str, str | bytes] = {}

    def service(self, details: Any) -> Any:
        kinds = {
            "/t/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/t/Server": grpc.unary_stream_rpc_method_handler(self.server),
            "/t/Client": grpc.stream_unary_rpc_method_handler(self.client),
            "/t/Bidi": grpc.stream_stream_rpc_method_handler(self.bidi),
            "/t/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "/t/Hang": grpc.unary_stream_rpc_method_handler(self.hang),
        }
        return kinds.get(details.method)

    def unary(self, message: bytes, context: Any) -> bytes:
        self.metadata = dict(context.invocation_metadata())
        context.send_initial_metadata((("x-initial", "1"),))
        context.set_trailing_metadata((("x-trailing", "2"), ("x-raw-bin", b"\x00\xff")))
        return message

    def server(self, message: bytes, context: Any) -> Iterator[bytes]:
        count, size = map(int, message.split())
        return (b"x" * size for _ in range(count))

    def client(self, messages: Iterator[bytes], context: Any) -> bytes:
        return b"%d" % sum(len(m) for m in messages)

    def bidi(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        for message in messages:
            yield message.upper()

    def fail(self, message: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 100% ünfit")
        raise AssertionError("unreachable")

    def hang(self, message: bytes, context: Any) -> Iterator[bytes]:
        context.add_callback(self.cancelled.set)
        yield b"begun"
        self.cancelled.wait(20)


@asynccontextmanager
async def grpc_world(
    facts: RevisionFacts | None = None,
) -> AsyncIterator[tuple[World, App, grpc.Channel]]:
    app = App()
    server = grpc.server(ThreadPoolExecutor(8), (app,), options=OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        async with running(facts) as world:
            world.pods(("127.0.0.1", port), h2c=True)
            with channel(world.gateway.address) as found:
                yield world, app, found
    finally:
        app.cancelled.set()
        await in_thread(lambda: server.stop(0).wait(5))


def channel(address: Address) -> grpc.Channel:
    return grpc.insecure_channel(f"{address[0]}:{address[1]}", OPTIONS)


async def in_thread(work: Callable[[], T]) -> T:
    with anyio.fail_after(20):
        return await anyio.to_thread.run_sync(work)


async def test_unary_with_metadata_both_ways() -> None:
    async with grpc_world() as (_, app, rpc):
        call = rpc.unary_unary("/t/Unary")
        metadata = (("x-mine", "a"), ("x-mine-bin", b"\x01\xfe"))
        answer, done = await in_thread(lambda: call.with_call(b"hello", metadata=metadata))
        assert answer == b"hello"
        assert ("x-initial", "1") in done.initial_metadata()
        assert dict(done.trailing_metadata())["x-raw-bin"] == b"\x00\xff"
        assert app.metadata["x-mine"] == "a"
        assert app.metadata["x-mine-bin"] == b"\x01\xfe"
        assert app.metadata["k-proxy-request"] == "activator"


async def test_streams_of_each_kind() -> None:
    async with grpc_world() as (_, _, rpc):
        got = await in_thread(lambda: list(rpc.unary_stream("/t/Server")(b"50 20000")))
        assert (len(got), set(got)) == (50, {b"x" * 20000})
        total = await in_thread(
            lambda: rpc.stream_unary("/t/Client")(iter([b"y" * 30000 for _ in range(50)]))
        )
        assert total == b"1500000"

        def talk() -> list[bytes]:
            sent = iter([b"a", b"b", b"c"])
            turn = threading.Semaphore(1)

            def questions() -> Iterator[bytes]:
                for question in sent:
                    turn.acquire()
                    yield question

            answers = []
            for answer in rpc.stream_stream("/t/Bidi")(questions()):
                answers.append(answer)
                turn.release()  # the next question only once this one is answered
            return answers

        assert await in_thread(talk) == [b"A", b"B", b"C"]


async def test_a_big_message() -> None:
    async with grpc_world() as (_, _, rpc):
        message = b"z" * 12_000_000
        assert await in_thread(lambda: rpc.unary_unary("/t/Unary")(message)) == message


async def test_many_calls_share_connections() -> None:
    async with grpc_world() as (world, _, rpc):
        calls = [rpc.unary_unary("/t/Unary").future(b"%d" % n) for n in range(300)]
        assert await in_thread(lambda: [c.result() for c in calls]) == [
            b"%d" % n for n in range(300)
        ]
        assert 1 <= len(world.gateway.ways._h2) <= 4


async def test_the_apps_own_status_arrives() -> None:
    async with grpc_world() as (_, _, rpc):
        error = await in_thread(lambda: rpc.unary_unary("/t/Fail").future(b"").exception())
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert error.details() == "not now: 100% ünfit"
        error = await in_thread(lambda: rpc.unary_unary("/t/None").future(b"").exception())
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_cancelled_call_is_cancelled_at_the_app() -> None:
    async with grpc_world() as (world, app, rpc):
        call = rpc.unary_stream("/t/Hang")(b"")
        assert await in_thread(lambda: next(call)) == b"begun"
        call.cancel()
        await in_thread(lambda: app.cancelled.wait(10))
        await wait_until(lambda: world.backend.throttler.in_flight == 0)


async def test_a_deadline_of_the_client_ends_the_call() -> None:
    async with grpc_world() as (_, app, rpc):
        call = rpc.unary_stream("/t/Hang")(b"", timeout=0.5)
        error = await in_thread(lambda: call.exception())
        assert error is None or call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert await in_thread(lambda: app.cancelled.wait(10))


async def test_errors_of_the_platform_are_statuses() -> None:
    facts = RevisionFacts(response_start_timeout_s=0.3, timeout_s=0.6)
    async with grpc_world(facts) as (world, _, rpc):
        error = await in_thread(lambda: rpc.unary_unary("/t/Stuck").future(b"").exception())
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        world.pods()
        error = await in_thread(lambda: rpc.unary_unary("/t/Unary").future(b"").exception())
        assert (error.code(), error.details()) == (
            grpc.StatusCode.UNAVAILABLE,
            "activator request timeout",
        )
        with grpc.insecure_channel(
            f"127.0.0.1:{world.gateway.address[1]}",
            [("grpc.default_authority", "nobody.default.localhost"), *OPTIONS[3:]],
        ) as lost:
            error = await in_thread(lambda: lost.unary_unary("/t/Unary").future(b"").exception())
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert error.details().startswith(
            'no service answers to the host "nobody.default.localhost"'
        )

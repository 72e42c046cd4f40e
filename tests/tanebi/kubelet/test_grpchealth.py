from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.kubelet import grpchealth
from tanebi.kubelet.grpchealth import BadAnswer, ask_grpc, status_of, verdict

SERVING = b"\0\0\0\0\2\x08\x01"
DEADLINE_S = 10.0


@pytest.mark.parametrize(
    ("service", "framed"),
    [("", b"\0\0\0\0\0"), ("ab", b"\0\0\0\0\4\x0a\2ab")],
)
def test_the_question(service: str, framed: bytes) -> None:
    assert grpchealth.request(service) == framed


@pytest.mark.parametrize(
    ("message", "status"),
    [(SERVING, 1), (b"\0\0\0\0\0", 0), (b"\0\0\0\0\2\x08\x02", 2), (b"\0\0\0\0\5\x12\1x\x08\1", 1)],
)
def test_the_answer(message: bytes, status: int) -> None:
    assert status_of(message) == status


@given(st.binary(max_size=60))
def test_any_answer_is_read_or_refused(data: bytes) -> None:
    try:
        assert status_of(b"\0" + len(data).to_bytes(4, "big") + data) >= 0
    except BadAnswer:
        return


@pytest.mark.parametrize(
    ("headers", "message", "ok", "words"),
    [
        ({"grpc-status": "0"}, SERVING, True, ""),
        ({"grpc-status": "0"}, b"\0\0\0\0\2\x08\x02", False, "service unhealthy: NOT_SERVING"),
        ({"grpc-status": "0"}, b"\0\0\0\0\2\x08\x09", False, "service unhealthy: 9"),
        ({"grpc-status": "12"}, b"", False, "does not implement the grpc health protocol"),
        ({"grpc-status": "5", "grpc-message": "no"}, b"", False, "code 5 no"),
        ({":status": "404"}, b"", False, "HTTP status 404"),
        ({"grpc-status": "0"}, b"", False, "no answer"),
    ],
)
def test_verdicts(headers: dict[str, str], message: bytes, ok: bool, words: str) -> None:
    found = verdict(headers, message)
    assert found.ok is ok
    assert words in found.message


@asynccontextmanager
async def serving(speak: Callable[[bytes], bytes]) -> AsyncIterator[int]:
    """A server that answers each read with what `speak` makes of it."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(speak(data))
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def healthy(message: bytes = SERVING) -> Callable[[bytes], bytes]:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()

    def speak(data: bytes) -> bytes:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, message)
                connection.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
        return connection.data_to_send()

    return speak


@pytest.mark.anyio
async def test_a_service_that_is_well_and_one_that_is_not() -> None:
    async with serving(healthy()) as port:
        assert (await ask_grpc("127.0.0.1", port, "", timeout_s=DEADLINE_S)).ok
    async with serving(healthy(b"\0\0\0\0\2\x08\x02")) as port:
        found = await ask_grpc("127.0.0.1", port, "x", timeout_s=DEADLINE_S)
        assert found.message == "service unhealthy: NOT_SERVING"


@pytest.mark.anyio
async def test_what_does_not_speak_http2() -> None:
    async with serving(lambda data: b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        found = await ask_grpc("127.0.0.1", port, "", timeout_s=DEADLINE_S)
        assert "does not speak HTTP/2" in found.message


@pytest.mark.anyio
async def test_nobody_there_and_nobody_answers() -> None:
    async with serving(lambda data: b"") as port:
        found = await ask_grpc("127.0.0.1", port, "", timeout_s=0.2)
        assert "timeout" in found.message
    found = await ask_grpc("127.0.0.1", port, "", timeout_s=DEADLINE_S)
    assert "failed to connect service" in found.message

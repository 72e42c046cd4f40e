"""A gRPC probe: one call of grpc.health.v1.Health/Check over HTTP/2 in plain text.

The two messages are one string and one number, so protobuf is written out here; HTTP/2 is the package h2's, imported when the
first such probe is asked. Caller: tanebi.kubelet.probing.
"""

from __future__ import annotations

import asyncio
import importlib
import struct
from collections.abc import Sequence
from typing import Any, Final

from tanebi.http import ways
from tanebi.kubelet.probes import Answer

READ_BYTES: Final = 16 * 1024
ANSWER_MAX: Final = 64 * 1024
SERVING: Final = 1
STATES: Final = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
OK: Final = "0"
_HEADERS: Final = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/grpc.health.v1.Health/Check"),
)
_FIELDS: Final = (
    ("content-type", "application/grpc"),
    ("user-agent", "kube-probe/1.34"),
    ("te", "trailers"),
)


class BadAnswer(Exception):
    """Not what a health service says."""


def request(service: str) -> bytes:
    """A framed HealthCheckRequest. Pure."""
    name = service.encode()
    field = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\0" + struct.pack("!I", len(field)) + field


def status_of(message: bytes) -> int:
    """The `status` of a framed HealthCheckResponse; its default is 0. Pure. Raises BadAnswer."""
    if len(message) < 5 or message[0] != 0:
        raise BadAnswer("no answer, or a compressed one")
    size = int.from_bytes(message[1:5], "big")
    body, status, at = message[5 : 5 + size], 0, 0
    while at < len(body):
        key, at = _read_varint(body, at)
        if key & 7 == 0:
            value, at = _read_varint(body, at)
            status = value if key >> 3 == 1 else status
        elif key & 7 == 2:
            length, at = _read_varint(body, at)
            at += length
        else:
            raise BadAnswer("a field of an unknown form")
    return status


async def ask_grpc(host: str, port: int, service: str, *, timeout_s: float) -> Answer:
    """SERVING is well. The words are those of Kubernetes' prober."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await ways.open_connection(host, port)
            try:
                headers, message = await _call(reader, writer, f"{host}:{port}", service)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return Answer(
            False, f'timeout: failed to connect service "{host}:{port}" within {timeout_s:g}s'
        )
    except (OSError, EOFError) as error:
        why = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        return Answer(False, f'failed to connect service "{host}:{port}": {why}')
    except BadAnswer as error:
        return Answer(False, f"error: health rpc probe failed: {error}")
    return verdict(headers, message)


def verdict(headers: dict[str, str], message: bytes) -> Answer:
    """What headers and trailers of an answer come to. Pure."""
    if headers.get(":status", "200") != "200":
        return Answer(False, f"error: health rpc probe failed: HTTP status {headers[':status']}")
    code = headers.get("grpc-status", OK)
    if code == "12":
        return Answer(
            False,
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)",
        )
    if code != OK:
        said = headers.get("grpc-message", "")
        return Answer(False, f"error: health rpc probe failed: code {code} {said}".rstrip())
    try:
        status = status_of(message)
    except BadAnswer as error:
        return Answer(False, f"error: health rpc probe failed: {error}")
    name = STATES[status] if status < len(STATES) else str(status)
    return Answer(status == SERVING, "" if status == SERVING else f"service unhealthy: {name}")


async def _call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authority: str, service: str
) -> tuple[dict[str, str], bytes]:
    """All headers of the answer, trailers too, and its body. Raises BadAnswer, OSError, EOFError."""
    connection, events, errors = _http2()
    connection.initiate_connection()
    connection.send_headers(1, (*_HEADERS, (":authority", authority), *_FIELDS))
    connection.send_data(1, request(service), end_stream=True)
    writer.write(connection.data_to_send())
    found: dict[str, str] = {}
    message = bytearray()
    while len(message) <= ANSWER_MAX:
        data = await reader.read(READ_BYTES)
        if not data:
            raise EOFError("the connection was closed")
        if data.startswith(b"HTTP/"):
            raise BadAnswer("it does not speak HTTP/2")
        try:
            happened = connection.receive_data(data)
        except errors.ProtocolError as error:
            raise BadAnswer("it does not speak HTTP/2") from error
        writer.write(connection.data_to_send())
        if _take(happened, events, found, message):
            return found, bytes(message)
    raise BadAnswer("an answer that is too long")


def _take(happened: Sequence[Any], events: Any, found: dict[str, str], message: bytearray) -> bool:
    """Whether that was the end. Raises BadAnswer."""
    for event in happened:
        if isinstance(event, events.ResponseReceived | events.TrailersReceived):
            found |= {str(name): str(value) for name, value in event.headers}
        elif isinstance(event, events.DataReceived):
            message += event.data
        elif isinstance(event, events.StreamReset | events.ConnectionTerminated):
            raise BadAnswer("the call was refused")
        elif isinstance(event, events.StreamEnded):
            return True
    return False


def _http2() -> tuple[Any, Any, Any]:
    config = importlib.import_module("h2.config")
    settings = config.H2Configuration(client_side=True, header_encoding="utf-8")
    connection = importlib.import_module("h2.connection").H2Connection(settings)
    return (
        connection,
        importlib.import_module("h2.events"),
        importlib.import_module("h2.exceptions"),
    )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
    raise BadAnswer("a number that does not end")

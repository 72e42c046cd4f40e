"""Asking once, asking on, and counting answers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tanebi.api.core.pod import HttpGetAction, Probe
from tanebi.kubelet.probes import EAGER_MAX_S, Rhythm, Tally, ask_http, ask_tcp

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def answering(
    answer: bytes | None, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Any]:
    """A server that answers every request with `answer`, or never, for None. Yields its port and what it was sent."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            if answer is None:
                await asyncio.sleep(30)
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


async def http(port: int, timeout_s: float = 2.0, **action: Any) -> Any:
    parsed = HttpGetAction.model_validate({"path": "/health", **action})
    return await ask_http(parsed, "127.0.0.1", port, timeout_s=timeout_s)


async def test_tcp() -> None:
    async with answering(b"") as (port, _):
        assert (await ask_tcp("127.0.0.1", port, timeout_s=1)).ok
    refused = await ask_tcp("127.0.0.1", free_port(), timeout_s=1)
    assert not refused.ok
    assert refused.message.endswith("connect: connection refused")


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True, ""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True, ""),
        (b"HTTP/1.0 302 Found\r\n\r\n", True, ""),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False, "HTTP probe failed with statuscode: 404"),
        (b"HTTP/1.1 500\r\n\r\n", False, "statuscode: 500"),
        (b"SSH-2.0-OpenSSH\r\n", False, "malformed HTTP response"),
        (b"HTTP/1.1 twohundred\r\n", False, "malformed HTTP response"),
        (b"x" * 100_000, False, "malformed HTTP response"),
        (b"", False, "EOF"),
    ],
)
async def test_http(answer: bytes, ok: bool, words: str) -> None:
    async with answering(answer) as (port, heard):
        found = await http(port, httpHeaders=[{"name": "X-A", "value": "b\r\nEvil: 1"}])
    assert found.ok is ok
    assert words in found.message
    assert heard[0].startswith(b"GET /health HTTP/1.1\r\n")
    assert b"User-Agent: kube-probe/" in heard[0]
    assert b"X-A: bEvil: 1\r\n" in heard[0], "a header cannot smuggle another"


async def test_one_that_does_not_answer_is_given_up() -> None:
    async with answering(None) as (port, _):
        began = time.monotonic()
        found = await http(port, 0.2)
    assert time.monotonic() - began < 2
    assert not found.ok
    assert "deadline exceeded" in found.message
    assert "connection refused" in (await http(free_port())).message


async def test_https_is_not_verified(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(tmp_path))
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", tls=context) as (port, _):
        assert (await http(port, scheme="HTTPS")).ok


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


def counted(up: bool | None, answers: str, **probe: int) -> list[bool | None]:
    tally = Tally(Probe.model_validate(probe), up)
    return [tally.count(answer == "+") for answer in answers]


@pytest.mark.parametrize(
    ("up", "answers", "probe", "verdicts"),
    [
        (False, "--+", {}, [None, None, True]),
        (False, "-++", {"successThreshold": 2}, [None, None, True]),
        (True, "--+---", {"failureThreshold": 3}, [None] * 5 + [False]),
        (True, "---+", {"failureThreshold": 3}, [None, None, False, True]),
        (None, "--", {"failureThreshold": 2}, [None, False]),
        (None, "+", {}, [True]),
        (False, "++++", {}, [True, None, None, None]),
        (True, "-----", {"failureThreshold": 1}, [False, None, None, None, None]),
    ],
)
def test_tally(
    up: bool | None, answers: str, probe: dict[str, int], verdicts: list[bool | None]
) -> None:
    assert counted(up, answers, **probe) == verdicts


def test_rhythm() -> None:
    eager = Rhythm(10.0, eager=True)
    pauses = [eager.pause(succeeded=False) for _ in range(40)]
    assert pauses[0] == 0.010
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(EAGER_MAX_S)
    assert sum(pauses[:12]) > 0.5, "a slow starter is not stormed"
    assert eager.pause(succeeded=True) == 10.0
    assert Rhythm(5.0, eager=False).pause(succeeded=False) == 5.0

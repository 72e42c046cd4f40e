"""Asking a container whether it is well: one question, its rhythm, and when an answer counts.

`Tally` and `Rhythm` are pure; `ask` does the asking. A readiness probe is asked every few milliseconds until it first
succeeds, because somebody may be waiting for exactly that, and by its period afterwards. gRPC probes: tanebi.kubelet.grpchealth.

Callers: tanebi.kubelet.probing, tanebi.kubelet.hooks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.api.core.pod import HttpGetAction, Probe
from tanebi.http import ways

EAGER_FIRST_S: Final = 0.010
EAGER_MAX_S: Final = 0.100
EAGER_GROWTH: Final = 1.3
STATUS_LINE_MAX: Final = 1024
USER_AGENT: Final = "kube-probe/1.34"


@dataclass(frozen=True, slots=True)
class Answer:
    ok: bool
    message: str = ""


@dataclass(slots=True)
class Tally:
    """Counts answers in a row. `up` is what holds before the first answer; None: either answer is news."""

    probe: Probe
    up: bool | None
    _row: int = 0
    _last: bool | None = None

    def count(self, ok: bool) -> bool | None:
        """The new state when a threshold was just reached, else None."""
        self._row = self._row + 1 if ok == self._last else 1
        self._last = ok
        needed = self.probe.success_threshold if ok else self.probe.failure_threshold
        if ok == self.up or self._row < max(needed or 1, 1):
            return None
        self.up = ok
        return ok


@dataclass(slots=True)
class Rhythm:
    """When to ask next."""

    period_s: float
    eager: bool
    _pause_s: float = EAGER_FIRST_S

    def pause(self, *, succeeded: bool) -> float:
        """Seconds until the next question, given that it has (or has not) succeeded yet."""
        if not self.eager or succeeded:
            return self.period_s
        now_s = min(self._pause_s, self.period_s)
        self._pause_s = min(self._pause_s * EAGER_GROWTH, EAGER_MAX_S)
        return now_s


async def ask_tcp(host: str, port: int, *, timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            transport, _ = await ways.connect(asyncio.Protocol, host, port)
    except TimeoutError:
        return Answer(False, f"dial tcp {host}:{port}: i/o timeout")
    except OSError as error:
        return Answer(False, f"dial tcp {host}:{port}: {_why(error)}")
    transport.abort()
    return Answer(True)


async def ask_http(action: HttpGetAction, host: str, port: int, *, timeout_s: float) -> Answer:
    """2xx and 3xx are well, as in Kubernetes; the body is not read."""
    found = await fetch_status(action, host, port, timeout_s=timeout_s, agent=USER_AGENT)
    if isinstance(found, str):
        return Answer(False, found)
    if 200 <= found < 400:
        return Answer(True)
    return Answer(False, f"HTTP probe failed with statuscode: {found}")


async def fetch_status(
    action: HttpGetAction, host: str, port: int, *, timeout_s: float, agent: str
) -> int | str:
    """The status of the answer, or why there is none."""
    secure = action.scheme.upper() == "HTTPS"
    url = f"{'https' if secure else 'http'}://{host}:{port}{action.path}"
    request = _request(action, host, port, agent)
    try:
        async with asyncio.timeout(timeout_s):
            line = await _status_line(request, host, port, _trusting() if secure else None)
    except TimeoutError:
        return f'Get "{url}": context deadline exceeded'
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return f'Get "{url}": {_why(error)}'
    parts = line.split()
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or not parts[1].isdigit():
        return f'Get "{url}": malformed HTTP response'
    return int(parts[1])


async def _status_line(request: bytes, host: str, port: int, tls: ssl.SSLContext | None) -> bytes:
    reader, writer = await ways.open_connection(host, port, tls=tls, limit=STATUS_LINE_MAX)
    try:
        writer.write(request)
        return await reader.readuntil(b"\n")
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _request(action: HttpGetAction, host: str, port: int, agent: str) -> bytes:
    headers: Mapping[str, str] = {
        "Host": f"{host}:{port}",
        "User-Agent": agent,
        "Accept": "*/*",
        **{h.name: h.value for h in action.http_headers},
        "Connection": "close",
    }
    lines = [f"GET {action.path or '/'} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    clean = [line.replace("\r", "").replace("\n", "") for line in lines]
    return "\r\n".join([*clean, "", ""]).encode("utf-8", "replace")


def _trusting() -> ssl.SSLContext:
    """Kubernetes does not verify the certificates of probed containers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    if isinstance(error, asyncio.IncompleteReadError):
        return "EOF"
    if isinstance(error, asyncio.LimitOverrunError):
        return "malformed HTTP response"
    return str(error.strerror or error).lower() if isinstance(error, OSError) else str(error)

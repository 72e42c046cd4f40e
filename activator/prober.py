"""Asks new pods whether they answer, every few milliseconds, so that the first request leaves the moment one does.

A pod that the kubelet has not called ready yet is asked as its revision's readiness probe says (TCP, or HTTP GET with 2xx or
3xx); the first success makes it usable here (reference/knative-serving.md §3.4). A pod that is not wanted any more is no
longer asked. Caller: activator.gateway starts it; activator.backend asks for probes.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Final

import anyio
from anyio.abc import TaskGroup, TaskStatus

from activator.backend import Backend
from activator.facts import ProbeSpec
from tanebi.base.clock import Clock
from tanebi.http import ways
from tanebi.http.client import HttpClient
from tanebi.http.errors import HttpError
from tanebi.http.pool import Address

FIRST_DELAY_S: Final = 0.002
STEADY_ATTEMPTS: Final = 150  # at FIRST_DELAY_S; then each wait is longer by SLOWER
SLOWER: Final = 1.2
LONGEST_DELAY_S: Final = 0.25
ATTEMPT_TIMEOUT_S: Final = 0.3  # Knative's (reference §3.4)
CONCURRENT_MAX: Final = 64
USER_AGENT: Final = (b"User-Agent", b"Knative-Activator-Probe")


def delay_s(attempt: int) -> float:
    """How long to wait after the attempt number `attempt`, counted from 0."""
    if attempt < STEADY_ATTEMPTS:
        return FIRST_DELAY_S
    return min(FIRST_DELAY_S * SLOWER ** (attempt - STEADY_ATTEMPTS), LONGEST_DELAY_S)


class Prober:
    """Inert until `run`. `probe` may be called before; it never blocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._client = HttpClient(clock)
        self._at_once = asyncio.Semaphore(CONCURRENT_MAX)
        self._asking: dict[tuple[int, Address], Backend] = {}  # one entry for each endpoint at most
        self._tasks: TaskGroup | None = None

    def probe(self, backend: Backend, address: Address) -> None:
        """Ask `address` until it answers or `backend` does not want it any more. Twice is once."""
        if (id(backend), address) in self._asking:
            return
        self._asking[id(backend), address] = backend
        if self._tasks is not None:
            self._tasks.start_soon(self._ask, backend, address)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        async with anyio.create_task_group() as self._tasks:
            for (_, address), backend in self._asking.items():
                self._tasks.start_soon(self._ask, backend, address)
            task_status.started()
            await anyio.sleep_forever()

    async def _ask(self, backend: Backend, address: Address) -> None:
        attempt, began = 0, 0.0
        try:
            while backend.wants_probe(address):
                async with self._at_once:
                    began = self._clock.now()
                    answered = await self.attempt(address, backend.facts.probe)
                if answered:
                    break
                await self._clock.sleep(delay_s(attempt))
                attempt += 1
        finally:
            del self._asking[id(backend), address]
        backend.answered(address, self._clock.now() - began if began else 0.0)

    async def attempt(self, address: Address, spec: ProbeSpec) -> bool:
        """One question. A probe that only the kubelet can run is asked by TCP (a pod it once called ready, now distrusted)."""
        if spec.kind == "http":
            return await self._http(address, spec)
        return await _connects(address)

    async def _http(self, address: Address, spec: ProbeSpec) -> bool:
        host, port = address
        url = (
            f"http://[{host}]:{port}{spec.path}"
            if ":" in host
            else f"http://{host}:{port}{spec.path}"
        )
        headers = (USER_AGENT, *spec.headers, (b"Connection", b"close"))
        try:
            response = await self._client.request(
                "GET", url, headers, timeout_s=ATTEMPT_TIMEOUT_S, response_max=1 << 20
            )
        except HttpError:
            return False
        return 200 <= response.status < 400


async def _connects(address: Address) -> bool:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        made = await ways.socket_to(address[0])
    except OSError:
        return False
    with made or socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        # On this machine the answer is there when the call returns, a no as well as a yes, and the second call tells it: then a
        # question costs 50 us and no turn of the loop.
        told = sock.connect_ex(address)
        if told == errno.EINPROGRESS:
            told = sock.connect_ex(address)
        if told == errno.EALREADY:
            return await _connected(sock, address)
        return told in (0, errno.EISCONN)


async def _connected(sock: socket.socket, address: Address) -> bool:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
            await loop.sock_connect(sock, address)
    except (OSError, TimeoutError):
        return False
    return True

"""A transport with bad days: the same answers, but not always, and not always once.

Wraps any transport. What goes wrong is drawn from a seeded source by `Odds`, or taken from a script, so that a run can
be repeated. For tests of everything that must survive a real network; with `never` it behaves as what it wraps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

import orjson

from tanebi.base.clock import Clock
from tanebi.base.rng import Rng
from tanebi.kube.errors import ApiError, Conflict, Expired, ServiceUnavailable, Unreachable
from tanebi.kube.transport import Request, Response, Stream, Transport

SLOW_S: Final = 0.05


class Fault(Enum):
    """What may happen to a request, to a watch being opened, or to one line of a watch."""

    NONE = "none"
    CONFLICT = "conflict"  # a write is refused with 409, and not carried out
    UNAVAILABLE = "unavailable"  # refused with 503, and not carried out
    LOST_REQUEST = "lost-request"  # never arrives
    LOST_ANSWER = "lost-answer"  # carried out, but the caller only sees a timeout
    SLOW = "slow"
    GONE = "gone"  # a watch is refused with 410
    BREAK = "break"  # the stream breaks before this line
    DROP = "drop"  # the line is never told
    DUPLICATE = "duplicate"  # the line is told twice


WRITE_FAULTS: Final = (
    Fault.CONFLICT,
    Fault.UNAVAILABLE,
    Fault.LOST_REQUEST,
    Fault.LOST_ANSWER,
    Fault.SLOW,
)
READ_FAULTS: Final = (Fault.UNAVAILABLE, Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.SLOW)
OPEN_FAULTS: Final = (Fault.GONE, Fault.UNAVAILABLE, Fault.LOST_REQUEST)
LINE_FAULTS: Final = (Fault.BREAK, Fault.DUPLICATE)

Chooser = Callable[[tuple[Fault, ...]], Fault]


def never(possible: tuple[Fault, ...]) -> Fault:
    """No faults."""
    return Fault.NONE


def scripted(faults: Iterable[Fault]) -> Chooser:
    """These faults in this order, each at the first place where it can happen; then none."""
    rest = list(faults)

    def choose(possible: tuple[Fault, ...]) -> Fault:
        return rest.pop(0) if rest and rest[0] in possible else Fault.NONE

    return choose


@dataclass(slots=True)
class Odds:
    """Each fault alike, altogether `share` of the time, until `heal` is called."""

    rng: Rng
    share: float
    healed: bool = False

    def __call__(self, possible: tuple[Fault, ...]) -> Fault:
        if self.healed or self.rng.random() >= self.share:
            return Fault.NONE
        return self.rng.choice(possible)

    def heal(self) -> None:
        self.healed = True


class FaultyTransport:
    """Implements tanebi.kube.transport.Transport. `line_faults` may add Fault.DROP, which only a relist mends."""

    def __init__(
        self,
        inner: Transport,
        choose: Chooser,
        *,
        clock: Clock,
        line_faults: tuple[Fault, ...] = LINE_FAULTS,
    ) -> None:
        self._inner = inner
        self._choose = choose
        self._clock = clock
        self._line_faults = line_faults
        self.happened: list[Fault] = []

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        fault = self._draw(READ_FAULTS if request.method == "GET" else WRITE_FAULTS)
        await self._before(fault, request)
        if (refusal := _refusal(fault)) is not None:
            return _response(refusal)
        answer = await self._inner.request(request, timeout_s=timeout_s)
        if fault is Fault.LOST_ANSWER:
            raise Unreachable(f"{request.method} {request.path}: the answer is lost")
        return answer

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        fault = self._draw(OPEN_FAULTS)
        await self._before(fault, request)
        if (refusal := _refusal(fault)) is not None:
            answer = _response(refusal)
            yield Stream(answer.status, answer.headers, _once(answer.body))
            return
        async with (
            self._inner.stream(request) as inner,
            aclosing(self._lines(inner, request)) as lines,
        ):
            yield Stream(inner.status, inner.headers, lines)

    async def _lines(self, inner: Stream, request: Request) -> AsyncGenerator[bytes, None]:
        rest = b""
        async for chunk in inner.chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                match self._draw(self._line_faults):
                    case Fault.BREAK:
                        raise Unreachable(f"{request.method} {request.path}: the stream broke")
                    case Fault.DROP:
                        continue
                    case Fault.DUPLICATE:
                        yield line + b"\n" + line + b"\n"
                    case _:
                        yield line + b"\n"
        if rest:
            yield rest

    async def _before(self, fault: Fault, request: Request) -> None:
        if fault is Fault.SLOW:
            await self._clock.sleep(SLOW_S)
        if fault is Fault.LOST_REQUEST:
            raise Unreachable(f"{request.method} {request.path}: no connection")

    def _draw(self, possible: tuple[Fault, ...]) -> Fault:
        fault = self._choose(possible)
        if fault is not Fault.NONE:
            self.happened.append(fault)
        return fault


def _refusal(fault: Fault) -> ApiError | None:
    match fault:
        case Fault.CONFLICT:
            return Conflict("the object has been modified")
        case Fault.UNAVAILABLE:
            return ServiceUnavailable("the server is not ready")
        case Fault.GONE:
            return Expired("too old resource version")
    return None


def _response(error: ApiError) -> Response:
    body = orjson.dumps(error.to_status())
    return Response(error.status, {"content-type": "application/json"}, body)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body

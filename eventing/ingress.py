"""Where events enter: POST /<namespace>/<broker>, answered 202 once the event is on disk (reference/knative-eventing.md §2).

Refusals are plain text that says what is wrong: 400 not an event or no such path, 404 no such broker, 405 another method,
413 more than `body_max` bytes (refused by the gateway), 415 a format we do not read, 503 with Retry-After while the log is
full, failed or not ready yet.
Replies of subscribers enter by the same door (`Intake`). Caller: the gateway (HttpHandler), eventing.dispatcher (Intake).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from eventing.events import ARRIVAL, TTL, TTL_DEFAULT, BadEvent, Event, parse
from eventing.log import EventLog, Name
from eventing.metrics import ACCEPTED, REFUSED
from tanebi.api.meta import Key
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.http.messages import HttpRequest, HttpResponse

EVENT_BYTES_MAX: Final = 10 << 20

_ALLOW: Final = ((b"Allow", b"POST, OPTIONS"),)
_TEXT: Final = ((b"Content-Type", b"text/plain; charset=utf-8"),)
_ACCEPTED: Final = HttpResponse(202)
_WEBHOOK: Final = HttpResponse(
    200, (*_ALLOW, (b"WebHook-Allowed-Origin", b"*"), (b"WebHook-Allowed-Rate", b"*"))
)
_HEALTHY: Final = HttpResponse(200, _TEXT, b"ok\n")


@dataclass(slots=True, eq=False)
class Intake:
    """Stamps events and stores them: the one way into a broker."""

    log: EventLog
    clock: Clock
    # Looking a counter up by its labels costs more than counting.
    _accepted: dict[tuple[str, ...], Counter] = field(default_factory=dict)

    async def accept(self, owner: Name, event: Event) -> None:
        """Return once the event is on disk.

        Raises BadEvent when its hops are used up, Unavailable when it could not be stored, KeyError when the broker is gone.
        """
        attributes = event.attributes
        hops = event.ttl - 1 if TTL in attributes else TTL_DEFAULT
        if hops <= 0:
            raise BadEvent(f"{TTL}: the event has passed brokers too often")
        attributes[TTL] = str(hops)
        attributes[ARRIVAL] = self.clock.wall().isoformat(timespec="microseconds")[:26] + "Z"
        await self.log.append(owner, event)
        accepted = self._accepted.get(owner[:2])
        if accepted is None:
            accepted = self._accepted[owner[:2]] = ACCEPTED.labels(owner.namespace, owner.name)
        accepted.inc()


@dataclass(slots=True, eq=False)
class Ingress:
    """Implements tanebi.http.messages.HttpHandler. `brokers` is kept by eventing.broker; `ready` once it knows them all."""

    intake: Intake
    body_max: int = EVENT_BYTES_MAX
    brokers: dict[Key, Name] = field(default_factory=dict)
    ready: bool = False

    async def handle(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            answer = await self._post(request)
        elif request.method == "OPTIONS":
            return _WEBHOOK
        elif request.method in ("GET", "HEAD") and request.target in ("/", "/healthz"):
            return _HEALTHY
        else:
            answer = _refusal(405, f"{request.method} is not allowed: events come by POST", _ALLOW)
        if answer.status != 202:
            REFUSED.labels(str(answer.status)).inc()
        return answer

    async def _post(self, request: HttpRequest) -> HttpResponse:
        parts = request.target.partition("?")[0].removesuffix("/").split("/")
        if parts == [""]:
            return _refusal(404, "events go to /<namespace>/<broker>")
        if len(parts) != 3 or parts[0] or not parts[1] or not parts[2]:
            return _refusal(400, f"events go to /<namespace>/<broker>, not {request.target}")
        owner = self.brokers.get(Key(parts[1], parts[2]))
        if owner is None:
            if not self.ready:
                return _unavailable("the broker service is starting", 1.0)
            return _refusal(404, f"there is no broker {parts[1]}/{parts[2]}")
        try:
            await self.intake.accept(owner, parse(request.headers, request.body))
        except BadEvent as error:
            return _refusal(error.status, str(error))
        except Unavailable as error:
            return _unavailable(str(error), error.retry_after_s)
        except KeyError:
            return _refusal(404, f"broker {parts[1]}/{parts[2]} was deleted")
        return _ACCEPTED


def _refusal(status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> HttpResponse:
    return HttpResponse(status, (*_TEXT, *headers), f"{text}\n".encode())


def _unavailable(text: str, retry_after_s: float) -> HttpResponse:
    seconds = str(max(math.ceil(retry_after_s), 1)).encode()
    return _refusal(503, text, ((b"Retry-After", seconds),))

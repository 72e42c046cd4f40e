"""One delivery as a machine: what happened, and what to do next.

    subscriber ── 2xx, no event ──────────────► Done
       │        ── 2xx with an event ─────────► Reply (store it, then Done)
       │        ── retriable, retries left ───► Again (subscriber)
       └── otherwise ── dead letter sink? ────► Again (dead letter sink, at once)
                             │    └── none ───► Bury
    dead letter sink ── 2xx ──────────────────► Done
       └── retriable, retries left ───────────► Again (dead letter sink)
       └── otherwise ─────────────────────────► Bury

A failed delivery never disappears: the dead letter sink answers for it or it is kept in the log (Bury). A malformed reply counts
as an answer of 502, as in Knative's default broker; a reply whose hops are used up is not tried again.

Pure. Caller: eventing.dispatcher, which performs what a step says.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventing.events import (
    ERROR_CODE,
    ERROR_DATA,
    ERROR_DEST,
    TTL,
    BadEvent,
    Event,
    is_event,
    parse,
)
from eventing.retry import RetryPolicy, retriable, wait_s
from tanebi.http.errors import HttpError
from tanebi.http.messages import HttpResponse, header

# Characters of base64 in knativeerrordata; what they encode of the body.
ERROR_DATA_MAX: Final = 1024
ERROR_BODY_MAX: Final = ERROR_DATA_MAX * 3 // 4

# What Knative's filter says of an answer that is neither empty nor an event.
MALFORMED_REPLY: Final = 502


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery failed for good. `status` None: no answer came. `body`: the beginning of the answer's."""

    url: str
    status: int | None
    reason: str
    body: bytes = b""

    def extensions(self) -> dict[str, str]:
        """What the dead letter says about it."""
        found = {ERROR_DEST: self.url}
        if self.status is not None:
            found[ERROR_CODE] = str(self.status)
        if self.body:
            found[ERROR_DATA] = base64.b64encode(self.body[:ERROR_BODY_MAX]).decode()
        return found


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a delivery stands: `attempts` have failed at the present target.

    `failure` is set once the event is on its way to the dead letter sink.
    """

    attempts: int = 0
    failure: Failure | None = None


START: Final = Progress()


@dataclass(frozen=True, slots=True)
class Done:
    """Answered for: acknowledge."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Store `event` durably in the broker, then acknowledge."""

    event: Event


@dataclass(frozen=True, slots=True)
class Again:
    """Try in `after_s`, from where `progress` says."""

    progress: Progress
    after_s: float


@dataclass(frozen=True, slots=True)
class Bury:
    """Keep it in the log as a dead letter: nobody takes it."""

    failure: Failure


Step = Done | Reply | Again | Bury

DONE: Final = Done()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a trigger's events go. `dead_letter_url` is empty when there is none."""

    url: str
    dead_letter_url: str
    policy: RetryPolicy


def answered(
    target: Target, progress: Progress, sent: Event, answer: HttpResponse, *, wall: datetime
) -> Step:
    """The peer answered."""
    status, reason = answer.status, f"answered {answer.status}"
    if 200 <= status < 300:
        if progress.failure or status == 202:
            return DONE  # a dead letter sink has no reply, and 202 means "taken", without one
        found = _reply(sent, answer)
        if not isinstance(found, str):
            return found
        status, reason = MALFORMED_REPLY, found
    failure = Failure(_url(target, progress), status, reason, answer.body[:ERROR_BODY_MAX])
    if not retriable(status):
        return _give_up(target, progress, failure)
    retry_after = (header(answer.headers, b"retry-after") or b"").decode("latin-1")
    return _retry(target, progress, failure, retry_after, wall)


def unanswered(target: Target, progress: Progress, error: HttpError, *, wall: datetime) -> Step:
    """No answer, or none that could be used."""
    return _retry(target, progress, Failure(_url(target, progress), None, error.message), "", wall)


def reply_refused(target: Target, status: int, reason: str) -> Step:
    """The broker may not take the reply: the delivery failed, and trying again would not help."""
    return _give_up(target, START, Failure(target.url, status, reason))


def reply_not_stored(target: Target, progress: Progress, reason: str, *, wall: datetime) -> Step:
    """The broker could not store the reply now: the subscriber is asked again."""
    return _retry(target, progress, Failure(target.url, 503, reason), "", wall)


def _reply(sent: Event, answer: HttpResponse) -> Step | str:
    """What a 2xx of the subscriber asks for, or what is wrong with it."""
    if not is_event(answer.headers):
        return "the answer is neither empty nor an event" if answer.body else DONE
    try:
        reply = parse(answer.headers, answer.body)
    except BadEvent as error:
        return f"the reply is malformed: {error}"
    reply.attributes[TTL] = str(sent.ttl)
    return Reply(reply)


def _url(target: Target, progress: Progress) -> str:
    return target.dead_letter_url if progress.failure else target.url


def _retry(
    target: Target, progress: Progress, failure: Failure, retry_after: str, wall: datetime
) -> Step:
    attempts = progress.attempts
    if attempts >= target.policy.retries:
        return _give_up(target, progress, failure)
    after_s = wait_s(
        target.policy, attempts, status=failure.status, retry_after=retry_after, wall=wall
    )
    return Again(Progress(attempts + 1, progress.failure), after_s)


def _give_up(target: Target, progress: Progress, failure: Failure) -> Step:
    """The dead letter names what failed first: the subscriber, not the sink that failed after it."""
    if progress.failure is not None:
        return Bury(progress.failure)
    if target.dead_letter_url:
        return Again(Progress(0, failure), 0.0)
    return Bury(failure)

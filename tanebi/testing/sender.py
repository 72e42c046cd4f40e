"""A Sender that answers from a script, for tests of what sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tanebi.http.messages import Headers, HttpResponse

Answer = HttpResponse | Exception


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it was handed over."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class ScriptedSender:
    """Implements tanebi.http.messages.Sender. `answer(n)` says what the nth request (from 0) meets; None is 202."""

    answer: Callable[[int], Answer | None] = lambda _: None
    sent: list[Sent] = field(default_factory=list)

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        said = {name.decode().lower(): value.decode("latin-1") for name, value in headers}
        self.sent.append(Sent(method, url, said, body))
        answer = self.answer(len(self.sent) - 1)
        if isinstance(answer, Exception):
            raise answer
        return answer or HttpResponse(202)

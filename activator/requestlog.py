"""One line for each request of a revision, when config-observability asks for it.

`RequestLog` fills in the template and hands the lines on in batches: FLUSH_S after the first one, or sooner when there are many.
It exists only while a log is wanted: without it a request pays nothing (activator.logged). A line goes to the pod that had the
request; one that no pod had has no pod. Callers: activator.logged, activator.questions (probes), activator.courier (events).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from activator.backend import Backend
from activator.frames import Line
from serving.api.go_text import canonical, number
from serving.api.request_template import Logged, Template
from tanebi.http.messages import Headers
from tanebi.http.pool import Address
from tanebi.http.sides import ClientStream

FLUSH_S: Final = 0.1
BATCH_CHARS_MAX: Final = 256 * 1024
LINE_CHARS_MAX: Final = 64 * 1024

HandOn = Callable[[Sequence[Line]], None]


class RequestLog:
    """Used from within the loop alone."""

    def __init__(self, template: Template, *, probes: bool, hand_on: HandOn) -> None:
        self.probes = probes
        self._template = template
        self._hand_on = hand_on
        self._lines: list[Line] = []
        self._chars = 0
        self._due: asyncio.TimerHandle | None = None

    def write(self, request: Logged) -> None:
        try:
            text = self._template.render(request)
        except ValueError:  # Knative's own words for what is found only now
            text = (
                f"Invalid request log template: method: {request.method}, response code:"
                f" {request.code}, latency: {number(request.latency_s)}, url: {request.uri}"
            )
        text = text.removesuffix("\n")[:LINE_CHARS_MAX]
        self._lines.append((request.namespace, request.pod_name, text))
        self._chars += len(text)
        if self._chars >= BATCH_CHARS_MAX:
            self.flush()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hand on what waits."""
        due, self._due = self._due, None
        if due is not None:
            due.cancel()
        lines, self._lines, self._chars = self._lines, [], 0
        if lines:
            self._hand_on(lines)


def of_stream(
    request: ClientStream,
    backend: Backend,
    address: Address | None,
    *,
    remote: str,
    code: int,
    size: int,
    latency_s: float,
) -> Logged:
    """A request that came by a socket. `address`: the pod's."""
    return of_parts(
        backend,
        address,
        request.method,
        request.target,
        request.host,
        request.headers,
        proto=request.proto,
        remote=remote,
        length=-1 if request.chunked else request.body_length,
        code=code,
        size=size,
        latency_s=latency_s,
    )


def of_parts(
    backend: Backend,
    address: Address | None,
    method: bytes,
    target: bytes,
    host: bytes,
    headers: Headers,
    *,
    proto: str,
    remote: str,
    length: int,
    code: int,
    size: int,
    latency_s: float,
) -> Logged:
    pod = backend.pods.get(address) if address is not None else None
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(canonical(_text(name)), []).append(_text(value))
    found.pop("Host", None)
    facts = backend.facts
    return Logged(
        method=_text(method),
        uri=_text(target),
        proto=proto,
        host=_text(host),
        remote=remote,
        header=found,
        content_length=length,
        code=code,
        size=size,
        latency_s=latency_s,
        name=backend.key.name,
        namespace=backend.key.namespace,
        service=facts.service,
        configuration=facts.configuration,
        pod_name=pod.facts.pod if pod is not None else "",
        pod_ip=address[0] if pod is not None and address is not None else "",
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

"""`GET …/pods/NAME/log`: PodLogOptions from the query, lines from whoever keeps them.

Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Self

from tanebi.api.logs import LogOptions, LogSource, NoLogs
from tanebi.api.meta import Key, parse_time
from tanebi.kube.errors import BadRequest, NotFound
from tanebi.kube.transport import Response, Stream

TEXT: Final = "text/plain; charset=utf-8"


async def answer(
    source: LogSource | None, key: Key, query: Mapping[str, str], *, now: datetime
) -> Response | Stream:
    """Raises BadRequest, NotFound. Only a followed log is a stream of unknown length; both are sent as they come."""
    options = read_options(query, now=now)
    if source is None:
        raise BadRequest(f"no logs are kept here: {key}")
    try:
        chunks = await source.open(key.namespace, key.name, options)
    except NoLogs as error:
        if error.pod_unknown:
            raise NotFound(error.message, details={"name": key.name, "kind": "pods"}) from error
        raise BadRequest(error.message) from error
    return Stream(200, {"content-type": TEXT}, Bounded(chunks, options.limit_bytes))


class Bounded:
    """At most `limit` bytes of `chunks`; None means all.

    An object and not a generator, so that closing it closes `chunks` even before the first step.
    """

    def __init__(self, chunks: AsyncIterator[bytes], limit: int | None) -> None:
        self._chunks = chunks
        self._left = limit

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        chunk = await anext(self._chunks)
        if self._left is not None:
            chunk = chunk[: self._left]
            self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        """Let go of the source; idempotent."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


def read_options(query: Mapping[str, str], *, now: datetime) -> LogOptions:
    """Raises BadRequest."""
    return LogOptions(
        container=query.get("container", ""),
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        since=_since(query, now),
        tail_lines=_number(query, "tailLines", 0),
        limit_bytes=_number(query, "limitBytes", 1),
    )


def _since(query: Mapping[str, str], now: datetime) -> datetime | None:
    seconds = _number(query, "sinceSeconds", 1)
    if seconds is not None and query.get("sinceTime"):
        raise BadRequest("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if seconds is not None:
        return now - timedelta(seconds=seconds)
    if not query.get("sinceTime"):
        return None
    try:
        return parse_time(query["sinceTime"])
    except ValueError as error:
        raise BadRequest(f"sinceTime: {error}") from error


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0", ""):
        raise BadRequest(f"{name}: not a boolean: {value!r}")
    return value in ("true", "1", "")


def _number(query: Mapping[str, str], name: str, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16) or int(text) < least:
        raise BadRequest(
            f"{name}: Invalid value: {text!r}: must be greater than or equal to {least}"
        )
    return int(text)

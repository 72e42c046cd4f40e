"""A watch's bytes turned into changes, as they come.

Pure: `feed` takes whatever arrived and returns the events that are complete. The resource version to resume from is
remembered, so a caller that lost its stream opens the next one at `position`. Caller: tanebi.kube.client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tanebi.api.meta import Obj
from tanebi.kube.errors import ApiError, from_status

LINE_BYTES_MAX: Final = (
    8 * 1024 * 1024
)  # etcd's limit for an object is 1.5 MB; aggregated objects are larger


@dataclass(frozen=True, slots=True)
class Added:
    obj: Obj


@dataclass(frozen=True, slots=True)
class Modified:
    obj: Obj


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object as it was last, with the resource version of its deletion."""

    obj: Obj


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Nothing changed up to this resource version. `initial_end` ends the list part of a watch-list."""

    resource_version: str
    initial_end: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The server ended the watch. An `Expired` error means: list anew."""

    error: ApiError


WatchEvent = Added | Modified | Deleted | Bookmark | Failed


class BadWatch(Exception):
    """The stream is not a watch: not JSON lines, an unknown type, or a line over the limit. Open a new one."""


class WatchParser:
    """One watch stream. Feed it until it ends; do not use it for a second stream."""

    def __init__(self, *, position: str = "", line_bytes_max: int = LINE_BYTES_MAX) -> None:
        self.position = position
        self._line_bytes_max = line_bytes_max
        self._rest = b""

    def feed(self, data: bytes) -> list[WatchEvent]:
        """Raises BadWatch. Bytes after the last newline are kept for the next call."""
        *lines, rest = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = rest
        longest = max(map(len, lines), default=0)
        if max(longest, len(rest)) > self._line_bytes_max:
            raise BadWatch(f"a watch line is longer than {self._line_bytes_max} bytes")
        return [self._event(line) for line in lines if line.strip()]

    def _event(self, line: bytes) -> WatchEvent:
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise BadWatch(f"a watch line is not JSON: {line[:80]!r}") from error
        if not isinstance(parsed, dict) or not isinstance(parsed.get("object"), dict):
            raise BadWatch(f"a watch line is not an event: {line[:80]!r}")
        return self._typed(parsed.get("type"), parsed["object"])

    def _typed(self, type_: Any, obj: Obj) -> WatchEvent:
        if type_ == "ERROR":
            return Failed(from_status(obj))
        version = _version(obj)
        match type_:
            case "ADDED":
                event: WatchEvent = Added(obj)
            case "MODIFIED":
                event = Modified(obj)
            case "DELETED":
                event = Deleted(obj)
            case "BOOKMARK":
                event = Bookmark(version, _ends_initial(obj))
            case _:
                raise BadWatch(f"unknown watch event type {type_!r}")
        self.position = version or self.position
        return event


def _version(obj: Mapping[str, Any]) -> str:
    return str((obj.get("metadata") or {}).get("resourceVersion") or "")


def _ends_initial(obj: Mapping[str, Any]) -> bool:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return annotations.get("k8s.io/initial-events-end") == "true"

"""The words between an activator and the control process: one JSON object a line, each with its name under "t".

Pure. An activator says hello with its token, its name, where it listens for its peers and what it holds; then it reports load
(`stats`, `poke`), cold starts that are over (`woke`), which Ingresses its table contains (`loaded`), and what it is done with
(`released`, `drained`), and lines of the request log (`lines`). The control process says `welcome` once what the newcomer must
know has been sent, the `share` of each divided revision, which address to `drain` and which to `restore`, and the `requestlog`
that is wanted. docs/reference/activators.md lists them.
Callers: activator.hub, activator.link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from activator.backend import Share
from autoscaler.api.stat import Stat
from autoscaler.api.wake import Wake
from tanebi.api.meta import Key
from tanebi.http.pool import Address

Frame = dict[str, Any]

Line = tuple[str, str, str]
"""Of the request log: namespace, pod or nothing, and text."""

REQUEST_LOG: Final = "requestlog"  # a frame that older activators do not know: hello tells
FRAME_BYTES_MAX: Final = 4 * 1024 * 1024


class BadFrame(Exception):
    """What came is not of this protocol."""


def encode(kind: str, /, **fields: Any) -> bytes:
    return orjson.dumps({"t": kind, **fields}) + b"\n"


class FrameReader:
    """Bytes in, frames out. Holds at most one unfinished frame of FRAME_BYTES_MAX."""

    def __init__(self, limit: int = FRAME_BYTES_MAX) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Raises BadFrame, after the frames before it."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield _decode(line)
        if len(self._rest) > self._limit:
            raise BadFrame(f"a frame is larger than {self._limit} bytes")


def _decode(line: bytes) -> Frame:
    try:
        frame = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadFrame("a frame is not JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
        raise BadFrame("a frame has no name")
    return frame


# --- what the fields hold. Each raises BadFrame for what does not fit. -----------------------------


def key_of(value: Any) -> Key:
    match value:
        case [str(namespace), str(name)]:
            return Key(namespace, name)
    raise BadFrame(f"not a namespace and a name: {value!r:.80}")


def address_of(value: Any) -> Address:
    match value:
        case [str(host), int(port)] if 0 < port < 65536:
            return (host, port)
    raise BadFrame(f"not a host and a port: {value!r:.80}")


def addresses_of(value: Any) -> list[Address]:
    if not isinstance(value, list):
        raise BadFrame("not a list of addresses")
    return [address_of(each) for each in value]


def number_of(value: Any) -> int:
    if not isinstance(value, int):
        raise BadFrame(f"not a number: {value!r:.80}")
    return value


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise BadFrame(f"not a text: {value!r:.80}")
    return value


def wake_frame(wake: Wake) -> bytes:
    moments = (wake.asked_at, wake.route_s, wake.granted_at, wake.probe_s, wake.answered_at)
    return encode("woke", r=list(wake.revision), m=moments)


def wake_of(frame: Frame) -> Wake:
    match frame.get("m"):
        case [*moments] if len(moments) == 5 and all(isinstance(m, (int, float)) for m in moments):
            return Wake(key_of(frame.get("r")), *moments)
    raise BadFrame("not the moments of a cold start")


def stats_frame(stats: Iterable[Stat], now: float) -> bytes:
    """`now` by the sender's clock."""
    return encode("stats", s=[[*s.revision, s.concurrency, s.requests] for s in stats], at=now)


def sent_at(frame: Frame) -> float | None:
    """Of a report; None: the sender does not say, as an activator that is older than this program does not."""
    match frame.get("at"):
        case int() | float() as at if -1e12 < at < 1e12:
            return float(at)
        case None:
            return None
        case other:
            raise BadFrame(f"not a time: {other!r:.80}")


def stats_of(frame: Frame) -> list[Stat]:
    found = []
    for entry in _list(frame.get("s")):
        match entry:
            case [str(namespace), str(name), int() | float() as load, int() | float() as rate]:
                if not (0 <= load < 1e9 and 0 <= rate < 1e9):
                    raise BadFrame("a load out of bounds")
                found.append(Stat(Key(namespace, name), float(load), float(rate)))
            case _:
                raise BadFrame(f"not a report: {entry!r:.80}")
    return found


def share_frame(revision: Key, share: Share) -> bytes:
    return encode(
        "share",
        r=list(revision),
        own=sorted(map(list, share.own)),
        leaving=sorted(map(list, share.leaving)),
        peers=[list(peer) for peer in share.peers],
    )


def share_of(frame: Frame) -> tuple[Key, Share]:
    share = Share(
        frozenset(addresses_of(frame.get("own"))),
        frozenset(addresses_of(frame.get("leaving"))),
        tuple(addresses_of(frame.get("peers"))),
    )
    return key_of(frame.get("r")), share


def holds_of(frame: Frame) -> dict[Key, list[Address]]:
    found = {}
    for entry in _list(frame.get("holds")):
        match entry:
            case [namespace, name, list(addresses)]:
                found[key_of([namespace, name])] = addresses_of(addresses)
            case _:
                raise BadFrame("not a holding")
    return found


def loaded_of(frame: Frame) -> list[tuple[Key, str, int]]:
    found = []
    for entry in _list(frame.get("i")):
        match entry:
            case [namespace, name, str(uid), int(generation)]:
                found.append((key_of([namespace, name]), uid, generation))
            case _:
                raise BadFrame("not an Ingress")
    return found


def lines_frame(lines: Iterable[Line]) -> bytes:
    return encode("lines", l=list(lines))


def lines_of(frame: Frame) -> list[Line]:
    found = []
    for entry in _list(frame.get("l")):
        match entry:
            case [str(namespace), str(pod), str(text)]:
                found.append((namespace, pod, text))
            case _:
                raise BadFrame(f"not a line of a request log: {entry!r:.80}")
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadFrame("not a list")
    return value

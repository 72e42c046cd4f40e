"""The words of exec and attach: protocols, channels, window sizes, and the Status that tells how a command ended. Pure.

A channel is a number in front of each WebSocket message, and a header of each SPDY stream (`streamtype`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:  # the command line comes here too, and models cost it 50 ms
    from tanebi.api.meta import Obj

V1: Final = "channel.k8s.io"  # how it ended is said only when that was badly, and in words
V4: Final = "v4.channel.k8s.io"
V5: Final = "v5.channel.k8s.io"  # a client can end its input
TUNNEL: Final = "SPDY/3.1+portforward.k8s.io"  # SPDY inside of WebSocket messages
PORTS: Final = "portforward.k8s.io"

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
OF_TYPE: Final = {
    "stdin": STDIN,
    "stdout": STDOUT,
    "stderr": STDERR,
    "error": ERROR,
    "resize": RESIZE,
}
SIZE_MAX: Final = 65535


@dataclass(frozen=True, slots=True)
class Piece:
    """What came on a channel. `ended`: no more will."""

    channel: int
    data: bytes
    ended: bool = False


def read_size(data: bytes) -> tuple[int, int] | None:
    """Columns and rows of a terminal, or None when this is no size. Clients send one JSON value a message."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    size = found.get("Width"), found.get("Height")
    match size:
        case (int(columns), int(rows)) if 0 < columns <= SIZE_MAX and 0 < rows <= SIZE_MAX:
            return columns, rows
    return None


def ended(code: int) -> Obj:
    """The Status of a command that ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(why: str) -> Obj:
    """The Status of a command that did not come to its end."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {why}",
        "reason": "InternalError",
        "details": {"causes": [{"message": why}]},
        "code": 500,
    }

"""What one run of the platform hands on to the next when it restarts in place.

A restart is an exec: the same process, with its pid, its terminal and its children, runs the program anew. Listening sockets
stay open through it, so that a client who comes meanwhile waits and is not refused. Caller: tanebi.up.run.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

VARIABLE: Final = "TANEBI_HANDOVER"
RESTART: Final = signal.SIGUSR2  # not SIGHUP: a terminal that closes ends what runs in it


@dataclass(frozen=True, slots=True)
class Handover:
    """Sockets by what they are for, and children by name."""

    sockets: Mapping[str, list[socket.socket]] = field(default_factory=dict)
    children: Mapping[str, int] = field(default_factory=dict)

    def taken(self, name: str) -> list[socket.socket]:
        """The sockets for `name`; none on a first start."""
        return list(self.sockets.get(name, ()))


def receive(env: MutableMapping[str, str]) -> Handover:
    """What an earlier run left. Pods must not see it: it is taken out of `env`."""
    known = json.loads(env.pop(VARIABLE, "{}"))
    sockets = {
        name: [socket.socket(fileno=fd) for fd in fds]
        for name, fds in known.get("sockets", {}).items()
    }
    for each in sockets.values():
        for sock in each:
            sock.set_inheritable(False)
            sock.setblocking(False)
    return Handover(sockets, known.get("children", {}))


def leave(handover: Handover, env: MutableMapping[str, str]) -> None:
    """The opposite: for the program that this process runs next."""
    fds = {name: [sock.fileno() for sock in each] for name, each in handover.sockets.items()}
    for each in handover.sockets.values():
        for sock in each:
            sock.set_inheritable(True)
    env[VARIABLE] = json.dumps({"sockets": fds, "children": dict(handover.children)})


def begin_anew() -> None:
    """As when somebody asks for a restart."""
    signal.raise_signal(RESTART)


def run_anew() -> NoReturn:
    """This very command line again, in this process."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

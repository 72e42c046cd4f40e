"""The processes that serve requests, with the sockets that they inherit.

They are started before anything they need is there: they load their modules while this process builds the API, and go on when
the gate opens. The gate is a pipe; closing this process's end opens it, once and for all who are started later.
Caller: tanebi.up.platform, and tanebi.up.plane for what they serve together.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from activator.inside import can_tell
from tanebi.base.clock import Clock
from tanebi.base.files import write_atomically
from tanebi.base.rng import new_token
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.up.handover import Handover
from tanebi.up.network import doors
from tanebi.up.options import ActivatorOptions, UpOptions, command
from tanebi.up.sockets import listen
from tanebi.up.supervisor import Spec, Supervisor

LOOPBACK: Final = "127.0.0.1"


class Children:
    """The ports are taken at once; no process runs before `start`."""

    def __init__(
        self, options: UpOptions, data: DataDir, clock: Clock, handover: Handover | None = None
    ) -> None:
        handover = handover or Handover()
        self._options = options
        self._data = data
        self.adopted = dict(handover.children)
        self.on_exit: Callable[[str], None] = lambda name: None  # told of each that has ended
        self._handed = False
        count = options.activators
        self.sockets = handover.taken("gateway")
        if len(self.sockets) != max(1, count):
            self.sockets = listen(options.host, options.gateway_port, max(1, count))
        self.inner: dict[str, socket.socket] = {}
        for name in ("hub", "own") if count else ():  # for the activators
            (self.inner[name],) = handover.taken(name) or listen(LOOPBACK, 0, 1)
        self.port: int = self.sockets[0].getsockname()[1]
        self._ways = doors(options, data)
        self._gate: int | None = None
        self._gate_end: int | None = None
        self.supervisor: Supervisor | None = None
        if count:
            self._gate, self._gate_end = os.pipe()
            specs = [self._spec(number, self._gate) for number in range(count)]
            self.supervisor = Supervisor(specs, clock, on_exit=lambda name: self.on_exit(name))

    @property
    def names(self) -> list[str]:
        return [f"activator-{number}" for number in range(len(self.sockets))]

    def token(self) -> str:
        """What they show when they call this process."""
        return ensure_token(self._data.activator_token)

    async def start(self, stages: Stages) -> None:
        """They load, and wait at the gate."""
        if self.supervisor is not None:
            self.token()
            await stages.start(partial(self.supervisor.run, adopt=self.adopted))

    def open_gate(self) -> None:
        """The API is served, and their calls are taken."""
        if self._gate_end is not None:
            os.close(self._gate_end)
            self._gate_end = None

    def release(self) -> None:
        """The sockets outlive this run, and so do the processes."""
        self._handed = True
        if self.supervisor is not None:
            self.supervisor.release()

    @property
    def kept(self) -> Handover:
        """What the next run takes over."""
        sockets = {"gateway": self.sockets, **{name: [sock] for name, sock in self.inner.items()}}
        return Handover(sockets, self.supervisor.pids if self.supervisor is not None else {})

    def close(self) -> None:
        """Let the ports go, unless they were handed over."""
        self.open_gate()
        if self._gate is not None:
            os.close(self._gate)
            self._gate = None
        for sock in () if self._handed else (*self.sockets, *self.inner.values()):
            sock.close()

    def _spec(self, number: int, gate: int) -> Spec:
        name, sock = self.names[number], self.sockets[number]
        options = ActivatorOptions(
            name=name,
            control=self.inner["hub"].getsockname()[:2],
            token_file=self._data.activator_token,
            kubeconfig=self._data.kubeconfig,
            host=self._options.host,
            port=self.port,
            listen_fd=sock.fileno(),
            gate_fd=gate,
            tell_outside=can_tell(self._options.host),
            ways=self._ways,
        )
        return Spec(name, command(options), (sock.fileno(), gate))


def ensure_token(path: Path) -> str:
    """The token of this data directory's activators, made on first use. It is kept, so that those that outlive a restart are
    known.
    """
    try:
        known = path.read_text().strip()
    except FileNotFoundError:
        known = ""
    if not known:
        known = new_token()
        write_atomically(path, known.encode())
    return known

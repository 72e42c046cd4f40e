"""Listening sockets of the gateway, made before anything serves them: who comes early waits, and is refused by nobody.

With several activators each has a socket of its own on the same port (SO_REUSEPORT); the kernel spreads connections over them.
The platform keeps them all open, so that one whose activator has died holds its callers until the next one serves it.
"""

from __future__ import annotations

import socket
from typing import Final

from tanebi.base.errors import UserError

BACKLOG: Final = 2048


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` sockets on one port; 0 is any free one. Raises UserError when the address cannot be had."""
    made: list[socket.socket] = []
    try:
        if count > 1 and port:
            _bound(
                host, port, shared=False
            ).close()  # another platform's sockets would share theirs with us
        for _ in range(count):
            made.append(_bound(host, port, shared=count > 1))
            port = made[0].getsockname()[1]
        for sock in made:
            sock.listen(BACKLOG)
    except OSError as error:
        for sock in made:
            sock.close()
        raise UserError(
            "port-taken",
            f"cannot listen on {host}:{port}",
            hint="another program has the port; choose another one, or 0 for any free one",
        ) from error
    return made


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock

"""TLS in front of HTTP: contexts from key pairs in memory, and handshakes with a deadline and a bound.

A client's protocol is made when its handshake is over; before that there is only a socket, and a bound on how many. ALPN offers
h2 and http/1.1. Callers: tanebi.http.server (handshakes), activator.certificates (contexts).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tanebi.base.clock import Clock
from tanebi.base.log import get_logger

HANDSHAKE_S: Final = 10.0
SHUTDOWN_S: Final = 5.0
HANDSHAKES_MAX: Final = 512  # under way at once; whoever comes then is turned away
RETRY_S: Final = 0.1  # after a socket that could not be accepted
PROTOCOLS: Final = ("h2", "http/1.1")

log = get_logger("http")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its chain, and its private key, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def server_context(pair: KeyPair) -> ssl.SSLContext:
    """TLS 1.2 or later. Raises ValueError when the pair is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(PROTOCOLS)
    # The library loads keys from files only; this one is in memory.
    certificate, key = os.memfd_create("certificate"), os.memfd_create("key")
    try:
        for where, data in ((certificate, pair.certificate), (key, pair.key)):
            os.write(where, data)
        context.load_cert_chain(
            f"/proc/self/fd/{certificate}", f"/proc/self/fd/{key}", _no_password
        )
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            "not a certificate and its private key, in PEM, without a password"
        ) from error
    finally:
        os.close(certificate)
        os.close(key)
    return context


def _no_password() -> str:
    raise ValueError("the key has a password")


class Handshakes:
    """Those of one server, from the socket to the protocol behind them."""

    def __init__(self, context: ssl.SSLContext, clock: Clock) -> None:
        self.under_way = 0
        self._context = context
        self._clock = clock

    async def serve(self, listener: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        """Accept until cancelled. `make`: the protocol of a client whose handshake is over."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError as error:  # no descriptors are left, or the client was quicker
                    log.warning("accept failed", error=str(error))
                    await self._clock.sleep(RETRY_S)
                    continue
                if self.under_way >= HANDSHAKES_MAX:
                    client.close()
                else:
                    self.under_way += 1
                    tasks.create_task(self._shake(client, make))

    async def _shake(self, client: socket.socket, make: Callable[[], asyncio.Protocol]) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                make,
                client,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=SHUTDOWN_S,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            log.debug("handshake failed", why=str(error))
            client.close()
        finally:
            self.under_way -= 1

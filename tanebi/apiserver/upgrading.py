"""uvicorn's HTTP/1.1 connection, which hands a socket over when a request asks to upgrade to a stream of a pod.

uvicorn knows one upgrade, WebSocket, and a class of one's own for its connections: here it is told of SPDY/3.1 too, and of our
own taker instead of ASGI's. Caller: tanebi.apiserver.https.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final, Protocol

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tanebi.apiserver import paths
from tanebi.apiserver.paths import Target
from tanebi.apiserver.streaming.calls import is_streaming
from tanebi.apiserver.streaming.door import UPGRADES, WEBSOCKET, Head
from tanebi.apiserver.streaming.wire import Wire

CERTIFICATE: Final = "peercert"  # key of a scope's state: the client's certificate as ssl shows it


class Taker(Protocol):
    def take(self, head: Head, target: Target, wire: Wire, scope: Any) -> None:
        """The connection is yours: answer on the wire and close it."""


class UpgradingConnection(HttpToolsProtocol):
    """Subclassed by its user, who sets `taker`."""

    taker: ClassVar[Taker]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, CERTIFICATE: transport.get_extra_info("peercert")}

    def _wanted(self) -> tuple[bytes, Target] | None:
        """The upgrade and the stream that the request is for; None: it is an ordinary request."""
        upgrade = self._get_upgrade()
        busy = self.cycle is not None and not self.cycle.response_complete
        if upgrade not in UPGRADES or busy:
            return None
        target = paths.target((httptools.parse_url(self.url).path or b"").decode("latin-1"))
        if target is None or not (is_streaming(target) or _is_log(target, upgrade)):
            return None
        return upgrade, target

    def _should_upgrade(self) -> bool:
        return self._wanted() is not None

    def _unsupported_upgrade_warning(self) -> None:
        """Any other upgrade is ignored, as RFC 9110 §7.8 has it: no cause for a warning."""

    def handle_websocket_upgrade(self) -> None:
        wanted = self._wanted()
        assert wanted is not None, "asked before"
        upgrade, target = wanted
        url = httptools.parse_url(self.url)
        head = Head(
            method=self.scope["method"],
            path=url.path.decode("latin-1"),
            query=url.query or b"",
            headers=tuple(self.headers),
            upgrade=upgrade,
        )
        self.connections.discard(self)
        transport: asyncio.Transport = self.transport
        wire = Wire(transport)
        transport.set_protocol(wire)
        self.taker.take(head, target, wire, self.scope)


def _is_log(target: Target, upgrade: bytes) -> bool:
    return upgrade == WEBSOCKET and target.plural == "pods" and target.subresource == "log"

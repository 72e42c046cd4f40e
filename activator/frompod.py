"""What the pod's side tells an exchange: the answer as it comes, the failure of a connection, the grant of an Upgrade.

See activator.proxy.
"""

from __future__ import annotations

from typing import Final

from activator.carriage import APP_DIED, APP_GARBLED
from activator.fromclient import FromClient
from activator.times import server_timing
from tanebi.http.errors import BadResponse, HttpError
from tanebi.http.exchange import Event, State, on_connection_lost
from tanebi.http.headers import UPGRADING, grants_upgrade

_WAITING: Final = int(State.WAITING)
_STREAMING: Final = int(State.STREAMING)
_DONE: Final = int(State.DONE)
_RESP_HEAD: Final = int(Event.RESP_HEAD)
_RESP_END: Final = int(Event.RESP_END)
_CLIENT_LEFT: Final = int(Event.CLIENT_LEFT)
_LOST: Final = int(Event.LOST)
_SWITCHED: Final = int(Event.SWITCHED)


class FromPod(FromClient):
    """Implements tanebi.http.sides.Answer and Switching, and tanebi.http.tunnel.TunnelOwner."""

    __slots__ = ()

    def on_interim(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._request.send_interim(status, headers)

    def on_head(
        self, status: int, headers: list[tuple[bytes, bytes]], seen: int, raw: bytes | None
    ) -> None:
        self._status = status
        self._answered = self._moved = True
        if self._cold or self._timed:
            self._head_at = self._around.now()
            if self._timed:
                headers, raw = [*headers, (b"Server-Timing", server_timing(self.times))], None
        self._request.send_head(status, headers, seen, raw)
        if self._state == _WAITING and not self._cold:
            self._state = _STREAMING
        else:
            self._feed(_RESP_HEAD)

    def on_body(self, piece: bytes) -> None:
        self._moved = True
        self._request.send_body(piece)

    def on_flush(self) -> None:
        self._request.flush()

    def on_end(self, trailers: list[tuple[bytes, bytes]], *, reusable: bool) -> None:
        request, pod = self._request, self._pod
        assert pod is not None
        request.send_end(trailers)
        if not reusable:
            pod.close()
        if self._state != _STREAMING:
            self._feed(_RESP_END)
            return
        self._state = _DONE
        self._pod = None
        pod.keep()
        self._backend.release(self._target)
        request.finish()
        self._account()

    def on_failed(self, error: HttpError) -> None:
        self.on_flush()
        self._pod = None
        self._refusal = APP_GARBLED if isinstance(error, BadResponse) else APP_DIED
        event = on_connection_lost(
            method=self._request.method,
            reused=self._reused,
            answered=self._answered or isinstance(error, BadResponse),
            body_sent=self._body_sent,
            retried=self._retried,
            processed=error.sent,
        )
        self._retried = True
        self._feed(event)

    def on_sending_paused(self) -> None:
        self._request.hold_body()

    def on_sending_resumed(self) -> None:
        self._request.want_body()

    # --- an Upgrade ----------------------------------------------------------------------------

    def may_switch(self, headers: list[tuple[bytes, bytes]]) -> bool:
        asked = self._request
        return bool(asked.seen & UPGRADING) and grants_upgrade(headers, asked.headers)

    def on_switched(self, headers: list[tuple[bytes, bytes]], rest: bytes) -> None:
        self._status = 101
        self._switch = headers, rest
        self._feed(_SWITCHED)

    def on_tunnel_end(self) -> None:
        self._feed(_RESP_END)

    def on_tunnel_broken(self, *, by_client: bool) -> None:
        self._feed(_CLIENT_LEFT if by_client else _LOST)

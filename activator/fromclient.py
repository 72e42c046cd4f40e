"""What the client's side tells an exchange: its body, its end, its slowness, and the sweep that looks for deadlines.

Slowness is found by the server's sweep (every 0.1 s), which asks each exchange; an exchange has no timer of its own.
The three times of a revision: reference/knative-serving.md §2.1, §3.4. See activator.proxy.
"""

from __future__ import annotations

from typing import Final

from activator.carriage import APP_TIMEOUT, QUEUE_TIMEOUT, Carriage
from tanebi.http.exchange import Event, State

BODY_AHEAD_MAX: Final = 65536  # bytes of a body taken in before its pod is known

# Numbers of states and events: a list is indexed faster by an int than by a member of an enum.
_SENT: Final = int(Event.SENT)
_TIMER: Final = int(Event.TIMER)
_CLIENT_LEFT: Final = int(Event.CLIENT_LEFT)
_TUNNEL: Final = int(State.TUNNEL)
PEER_GRACE_S: Final = 1.0
_WAITING_FOR_POD: Final = (State.HEAD, State.QUEUED, State.CONNECTING)


class FromClient(Carriage):
    """Implements tanebi.http.sides.BodySink."""

    __slots__ = ()

    def on_request_body(self, piece: bytes) -> None:
        pod = self._pod
        if pod is not None and self._ahead is None:
            self._body_sent = True
            pod.send_body(piece)
            return
        if self._ahead is None:
            self._ahead = []
        self._ahead.append(piece)
        self._ahead_bytes += len(piece)
        if self._ahead_bytes > BODY_AHEAD_MAX:
            self._request.hold_body()

    def on_request_end(self) -> None:
        pod = self._pod
        if pod is not None and self._ahead is None:
            pod.send_end(self._request.trailers)
            self._feed(_SENT)

    def on_client_left(self) -> None:
        self._feed(_CLIENT_LEFT)

    def on_client_slow(self) -> None:
        if self._pod is not None:
            self._pod.pause()

    def on_client_ready(self) -> None:
        if self._pod is not None:
            self._pod.resume()

    def on_sweep(self, now: float) -> None:
        """The three timeouts of a revision; 0 switches one off."""
        if self._state == _TUNNEL:
            self._sweep_tunnel(now)
            return
        facts = self._backend.facts
        if self._forwarded:
            now -= PEER_GRACE_S  # it has the same timeouts, and says better which of them it was
        if self._moved:
            self._moved, self._moved_at = False, now
        elapsed = now - self._began
        late = 0 < facts.timeout_s <= elapsed
        if not late and not self._answered:
            late = 0 < facts.response_start_timeout_s <= elapsed
        if not late:
            late = 0 < facts.idle_timeout_s <= now - (self._moved_at or self._began)
        if late:
            self._refusal = QUEUE_TIMEOUT if self._state in _WAITING_FOR_POD else APP_TIMEOUT
            self._feed(_TIMER)

    def _sweep_tunnel(self, now: float) -> None:
        tunnel = self._tunnel
        if tunnel.moved:
            tunnel.moved, self._moved_at = False, now
        total_s, idle_s = self._backend.facts.tunnel_times_s(
            half_closed=tunnel.half_closed, silent=not tunnel.pod.spoke
        )
        if 0 < total_s <= now - self._began or 0 < idle_s <= now - self._moved_at:
            self._feed(_TIMER)

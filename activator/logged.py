"""A proxied request that leaves a line in the request log. See activator.requestlog.

It stands in place of activator.proxy.Exchange while a log is wanted, so that without one no request looks whether there is.
Chosen by activator.gateway.Gateway.log_requests.
"""

from __future__ import annotations

from activator.backend import Backend
from activator.carriage import Surroundings
from activator.proxy import Exchange
from activator.requestlog import of_stream
from tanebi.http.sides import ClientStream


class LoggedExchange(Exchange):
    """The answer's body is counted, and the line written when the exchange is accounted for."""

    __slots__ = ("_log", "_remote", "_size")

    def __init__(
        self,
        request: ClientStream,
        backend: Backend,
        around: Surroundings,
        host: bytes,
        extra: bytes,
        arrived: float,
    ) -> None:
        super().__init__(request, backend, around, host, extra, arrived)
        self._log = around.log
        self._remote = request.connection.came_from
        self._size = 0

    def on_body(self, piece: bytes) -> None:
        self._size += len(piece)
        super().on_body(piece)

    def _account(self) -> None:
        super()._account()
        backend, log = self._backend, self._log
        by_peer = self._forwarded and self._answered  # which has the pod, and logs it
        if log is None or by_peer or not backend.metered:
            return
        refused = self._status and not self._answered and self._status != 101
        target = getattr(self, "_target", None)  # none: it never had a slot
        log.write(
            of_stream(
                self._request,
                backend,
                target.address if target is not None else None,
                remote=self._remote,
                code=self._status,
                size=len(self._refusal_text()) + 1 if refused else self._size,
                latency_s=self._around.now() - self._began,
            )
        )

"""The embedded Kubernetes API server: one function from Request to Response or Stream.

The same `handle` answers controllers in this process (tanebi.kube.embedded) and clients over HTTPS (tanebi.apiserver.https). It
knows kinds only by what they declare. Constructed by tanebi.up; `run` keeps the collectors going.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.kind import AnyKind, ConfigKind, Kinds
from tanebi.api.logs import LogSource
from tanebi.apiserver import paths, status
from tanebi.apiserver.configs import StoreConfigs
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.rest import Rest
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import User
from tanebi.base.clock import Clock
from tanebi.base.errors import Unavailable
from tanebi.base.rng import Rng
from tanebi.kube.errors import ApiError, TooLarge
from tanebi.kube.transport import Request, Response, Stream

BODY_BYTES_MAX: Final = 3 * 1024 * 1024


class ApiServer:
    """`logs` None: there is no kubelet here, and no pod has logs."""

    def __init__(
        self,
        store: Store,
        kinds: Iterable[AnyKind],
        configs: Iterable[ConfigKind[Any]],
        *,
        clock: Clock,
        rng: Rng,
        logs: LogSource | None = None,
    ) -> None:
        self.kinds = Kinds(kinds)
        self.store = store
        self.objects = Objects(store, StoreConfigs(store, configs), clock=clock, rng=rng)
        self._rest = Rest(self.objects)
        self._logs = logs

    async def handle(self, request: Request, user: User) -> Response | Stream:
        """Never raises for what a client or the disk did: every refusal is a Status."""
        try:
            if len(request.body) > BODY_BYTES_MAX:
                raise TooLarge(f"Request entity too large: limit is {BODY_BYTES_MAX}")
            return await self._dispatch(request, user)
        except ApiError as error:
            return status.response(error)
        except Unavailable as error:
            return status.response(status.unavailable(error))

    async def _dispatch(self, request: Request, user: User) -> Response | Stream:
        target = paths.target(request.path)
        if target is not None:
            kind = self.kinds.at(target.group, target.version, target.plural)
            if kind is not None:
                return await self._rest.handle(request, user, kind, target)
        raise status.no_such_path()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Collect what owners and namespaces leave behind, until cancelled."""
        task_status.started()

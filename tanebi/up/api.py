"""The embedded Kubernetes API: its store, its server and its HTTPS door. The ground floor of a platform."""

from __future__ import annotations

from functools import partial
from typing import Final

from tanebi.api.kind import Kinds
from tanebi.api.podstreams import PodStreams
from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.authentication import TOKEN_FILE, read_tokens
from tanebi.apiserver.bootstrap import bootstrap, publish
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.jwt import KeyRing
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import User
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng
from tanebi.base.settings import DataDir
from tanebi.base.stages import Stages
from tanebi.kube.client import Kube
from tanebi.kube.embedded import EmbeddedTransport
from tanebi.kubelet.logs import LogStore
from tanebi.up.handover import Handover
from tanebi.up.kinds import CONFIGS
from tanebi.up.options import UpOptions

ANY: Final = ("0.0.0.0", "::", "localhost")
LOOPBACK: Final = "127.0.0.1"
CONTROLLER: Final = User("system:serviceaccount:kube-system:tanebi", ("system:masters",))


class ApiPart:
    """Inert until `start`."""

    def __init__(
        self,
        options: UpOptions,
        data: DataDir,
        clock: Clock,
        rng: Rng,
        *,
        kinds: Kinds,
        logs: LogStore,
        streams: PodStreams,
        handover: Handover | None = None,
    ) -> None:
        self._handover = handover or Handover()
        self._options = options
        self._data = data
        self._clock = clock
        self._rng = rng
        self._kinds = kinds
        self._logs = logs
        self._streams = streams
        self.url = ""
        self.port = 0

    async def start(self, stages: Stages) -> Kube:
        """A client that calls the server in this process, once the door is open to others."""
        host = self._options.host
        names = pki.ensure(self._data.pki, now=self._clock.wall(), extra_names=(host,))
        store = Store.open(self._data.api_db)
        stages.at_end(store.close)
        server = ApiServer(
            store,
            self._kinds,
            CONFIGS,
            clock=self._clock,
            rng=self._rng,
            logs=self._logs,
            streams=self._streams,
            keys=KeyRing(self._data.pki),
            ca_pem=names.ca_pem.decode(),
            sign=partial(pki.sign_client, self._data.pki),
        )
        await stages.start(server.run)
        kube = Kube(EmbeddedTransport(server, user=CONTROLLER), field_manager="tanebi")
        await bootstrap(server, CONFIGS)
        await self._open_door(stages, server, names)
        return kube

    async def _open_door(self, stages: Stages, server: ApiServer, names: pki.Pki) -> None:
        host = self._options.host
        (self.sock,) = self._handover.taken("api") or [listen(host, self._options.api_port)]
        token = kubeconfig.ensure_token(self._data.pki)
        known = read_tokens(self._data.root / TOKEN_FILE)
        door = HttpsDoor(server, self.sock.dup(), names, token=token, known=known)
        await stages.start(door.run)
        self.port = door.port
        self.url = f"https://{in_url(host)}:{door.port}"
        await publish(server, LOOPBACK if host in ANY else host, door.port)
        kubeconfig.write(self._data.kubeconfig, server=self.url, ca_pem=names.ca_pem, token=token)


def in_url(host: str) -> str:
    """An address as a URL shows it; the unspecified address is reached by loopback from here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host

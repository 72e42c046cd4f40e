"""Tokens of service accounts for the pods that project them, minted by the API (TokenRequest), and again before they end.

They are bound to their pod, so they end with it. What is there is kept here, so a restart of a container asks nobody; whoever
subscribed is told when four fifths of a token's life are over, and asks again then.

Callers: tanebi.kubelet.processpods, tanebi.kubelet.engine.pods (ask), tanebi.kubelet.kubelet (runs it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import orjson

from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, NotFound, Unreachable
from tanebi.kube.transport import Request
from tanebi.kubelet.environment import ConfigError

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
DEFAULT: Final = "default"
LIFE_S: Final = 3600  # where the volume does not say
RENEW_AT: Final = 0.8  # of a token's life
LOOK_S: Final = 20.0  # the shortest life is 600 s, so a fifth of it is six looks
RETRY_S: Final = 30.0
_HEADERS: Final = {"content-type": "application/json", "accept": "application/json"}

Wanted = tuple[str, int]  # audience (empty: the API's own) and seconds
Tokens = Mapping[Wanted, bytes]
NO_TOKENS: Final[Tokens] = MappingProxyType({})

_log = get_logger("tokens")


@dataclass(slots=True)
class _Held:
    token: bytes
    renew_at: float
    ends_at: float


class PodTokens:
    """What each pod has. Inert until `run`."""

    def __init__(self, kube: Kube, clock: Clock) -> None:
        self._kube = kube
        self._clock = clock
        self._held: dict[str, dict[Wanted, _Held]] = {}
        self._due: Callable[[str], None] = lambda pod_uid: None

    def subscribe(self, due: Callable[[str], None]) -> None:
        """`due` is told of each pod whose tokens are to be asked for again."""
        self._due = due

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            now = self._clock.now()
            for uid, tokens in tuple(self._held.items()):
                if any(held.renew_at <= now for held in tokens.values()):
                    self._due(uid)

    async def projected(self, pod: Pod) -> Tokens:
        """What the pod's volumes ask for. Raises ConfigError."""
        wanted = set(wanted_by(pod))
        if not wanted:
            return NO_TOKENS
        tokens = self._held.setdefault(pod.metadata.uid, {})
        return {one: await self._current(pod, one, tokens) for one in wanted}

    def forget(self, pod_uid: str) -> None:
        """The pod has ended."""
        self._held.pop(pod_uid, None)

    async def _current(self, pod: Pod, wanted: Wanted, tokens: dict[Wanted, _Held]) -> bytes:
        held, now = tokens.get(wanted), self._clock.now()
        if held is not None and held.renew_at > now:
            return held.token
        try:
            token, life_s = await self._mint(pod, *wanted)
        except ConfigError as error:
            if held is None or held.ends_at <= now:
                raise
            _log.warning("token not renewed", pod=str(pod.metadata.key), why=str(error))
            held.renew_at = now + RETRY_S
            return held.token
        tokens[wanted] = _Held(token, now + RENEW_AT * life_s, now + life_s)
        return token

    async def _mint(self, pod: Pod, audience: str, seconds: int) -> tuple[bytes, float]:
        """A token, and how long it lives. Raises ConfigError."""
        meta, account = pod.metadata, pod.spec.service_account_name or DEFAULT
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta.name, "uid": meta.uid}
        spec: Obj = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            spec["audiences"] = [audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        namespace, name = quote(meta.namespace, safe=""), quote(account, safe="")
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        try:
            answer = await self._kube.call(Request("POST", path, {}, _HEADERS, orjson.dumps(body)))
        except NotFound as error:
            raise ConfigError(f"token of the service account: {error.message}") from error
        except (ApiError, Unreachable) as error:
            raise ConfigError(f"token of the service account: {error}") from error
        made = orjson.loads(answer.body)
        return str(made["status"]["token"]).encode(), float(made["spec"]["expirationSeconds"])


def wanted_by(pod: Pod) -> Iterable[Wanted]:
    """The tokens that projected volumes ask for."""
    for volume in pod.spec.volumes:
        for source in volume.projected.sources if volume.projected else ():
            if "serviceAccountToken" in source:
                yield wanted_of(source["serviceAccountToken"])


def wanted_of(source: Mapping[str, Any]) -> Wanted:
    return str(source.get("audience") or ""), int(source.get("expirationSeconds") or LIFE_S)

"""Who a pod is to the API: a token of its service account, the authority's certificate, its namespace.

Tokens are asked of the API (TokenRequest) and bound to the pod, so they end with it; their time is a year, as Kubernetes extends
that of clients that never read theirs again. A platform without service accounts has none, and its pods go without.

Callers: tanebi.kubelet.engine.pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, NotFound, Unreachable
from tanebi.kube.transport import Request
from tanebi.kubelet.environment import ConfigError

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT_CA: Final = "kube-root-ca.crt"
DEFAULT: Final = "default"
LIFE_S: Final = 365 * 24 * 3600
SHORT_LIFE_S: Final = 3600

Wanted = tuple[str, int]  # audience (empty: the API's own) and seconds


class PodTokens:
    """Asks for what one pod after the other needs."""

    def __init__(self, kube: Kube, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def mounted(self, pod: Pod) -> dict[str, bytes]:
        """The files at MOUNT_PATH; empty: the pod does not want any, or there are no accounts. Raises ConfigError."""
        ns = pod.metadata.namespace
        if not await self._is_wanted(pod):
            return {}
        token = await self._token(pod, "", LIFE_S)
        if token is None:
            return {}
        authority = self._cache.get(CONFIG_MAP, ns, ROOT_CA)
        files = {"token": token, "namespace": ns.encode()}
        if authority is not None:
            files |= {name: text.encode() for name, text in authority.data.items()}
        return files

    async def projected(self, pod: Pod) -> Mapping[Wanted, bytes]:
        """What the pod's projected volumes ask for. Raises ConfigError."""
        found: dict[Wanted, bytes] = {}
        for wanted in set(wanted_by(pod)):
            token = await self._token(pod, *wanted)
            if token is not None:
                found[wanted] = token
        return found

    async def _is_wanted(self, pod: Pod) -> bool:
        """The pod's word goes before its account's."""
        own = pod.spec.automount_service_account_token
        if own is not None:
            return own
        path = _path(pod)
        try:
            account = await self._call(Request("GET", path))
        except NotFound:
            return True
        return account.get("automountServiceAccountToken") is not False

    async def _token(self, pod: Pod, audience: str, seconds: int) -> bytes | None:
        """None: there is no account `default`, so there are none at all. Raises ConfigError."""
        meta = pod.metadata
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta.name, "uid": meta.uid}
        spec: Obj = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            spec["audiences"] = [audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        headers = {"content-type": "application/json", "accept": "application/json"}
        try:
            path = f"{_path(pod)}/token"
            made = await self._call(Request("POST", path, {}, headers, orjson.dumps(body)))
        except NotFound as error:
            if account_of(pod) == DEFAULT:
                return None
            raise ConfigError(f'serviceaccount "{account_of(pod)}" not found') from error
        return str(made["status"]["token"]).encode()

    async def _call(self, request: Request) -> Obj:
        """Raises NotFound, ConfigError."""
        try:
            answer = await self._kube.call(request)
        except NotFound:
            raise
        except (ApiError, Unreachable) as error:
            raise ConfigError(f"token of the service account: {error}") from error
        found: Obj = orjson.loads(answer.body)
        return found


def account_of(pod: Pod) -> str:
    return pod.spec.service_account_name or DEFAULT


def wanted_by(pod: Pod) -> Iterable[Wanted]:
    """The tokens that projected volumes ask for."""
    for volume in pod.spec.volumes:
        for source in volume.projected.sources if volume.projected else ():
            if "serviceAccountToken" in source:
                yield wanted_of(source["serviceAccountToken"])


def wanted_of(source: Mapping[str, Any]) -> Wanted:
    return str(source.get("audience") or ""), int(source.get("expirationSeconds") or SHORT_LIFE_S)


def _path(pod: Pod) -> str:
    ns, account = quote(pod.metadata.namespace, safe=""), quote(account_of(pod), safe="")
    return f"/api/v1/namespaces/{ns}/serviceaccounts/{account}"

"""Who a new pod is to the API: its service account, and the volume by which its programs learn it.

Source: k8s.io/kubernetes plugin/pkg/admission/serviceaccount. Unlike there the account `default` may still be missing:
each namespace is about to get one. Callers: tanebi.apiserver.server, by way of tanebi.apiserver.objects.
"""

from __future__ import annotations

from typing import Any, Final

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_identity import SERVICE_ACCOUNT
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import status
from tanebi.apiserver.accounts import DEFAULT, ROOT_CA
from tanebi.apiserver.store import Store
from tanebi.base.rng import Rng, name_suffix
from tanebi.kube.errors import Forbidden

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME: Final = "kube-api-access-"
EXPIRATION_S: Final = 3607  # as Kubernetes: an hour, and known from those that people ask for
FILE_MODE: Final = 0o644


class PodAccounts:
    def __init__(self, store: Store, rng: Rng) -> None:
        self._store = store
        self._rng = rng

    def apply(self, kind: AnyKind, key: Key, obj: Obj) -> None:
        """Complete a new pod in place. Raises Forbidden when there is no such account."""
        if kind is not POD:
            return
        spec = obj["spec"]
        account = self._account(key, str(spec.get("serviceAccountName") or DEFAULT))
        if _is_mounted(spec, account):
            self._mount(spec)
        secrets = account.get("imagePullSecrets")
        if secrets and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(one) for one in secrets]

    def _account(self, key: Key, name: str) -> Obj:
        entry = self._store.newest(SERVICE_ACCOUNT.resource, Key(key.namespace, name))
        if entry is not None:
            return entry.obj
        if name == DEFAULT:
            return {}
        raise Forbidden(
            f'pods "{key.name}" is forbidden: error looking up service account {key.namespace}/{name}: '
            f'serviceaccount "{name}" not found',
            details=status.of_kind(POD, key.name),
        )

    def _mount(self, spec: Obj) -> None:
        """In every container that mounts nothing else there."""
        volumes: list[Obj] = spec.get("volumes") or []
        own = [str(v.get("name")) for v in volumes if str(v.get("name")).startswith(VOLUME)]
        name = own[0] if own else f"{VOLUME}{name_suffix(self._rng)}"
        wanted = False
        for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
            mounts: list[Obj] = container.get("volumeMounts") or []
            if all(mount.get("mountPath") != MOUNT_PATH for mount in mounts):
                mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
                container["volumeMounts"] = [*mounts, mount]
                wanted = True
        if wanted and not own:
            spec["volumes"] = [*volumes, volume(name)]


def volume(name: str) -> dict[str, Any]:
    """A token, the authority to trust, and the namespace."""
    certificate = {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": EXPIRATION_S, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": FILE_MODE}}


def _is_mounted(spec: Obj, account: Obj) -> bool:
    """The pod's word goes before its account's."""
    for said in (spec, account):
        own = said.get("automountServiceAccountToken")
        if own is not None:
            return bool(own)
    return True

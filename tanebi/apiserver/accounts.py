"""What each namespace has by itself: a ServiceAccount `default`, and the authority's certificate in a ConfigMap.

Also what Secrets of type kubernetes.io/service-account-token are filled with. Driven by the store's changes. Source:
k8s.io/kubernetes pkg/controller/serviceaccount, pkg/controller/certificates/rootcacertpublisher. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import base64
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds import CONFIG_MAP, NAMESPACE, SECRET
from tanebi.api.core.kinds_identity import SERVICE_ACCOUNT
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.tokens import TokenService
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError

DEFAULT: Final = "default"
ROOT_CA: Final = "kube-root-ca.crt"
TOKEN_TYPE: Final = "kubernetes.io/service-account-token"
ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID: Final = "kubernetes.io/service-account.uid"
RETRY_S: Final = 1.0
_OPTIONS: Final = WriteOptions(field_validation="Ignore")


class AccountKeeper:
    """`ca_pem` empty: there is no authority to tell of."""

    def __init__(self, objects: Objects, tokens: TokenService, *, ca_pem: str = "") -> None:
        self._objects = objects
        self._store = objects.store
        self._tokens = tokens
        self._ca_pem = ca_pem
        self._inbox = Inbox[tuple[str, str]]()  # (namespace, name of a Secret, or empty)
        self._log = get_logger("apiserver.accounts")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        for entry in self._store.list(NAMESPACE.resource):
            self._inbox.put((entry.obj["metadata"]["name"], ""))
        for entry in self._store.list(SECRET.resource):
            self._consider_secret(entry.obj)
        self._store.subscribe(self._seen)
        task_status.started()
        while True:
            for item in await self._inbox.take():
                try:
                    await self._do(*item)
                except Unavailable as error:
                    self._log.warning("not written", ns=item[0], why=error.message)
                    await anyio.sleep(RETRY_S)
                    self._inbox.put(item)
                except ApiError as error:  # its next change brings it here again
                    self._log.debug("not written", ns=item[0], why=error.message)

    def _seen(self, change: Change) -> None:
        if change.resource == NAMESPACE.resource:
            self._inbox.put((change.key.name, ""))
        elif change.resource in (SERVICE_ACCOUNT.resource, CONFIG_MAP.resource):
            if change.key.name in (DEFAULT, ROOT_CA):
                self._inbox.put((change.key.namespace, ""))
        elif change.resource == SECRET.resource:
            entry = self._store.get(SECRET.resource, change.key)
            if entry is not None:
                self._consider_secret(entry.obj)

    def _consider_secret(self, secret: Obj) -> None:
        if secret.get("type") == TOKEN_TYPE and not (secret.get("data") or {}).get("token"):
            meta = secret["metadata"]
            self._inbox.put((meta["namespace"], meta["name"]))

    async def _do(self, namespace: str, secret: str) -> None:
        entry = self._store.newest(NAMESPACE.resource, Key("", namespace))
        if entry is None or entry.obj["metadata"].get("deletionTimestamp"):
            return
        if secret:
            await self._fill(Key(namespace, secret))
            return
        await self._ensure(SERVICE_ACCOUNT, namespace, {"metadata": {"name": DEFAULT}})
        if self._ca_pem:
            content: Obj = {"metadata": {"name": ROOT_CA}, "data": {"ca.crt": self._ca_pem}}
            await self._ensure(CONFIG_MAP, namespace, content)
            await self._restore(Key(namespace, ROOT_CA), content["data"])

    async def _ensure(self, kind: AnyKind, namespace: str, obj: Obj) -> None:
        if self._store.newest(kind.resource, Key(namespace, obj["metadata"]["name"])) is None:
            await self._objects.create(kind, namespace, obj, CONTROLLER, options=_OPTIONS)

    async def _restore(self, key: Key, data: Obj) -> None:
        """Whatever somebody made of the authority's certificate, it is what it is."""
        entry = self._store.newest(CONFIG_MAP.resource, key)
        if entry is not None and entry.obj.get("data") != data:

            def change(obj: Obj) -> Obj:
                return {**obj, "data": data}

            await self._objects.update(CONFIG_MAP, key, change, CONTROLLER, options=_OPTIONS)

    async def _fill(self, key: Key) -> None:
        entry = self._store.newest(SECRET.resource, key)
        if entry is None or self._tokens.keys is None:
            return
        meta = entry.obj["metadata"]
        name = (meta.get("annotations") or {}).get(ACCOUNT_NAME, "")
        account = self._store.newest(SERVICE_ACCOUNT.resource, Key(key.namespace, name))
        if account is None:
            return
        token = self._tokens.lasting(account.obj, entry.obj)
        filled = {"token": token, "namespace": key.namespace, "ca.crt": self._ca_pem}

        def change(secret: Obj) -> Obj:
            data = secret.get("data") or {}
            for field, text in filled.items():
                data[field] = base64.b64encode(text.encode()).decode()
            secret["data"] = data
            secret["metadata"].setdefault("annotations", {})[ACCOUNT_UID] = account.uid
            return secret

        await self._objects.update(SECRET, key, change, CONTROLLER, options=_OPTIONS)

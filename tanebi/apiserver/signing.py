"""The signer of clients' certificates: what is approved for `kubernetes.io/kube-apiserver-client` is signed by our authority.

Requests for other signers are stored, and answered by whoever is one. Source: k8s.io/kubernetes
pkg/controller/certificates/signer. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from tanebi.api.core.kinds_administration import CERTIFICATE_REQUEST
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Change
from tanebi.apiserver.inbox import Inbox
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.user import CONTROLLER
from tanebi.base.errors import Unavailable
from tanebi.base.log import get_logger
from tanebi.kube.errors import ApiError

CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
LIFE: Final = timedelta(days=365)
USAGES: Final = frozenset(("client auth", "digital signature", "key encipherment"))
RETRY_S: Final = 1.0
# (request in PEM, life, now) → certificate in PEM. Raises ValueError with what is wrong with the request.
Sign = Callable[[bytes, timedelta, datetime], bytes]


class Signer:
    """`sign` None: this server has no authority, and signs nothing."""

    def __init__(self, objects: Objects, sign: Sign | None) -> None:
        self._objects = objects
        self._store = objects.store
        self._sign = sign
        self._inbox = Inbox[str]()
        self._log = get_logger("apiserver.signing")

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        for entry in self._store.list(CERTIFICATE_REQUEST.resource):
            self._inbox.put(entry.obj["metadata"]["name"])
        self._store.subscribe(self._seen)
        task_status.started()
        while True:
            for name in await self._inbox.take():
                try:
                    await self._settle(name)
                except (ApiError, Unavailable) as error:
                    self._log.warning("not signed", request=name, error=error.message)
                    await self._objects.clock.sleep(RETRY_S)

    def _seen(self, change: Change) -> None:
        if change.resource == CERTIFICATE_REQUEST.resource and change.type != "DELETED":
            self._inbox.put(change.key.name)

    async def _settle(self, name: str) -> None:
        key = Key("", name)
        entry = self._store.newest(CERTIFICATE_REQUEST.resource, key)
        if entry is None or self._sign is None or not _waits(entry.obj):
            return
        spec, now = entry.obj["spec"], self._objects.clock.wall()
        told: Obj
        try:
            certificate = self._signed(spec, self._sign, now)
        except ValueError as error:
            failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure"}
            told = {"failed": failed | {"message": str(error)}}
        else:
            told = {"certificate": base64.b64encode(certificate).decode()}

        def change(obj: Obj) -> Obj:
            status = obj.setdefault("status", {})
            if "failed" in told:
                status["conditions"] = [*(status.get("conditions") or ()), told["failed"]]
            else:
                status["certificate"] = told["certificate"]
            return obj

        options = WriteOptions(field_validation="Ignore")
        await self._objects.update(
            CERTIFICATE_REQUEST, key, change, CONTROLLER, options=options, subresource="status"
        )

    def _signed(self, spec: Obj, sign: Sign, now: datetime) -> bytes:
        usages = set(spec.get("usages") or ())
        if "client auth" not in usages or not usages <= USAGES:
            raise ValueError(f"usages must contain client auth, and at most {sorted(USAGES)}")
        asked = spec.get("expirationSeconds")
        life = min(LIFE, timedelta(seconds=int(asked))) if asked is not None else LIFE
        return sign(base64.b64decode(spec["request"]), life, now)


def _waits(obj: Obj) -> bool:
    """Approved for this signer, and neither signed nor given up."""
    status = obj.get("status") or {}
    types = [c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"]
    ours = obj["spec"].get("signerName") == CLIENT_SIGNER
    undone = not status.get("certificate") and "Failed" not in types and "Denied" not in types
    return ours and undone and "Approved" in types

"""Certificate → the Secret that it names, for certificates of our own class. Pure; who signs is handed in.

The key pair in the Secret is kept as long as it is good for the names and not near its end; then another takes its place.
Certificates of other classes are somebody else's business (cert-manager's, say).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from serving.api.certificate import CERTIFICATE, Certificate
from serving.api.config_network import CONFIG_NETWORK, DEFAULT_CERTIFICATE_CLASS
from serving.api.names import CERTIFICATE_CLASS, CERTIFICATE_CLASS_OLD
from serving.reconcile.statuses import begin, finish, is_controlled_by
from tanebi.api.conditions import READY, ConditionSet
from tanebi.api.core.kinds import SECRET
from tanebi.api.core.plain import Secret
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference, rfc3339
from tanebi.kube.plan import Plan, Reads, Seen

LIVING: Final = ConditionSet((), READY)
NOT_SERVED: Final = "HTTPSNotServed"
NOT_OWNED: Final = "NotOwned"
TYPE: Final = "kubernetes.io/tls"
_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"
_AUTHORITY: Final = "ca.crt"


@dataclass(frozen=True, slots=True)
class Issued:
    """In PEM, with the authority. `renew_at`: when another one is due."""

    certificate: bytes
    key: bytes
    authority: bytes
    renew_at: datetime
    not_after: datetime


class Issuer(Protocol):
    """An authority of ours."""

    def issue(self, names: Sequence[str], now: datetime) -> Issued: ...

    def recognize(
        self, certificate: bytes, key: bytes, names: Sequence[str], now: datetime
    ) -> Issued | None:
        """None when it is not of this authority, not good for all `names`, or due for another one."""


@dataclass(frozen=True, slots=True)
class CertificateReconciler:
    """Implements tanebi.kube.plan.Reconciler. `issuer` is None where nothing serves https: a certificate would promise it."""

    issuer: Issuer | None
    kind: Kind[Certificate] = CERTIFICATE
    owns: tuple[AnyKind, ...] = (SECRET,)
    reads: tuple[Reads, ...] = ()

    def desired(self, resource: Certificate, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting or not _is_ours(resource, configs):
            return Plan(prune=False)
        meta, spec = resource.metadata, resource.spec
        conditions = begin(resource, resource.status, LIVING, now=now)
        if self.issuer is None:
            text = "nothing serves https here; `tanebi up --tls-port` does"
            conditions.mark_false(READY, NOT_SERVED, text)
            return Plan(status=finish(resource, conditions, {}), prune=False)
        live = seen.get(SECRET, meta.namespace, spec.secret_name)
        if live is not None and not is_controlled_by(live, resource):
            text = f'There is an existing Secret "{spec.secret_name}" that we do not own.'
            conditions.mark_false(READY, NOT_OWNED, text)
            return Plan(status=finish(resource, conditions, {}), prune=False)
        pair = _pair(live)
        names = spec.dns_names
        known = self.issuer.recognize(*pair, names, now) if pair is not None else None
        issued = known or self.issuer.issue(names, now)
        conditions.mark_true(READY)
        return Plan(
            children=(make_secret(resource, issued),),
            status=finish(resource, conditions, {"notAfter": rfc3339(issued.not_after)}),
            requeue_after_s=max(1.0, (issued.renew_at - now).total_seconds()),
        )


def _is_ours(certificate: Certificate, configs: Configs) -> bool:
    annotations = certificate.metadata.annotations
    given = annotations.get(CERTIFICATE_CLASS) or annotations.get(CERTIFICATE_CLASS_OLD)
    return (given or configs.get(CONFIG_NETWORK).certificate_class) == DEFAULT_CERTIFICATE_CLASS


def make_secret(certificate: Certificate, issued: Issued) -> Obj:
    content = {_CERTIFICATE: issued.certificate, _KEY: issued.key, _AUTHORITY: issued.authority}
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": {
            "name": certificate.spec.secret_name,
            "namespace": certificate.metadata.namespace,
            "ownerReferences": [owner_reference(certificate)],
        },
        "type": TYPE,
        "data": {name: base64.b64encode(data).decode() for name, data in content.items()},
    }


def _pair(secret: Secret | None) -> tuple[bytes, bytes] | None:
    data = secret.data if secret is not None else {}
    try:
        return (
            base64.b64decode(data[_CERTIFICATE], validate=True),
            base64.b64decode(data[_KEY], validate=True),
        )
    except (KeyError, binascii.Error):
        return None

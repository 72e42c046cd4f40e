"""Keeps the router in step with the cluster: Ingresses, revisions, Services and their EndpointSlices.

Subscribes to the cache; each change is taken in synchronously, so that a pod's address reaches the prober in the same turn of
the loop in which the watch told it. Objects that do not fit their types are skipped and logged; what was known before stays.
Caller: activator.role.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

from pydantic import ValidationError

from activator.api.ingress import INGRESS, is_ours
from activator.backend import Backend
from activator.certificates import Certificates
from activator.facts import endpoint_facts, revision_facts
from activator.router import Router
from activator.table import Compiled, compile_ingress, merge
from autoscaler.api.private_service import LABEL_SERVICE_NAME, private_service, revision_of_slice
from autoscaler.api.serverlessservice_types import LABEL_SERVICE_TYPE
from serving.api import REVISION
from serving.api.names import GATEWAY_SERVICE, SYSTEM_NAMESPACE
from tanebi.api.core.kinds import ENDPOINT_SLICE, SECRET, SERVICE
from tanebi.api.core.network import EndpointSlice
from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Key, Obj, Resource, annotations_of, key_of, labels_of
from tanebi.base.log import get_logger
from tanebi.http.tls import KeyPair

R = TypeVar("R", bound=Resource)
Change = Callable[[Obj | None, Obj | None], None]

KINDS: Final[tuple[AnyKind, ...]] = (INGRESS, REVISION, ENDPOINT_SLICE, SERVICE)

GATEWAY: Final = Key(
    SYSTEM_NAMESPACE, GATEWAY_SERVICE
)  # it tells where https is served, by whichever process

log = get_logger("gateway")


class Subscribable(Protocol):
    """What of tanebi.kube.cache.Cache is needed here."""

    def subscribe(self, kind: AnyKind, callback: Change) -> None: ...


class Feed:
    """Inert until `subscribe`."""

    def __init__(self, router: Router, certificates: Certificates | None = None) -> None:
        """`certificates` learn of the Secrets that Ingresses name; without them no Secret is looked at."""
        self._router = router
        self._certificates = certificates
        self._pairs: dict[Key, KeyPair] = {}  # of Secrets that hold a certificate
        self._ingresses: dict[Key, Compiled] = {}
        self._slices: dict[Key, dict[str, EndpointSlice]] = {}  # by Service
        self._ports: dict[Key, dict[int, str]] = {}  # of plain Services: number to name

    def subscribe(self, cache: Subscribable) -> None:
        """Take in what is there, and every change from now on."""
        cache.subscribe(REVISION, self.on_revision)
        cache.subscribe(SERVICE, self.on_service)
        cache.subscribe(ENDPOINT_SLICE, self.on_slice)
        cache.subscribe(INGRESS, self.on_ingress)
        if self._certificates is not None:
            cache.subscribe(SECRET, self.on_secret)

    def on_secret(self, old: Obj | None, new: Obj | None) -> None:
        key = _key(old, new)
        pair = _pair(new) if new is not None else None
        if pair == self._pairs.get(key):
            return
        if pair is not None:
            self._pairs[key] = pair
        else:
            del self._pairs[key]
        self._tell_certificates()

    def _tell_certificates(self) -> None:
        if self._certificates is not None:
            wanted = self._router.table.secrets.items()
            found = ((host, self._pairs.get(secret)) for host, secret in wanted)
            self._certificates.set_secrets({host: pair for host, pair in found if pair is not None})

    def _set_table(self) -> None:
        self._router.set_table(merge(self._ingresses.values()))
        self._tell_certificates()

    def on_ingress(self, old: Obj | None, new: Obj | None) -> None:
        key = _key(old, new)
        if new is None or _is_deleting(new) or not is_ours(annotations_of(new)):
            if self._ingresses.pop(key, None) is not None:
                self._set_table()
            return
        known = self._ingresses.get(key)
        if known is not None and _same_generation(known, new):
            return  # its status moved: nothing that concerns routing
        view = _view(INGRESS, new)
        if view is not None:
            self._ingresses[key] = compile_ingress(view)
            self._set_table()

    def on_revision(self, old: Obj | None, new: Obj | None) -> None:
        key = _key(old, new)
        if new is None:
            self._router.remove_revision(key)
            return
        if old is not None and key in self._router.revisions and old.get("spec") == new.get("spec"):
            return
        view = _view(REVISION, new)
        if view is not None:
            backend = self._router.set_revision(key, revision_facts(view))
            self._tell(backend, Key(key.namespace, private_service(key.name)), "")

    def on_service(self, old: Obj | None, new: Obj | None) -> None:
        key = _key(old, new)
        if key == GATEWAY:
            self._router.https_port = _https_port(new) if new is not None else None
        ports = _plain_ports(new) if new is not None else {}
        if ports == self._ports.get(key, {}):
            return
        if ports:
            self._ports[key] = ports
        else:
            del self._ports[key]
        for number, backend in self._router.set_service(key, ports).items():
            self._tell(backend, key, ports[number])

    def on_slice(self, old: Obj | None, new: Obj | None) -> None:
        key = _key(old, new)
        for obj in (old, new):
            if obj is not None:
                service = Key(key.namespace, labels_of(obj).get(LABEL_SERVICE_NAME, ""))
                self._slices.setdefault(service, {}).pop(key.name, None)
        view = _view(ENDPOINT_SLICE, new) if new is not None else None
        if view is not None:
            service = Key(key.namespace, view.metadata.labels.get(LABEL_SERVICE_NAME, ""))
            self._slices[service][key.name] = view
        for obj in (old, new):
            if obj is not None:
                self._tell_service(obj)

    def _tell_service(self, obj: Obj) -> None:
        namespace = key_of(obj).namespace
        service = Key(namespace, labels_of(obj).get(LABEL_SERVICE_NAME, ""))
        revision = revision_of_slice(obj)
        backend = self._router.revisions.get(revision) if revision is not None else None
        if backend is not None:
            self._tell(backend, service, "")
        ports = self._ports.get(service, {})
        for number, plain in self._router.services.get(service, {}).items():
            self._tell(plain, service, ports[number])
        if not self._slices.get(service, True):
            del self._slices[service]

    def _tell(self, backend: Backend, service: Key, port: str) -> None:
        slices: Iterable[EndpointSlice] = self._slices.get(service, {}).values()
        backend.set_endpoints(endpoint_facts(slices, port=port))


def _https_port(gateway: Obj) -> int | None:
    """Where clients outside find https, if anywhere."""
    ports = (gateway.get("spec") or {}).get("ports") or []
    return next((port.get("nodePort") for port in ports if port.get("name") == "https"), None)


def _plain_ports(obj: Obj) -> dict[int, str]:
    """Ports of a Service that selects pods and is nobody's private one: number to name. Others have no endpoints of their
    own.
    """
    if LABEL_SERVICE_TYPE in labels_of(obj):
        return {}
    view = _view(SERVICE, obj)
    if view is None or not view.spec.selector:
        return {}
    return {p.port: p.name for p in view.spec.ports if (p.protocol or "TCP") == "TCP"}


def _pair(secret: Obj) -> KeyPair | None:
    """What a Secret of the type kubernetes.io/tls holds; None for any other."""
    data = secret.get("data") or {}
    try:
        certificate, key = (base64.b64decode(data[name]) for name in ("tls.crt", "tls.key"))
    except (KeyError, TypeError, ValueError):
        return None
    return KeyPair(certificate, key)


def _key(old: Obj | None, new: Obj | None) -> Key:
    obj = new if new is not None else old
    assert obj is not None, "a change of nothing"
    return key_of(obj)


def _is_deleting(obj: Obj) -> bool:
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def _same_generation(known: Compiled, obj: Obj) -> bool:
    meta = obj.get("metadata") or {}
    return (known.uid, known.generation) == (meta.get("uid", ""), meta.get("generation", 0))


def _view(kind: Kind[R], obj: Obj) -> R | None:
    try:
        return kind.view(obj)
    except ValidationError as error:
        log.warning("object skipped", kind=kind.kind, name=str(key_of(obj)), error=str(error))
        return None

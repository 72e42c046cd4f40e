"""DomainMapping → Ingress, and the claim of its host. Pure.

The host belongs to the namespace that a ClusterDomainClaim names. Claims are made by whoever runs the cluster, or here, where
config-network allows it; the first namespace wins. Not here: giving a claim back (domainclaim.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from activator.api.ingress import INGRESS, Ingress, IngressSpec
from serving.api import domainmapping_lifecycle as mark
from serving.api.certificate import CERTIFICATE
from serving.api.config_network import CONFIG_NETWORK, Network
from serving.api.domainclaim import DOMAIN_CLAIM
from serving.api.domainmapping_types import DomainMapping
from serving.api.kinds import DOMAIN_MAPPING
from serving.api.names import CLUSTER_DOMAIN, LABEL_DOMAIN_MAPPING_UID
from serving.api.route_lifecycle import mark_certificate_ready
from serving.reconcile.certificates import certificate_for, certify_one, wants_tls
from serving.reconcile.domainclaim import make_claim
from serving.reconcile.resources.domain_ingresses import ingress_name, make_domain_ingress
from serving.reconcile.statuses import begin, finish, is_controlled_by
from serving.reconcile.strangers import same_name
from tanebi.api.addressable import Unresolved, resolve
from tanebi.api.conditions import READY, Conditions
from tanebi.api.kind import AnyKind, Configs, Kind, Kinds
from tanebi.api.meta import Destination, Key, Obj, key_of
from tanebi.kube.plan import Plan, Reads, Seen


@dataclass(frozen=True, slots=True)
class Backend:
    """The Service of the same namespace that a mapping leads to, and its cluster-local host."""

    service: str
    host: str


class DomainMappingReconciler:
    """Implements tanebi.kube.plan.Reconciler. `addressables`: the kinds that a mapping may refer to."""

    kind: Kind[DomainMapping] = DOMAIN_MAPPING
    owns: tuple[AnyKind, ...] = (INGRESS, DOMAIN_CLAIM, CERTIFICATE)

    def __init__(self, kinds: Kinds, addressables: Sequence[AnyKind]) -> None:
        self._kinds = kinds
        self._addressables = frozenset(addressables)
        self.reads = (
            Reads(DOMAIN_CLAIM, _mappings_of_claim),
            same_name(DOMAIN_MAPPING, INGRESS),
            *(Reads(kind, _Referrers(kind)) for kind in addressables),
        )

    def desired(self, resource: DomainMapping, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        work = _Work(
            resource,
            seen,
            configs.get(CONFIG_NETWORK),
            begin(resource, resource.status, mark.LIVING, now=now),
        )
        if resource.status.observed_generation != resource.metadata.generation:
            mark.mark_ingress_not_configured(work.conditions)
        work.judge_certificate()
        if work.claimed():
            backend = self._resolve(work)
            if backend is not None:
                work.lead_to(backend)
        return Plan(children=tuple(work.children), status=work.status(), prune=False)

    def _resolve(self, work: _Work) -> Backend | None:
        mapping = work.mapping

        def raw(kind: AnyKind, namespace: str, name: str) -> Obj | None:
            return work.seen.raw(kind, namespace, name) if kind in self._addressables else None

        namespace = mapping.metadata.namespace
        found = resolve(
            Destination(ref=mapping.spec.ref), namespace=namespace, kinds=self._kinds, raw=raw
        )
        backend = found if isinstance(found, Unresolved) else backend_of(found.url, namespace)
        if isinstance(backend, Unresolved):
            mark.mark_reference_not_resolved(work.conditions, backend.message)
            return None
        mark.mark_reference_resolved(work.conditions)
        return backend


def backend_of(url: str, namespace: str) -> Backend | Unresolved:
    """Only a whole host inside the cluster, in the mapping's own namespace, can stand behind another host."""
    parts = urlsplit(url)
    if parts.path.removesuffix("/"):
        return Unresolved(f'resolved URI "{url}" contains a path')
    labels = (parts.hostname or "").split(".")
    if len(labels) < 3 or labels[2] != "svc":
        form = f"{{name}}.{{namespace}}.svc.{CLUSTER_DOMAIN}"
        return Unresolved(f'resolved URI "{url}" must be of the form {form}')
    if labels[1] != namespace:
        return Unresolved(f'resolved URI "{url}" must be in same namespace as DomainMapping')
    return Backend(labels[0], ".".join(labels))


@dataclass(slots=True)
class _Work:
    """One run: what is being decided."""

    mapping: DomainMapping
    seen: Seen
    network: Network
    conditions: Conditions
    children: list[Obj] = field(default_factory=list)

    tls: tuple[Obj, ...] = ()
    """Where the certificate is that was made for the host."""

    def judge_certificate(self) -> None:
        if self.mapping.spec.tls is not None:
            mark.mark_certificate_given(self.conditions)
        elif not wants_tls(self.mapping, self.network):
            mark.mark_tls_not_enabled(self.conditions)
        else:
            self._certify()

    def _certify(self) -> None:
        meta = self.mapping.metadata
        mark_certificate_ready(self.conditions)
        wish = certificate_for(
            self.mapping,
            self.network,
            name=ingress_name(meta.name),
            labels={LABEL_DOMAIN_MAPPING_UID: meta.name},
            host=meta.name,
            domain=meta.name,
        )
        found = certify_one(self.mapping, self.network, wish, self.seen, self.conditions)
        self.children += found.certificates
        self.tls = found.tls

    def claimed(self) -> bool:
        """Whether the host is this namespace's; a claim is made where that is allowed."""
        meta = self.mapping.metadata
        claim = self.seen.get(DOMAIN_CLAIM, "", meta.name)
        if claim is None and not self.network.autocreate_claims:
            mark.mark_claim_missing(self.conditions, meta.name)
            return False
        if claim is not None and claim.spec.namespace != meta.namespace:
            mark.mark_domain_already_claimed(self.conditions)
            return False
        if claim is None:
            self.children.append(make_claim(self.mapping))
        mark.mark_domain_claimed(self.conditions)
        return True

    def lead_to(self, backend: Backend) -> None:
        meta = self.mapping.metadata
        wanted = make_domain_ingress(
            self.mapping,
            self.network,
            service=backend.service,
            host=backend.host,
            tls=self.tls,
        )
        live = self.seen.get(INGRESS, meta.namespace, ingress_name(meta.name))
        if live is not None and not is_controlled_by(live, self.mapping):
            mark.mark_ingress_not_owned(self.conditions, live.metadata.name)
            return
        self.children.append(wanted)
        if live is None or not _is_judged(live, wanted):
            mark.mark_ingress_not_configured(self.conditions)
        else:
            mark.mirror_ingress(self.conditions, live.status.condition(READY))

    def status(self) -> Obj:
        secure = self.mapping.spec.tls is not None or bool(self.tls)
        scheme = "https" if secure else "http"
        url = f"{scheme}://{self.mapping.metadata.name}"
        fields = {
            "annotations": self.mapping.status.annotations,
            "url": url,
            "address": {"url": url},
        }
        return finish(self.mapping, self.conditions, fields)


def _is_judged(live: Ingress, wanted: Obj) -> bool:
    """The gateway's word counts only for the very rules that are wanted."""
    known = live.metadata.generation == live.status.observed_generation
    return known and live.spec == IngressSpec.model_validate(wanted["spec"])


def _mappings_of_claim(obj: Obj, seen: Seen) -> Iterable[Key]:
    name = key_of(obj).name
    return [m.key for m in seen.list(DOMAIN_MAPPING, None) if m.metadata.name == name]


@dataclass(frozen=True, slots=True)
class _Referrers:
    """Which mappings refer to a changed object of `kind`."""

    kind: AnyKind

    def __call__(self, obj: Obj, seen: Seen) -> Iterable[Key]:
        namespace, name = key_of(obj)
        return [
            mapping.key
            for mapping in seen.list(DOMAIN_MAPPING, namespace)
            if (ref := mapping.spec.ref).name == name
            and (ref.kind, ref.api_version) == (self.kind.kind, self.kind.api_version)
        ]

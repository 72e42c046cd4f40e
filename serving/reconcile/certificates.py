"""Certificates of hosts outside, of a Route or a DomainMapping: what is asked for, and what follows from the answers. Pure; part
of their plans.

Whoever has the class issues it (serving.reconcile.issuing has ours): the Certificate is marked ready, and the host answers HTTPS
with the Secret that the Certificate names. Until then plain HTTP is served where config-network says so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from serving.api import route_lifecycle as mark
from serving.api.certificate import CERTIFICATE, Certificate
from serving.api.config_network import Network
from serving.api.names import (
    CERTIFICATE_CLASS,
    CERTIFICATE_CLASS_OLD,
    DISABLE_TLS,
    DISABLE_TLS_OLD,
    LABEL_ROUTE,
)
from serving.reconcile.domains import Hosts
from serving.reconcile.resources.meta import inherited
from serving.reconcile.statuses import is_controlled_by
from tanebi.api.conditions import READY, Conditions
from tanebi.api.meta import Obj, Resource, owner_reference
from tanebi.api.names import child_name
from tanebi.kube.plan import Seen

_TRUE: Final = ("true", "enabled")


@dataclass(frozen=True, slots=True)
class Certified:
    """`certificates` are children; `tls` goes into the Ingress; `secure`: tags whose host answers HTTPS."""

    certificates: tuple[Obj, ...] = ()
    tls: tuple[Obj, ...] = ()
    secure: frozenset[str] = frozenset()


def certify(hosts: Hosts, tags: Iterable[str], seen: Seen, conditions: Conditions) -> Certified:
    """Marks CertificateProvisioned; the worst certificate decides."""
    enabled = hosts.network.external_domain_tls
    outside = [tag for tag in sorted(set(tags)) if not hosts.is_local(tag)]
    if not wants_tls(hosts.route, hosts.network) or not outside:
        mark.mark_tls_not_enabled(conditions, cluster_local=enabled and hosts.is_local(""))
        return Certified()
    mark.mark_certificate_ready(conditions)
    made: list[Obj] = []
    tls: list[Obj] = []
    secure: set[str] = set()
    for tag in outside:
        wish = make_certificate(hosts, tag)
        found = certify_one(hosts.route, hosts.network, wish, seen, conditions)
        made += found.certificates
        tls += found.tls
        secure |= {tag for _ in found.tls}
    return Certified(tuple(made), tuple(tls), frozenset(secure))


def wants_tls(owner: Resource, network: Network) -> bool:
    """Its owner may not want what config-network enables."""
    annotations = owner.metadata.annotations
    disabled = annotations.get(DISABLE_TLS) or annotations.get(DISABLE_TLS_OLD) or ""
    return network.external_domain_tls and disabled.lower() not in _TRUE


def certify_one(
    owner: Resource, network: Network, wish: Obj, seen: Seen, conditions: Conditions
) -> Certified:
    """One certificate. Marks CertificateProvisioned unless it is ready; there is `tls` when it is."""
    meta = wish["metadata"]
    live = seen.get(CERTIFICATE, meta["namespace"], meta["name"])
    if live is not None and not is_controlled_by(live, owner):
        mark.mark_certificate_not_owned(conditions, meta["name"])
        return Certified()
    ready = _judge(live, meta["name"], conditions, downgrade=not network.http_redirected)
    return Certified((wish,), (_tls(wish),) if ready else ())


def _judge(live: Certificate | None, name: str, conditions: Conditions, *, downgrade: bool) -> bool:
    """Whether the certificate is there. Without it: HTTP meanwhile, or a route that is not ready."""
    ready = live.status.condition(READY) if live else None
    if ready is not None and ready.status == "True":
        return True
    if downgrade:
        mark.mark_http_downgrade(conditions, name)
    elif ready is not None and ready.status == "False":
        mark.mark_certificate_failed(conditions, name)
    else:
        mark.mark_certificate_not_ready(conditions, name)
    return False


def certificate_name(route_uid: str, tag: str) -> str:
    """`route-<uid>`, for a tag with Adler-32 of it behind."""
    name = child_name("route-", route_uid)
    return f"{name}-{zlib.adler32(tag.encode())}" if tag else name


def make_certificate(hosts: Hosts, tag: str) -> Obj:
    meta = hosts.route.metadata
    return certificate_for(
        hosts.route,
        hosts.network,
        name=certificate_name(meta.uid, tag),
        labels={LABEL_ROUTE: meta.name},
        host=hosts.external(tag),
        domain=hosts.domains.of(meta.labels),
    )


def certificate_for(
    owner: Resource,
    network: Network,
    *,
    name: str,
    labels: Mapping[str, str],
    host: str,
    domain: str,
) -> Obj:
    meta = owner.metadata
    class_ = meta.annotations.get(CERTIFICATE_CLASS) or meta.annotations.get(CERTIFICATE_CLASS_OLD)
    return {
        "apiVersion": CERTIFICATE.api_version,
        "kind": CERTIFICATE.kind,
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": dict(labels),
            "annotations": {
                **inherited(meta.annotations),
                CERTIFICATE_CLASS: class_ or network.certificate_class,
            },
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {"dnsNames": [host], "domain": domain, "secretName": name},
    }


def _tls(certificate: Obj) -> Obj:
    spec = certificate["spec"]
    return {
        "hosts": spec["dnsNames"],
        "secretName": spec["secretName"],
        "secretNamespace": certificate["metadata"]["namespace"],
    }

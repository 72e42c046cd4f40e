"""The Ingress of a DomainMapping: its host leads to the host of what it refers to, and the app sees the user's host."""

from __future__ import annotations

from collections.abc import Sequence

from activator.api.ingress import INGRESS, VISIBILITY_EXTERNAL
from serving.api.config_network import Network
from serving.api.domainmapping_types import DomainMapping
from serving.api.names import (
    HEADER_ORIGINAL_HOST,
    INGRESS_CLASS,
    INGRESS_CLASS_OLD,
    LABEL_DOMAIN_MAPPING_NAMESPACE,
    LABEL_DOMAIN_MAPPING_UID,
)
from serving.reconcile.domains import http_option
from serving.reconcile.resources.meta import inherited
from tanebi.api.meta import Obj, owner_reference
from tanebi.api.names import child_name

HTTP_PORT = 80


def ingress_name(domain: str) -> str:
    return child_name(domain, "")


def make_domain_ingress(
    mapping: DomainMapping, network: Network, *, service: str, host: str, tls: Sequence[Obj] = ()
) -> Obj:
    """`service` of the same namespace stands behind `host`, the cluster-local name to go on with.

    `tls`: the Secret of the mapping's certificate; one that the user named goes first.
    """
    meta = mapping.metadata
    given = meta.annotations.get(INGRESS_CLASS) or meta.annotations.get(INGRESS_CLASS_OLD)
    tls = _tls(mapping) or list(tls)
    return {
        "apiVersion": INGRESS.api_version,
        "kind": INGRESS.kind,
        "metadata": {
            "name": ingress_name(meta.name),
            "namespace": meta.namespace,
            "labels": {
                **meta.labels,
                LABEL_DOMAIN_MAPPING_UID: meta.uid,
                LABEL_DOMAIN_MAPPING_NAMESPACE: meta.namespace,
            },
            "annotations": {
                **inherited(meta.annotations),
                INGRESS_CLASS: given or network.ingress_class,
            },
            "ownerReferences": [owner_reference(mapping)],
        },
        "spec": {
            "httpOption": http_option(meta.annotations, network, tls=bool(tls)),
            **({"tls": tls} if tls else {}),
            "rules": [
                {
                    "hosts": [meta.name],
                    "visibility": VISIBILITY_EXTERNAL,
                    "http": {"paths": [_path(mapping, service, host)]},
                }
            ],
        },
    }


def _path(mapping: DomainMapping, service: str, host: str) -> Obj:
    meta = mapping.metadata
    split = {
        "serviceNamespace": meta.namespace,
        "serviceName": service,
        "servicePort": HTTP_PORT,
        "percent": 100,
        "appendHeaders": {HEADER_ORIGINAL_HOST: meta.name},
    }
    return {"rewriteHost": host, "splits": [split]}


def _tls(mapping: DomainMapping) -> list[Obj]:
    meta, tls = mapping.metadata, mapping.spec.tls
    if tls is None:
        return []
    return [
        {"hosts": [meta.name], "secretName": tls.secret_name, "secretNamespace": meta.namespace}
    ]

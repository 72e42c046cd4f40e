"""The Ingress of a Route: a rule for each host, with the shares of its revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from activator.api.ingress import INGRESS, VISIBILITY_EXTERNAL, VISIBILITY_LOCAL
from serving.api.names import (
    H2C_PORT_NAME,
    HEADER_DEFAULT_ROUTE,
    HEADER_NAMESPACE,
    HEADER_REVISION,
    HEADER_TAG,
    INGRESS_CLASS,
    INGRESS_CLASS_OLD,
    LABEL_ROUTE,
    LABEL_ROUTE_NAMESPACE,
    ROLLOUT_STATE,
)
from serving.reconcile.domains import Hosts, http_option
from serving.reconcile.resources.meta import inherited
from serving.reconcile.targets import Target
from tanebi.api.meta import Obj, owner_reference

HTTP_PORT = 80
H2C_PORT = 81


def make_ingress(
    hosts: Hosts,
    groups: Mapping[str, Sequence[Target]],
    *,
    rollout: str,
    by_tag_header: bool,
    tls: Sequence[Obj] = (),
) -> Obj:
    """`groups`: tag → targets ("" for the default host). `rollout`: its state. `by_tag_header`: tags by header, too.

    `tls`: which Secrets hold certificates of which hosts.
    """
    route = hosts.route
    meta = route.metadata
    ingress_class = meta.annotations.get(INGRESS_CLASS) or meta.annotations.get(INGRESS_CLASS_OLD)
    return {
        "apiVersion": INGRESS.api_version,
        "kind": INGRESS.kind,
        "metadata": {
            "name": meta.name,
            "namespace": meta.namespace,
            "labels": {
                **meta.labels,
                LABEL_ROUTE: meta.name,
                LABEL_ROUTE_NAMESPACE: meta.namespace,
            },
            "annotations": {
                **inherited(meta.annotations),
                INGRESS_CLASS: ingress_class or hosts.network.ingress_class,
                ROLLOUT_STATE: rollout,
            },
            "ownerReferences": [owner_reference(route)],
        },
        "spec": {
            "httpOption": http_option(meta.annotations, hosts.network, tls=bool(tls)),
            **({"tls": list(tls)} if tls else {}),
            "rules": [
                rule
                for tag in sorted(groups)
                for rule in _rules(hosts, tag, groups, by_tag_header=by_tag_header)
            ],
        },
    }


def _rules(
    hosts: Hosts, tag: str, groups: Mapping[str, Sequence[Target]], *, by_tag_header: bool
) -> Iterable[Obj]:
    namespace = hosts.route.metadata.namespace
    paths = [_path(groups[tag], namespace)]
    if by_tag_header and not tag:
        tagged = [_tag_path(name, groups[name], namespace) for name in sorted(groups) if name]
        if tagged:
            paths[0]["appendHeaders"] = {HEADER_DEFAULT_ROUTE: "true"}
        paths = [*tagged, *paths]
    yield _rule(hosts.internal_forms(tag), VISIBILITY_LOCAL, paths)
    if not hosts.is_local(tag):
        yield _rule([hosts.external(tag)], VISIBILITY_EXTERNAL, paths)


def _rule(names: list[str], visibility: str, paths: list[Obj]) -> Obj:
    return {"hosts": names, "visibility": visibility, "http": {"paths": paths}}


def _path(targets: Sequence[Target], namespace: str) -> Obj:
    return {"splits": [_split(t, namespace) for t in targets if t.percent]}


def _tag_path(tag: str, targets: Sequence[Target], namespace: str) -> Obj:
    return {**_path(targets, namespace), "headers": {HEADER_TAG: {"exact": tag}}}


def _split(target: Target, namespace: str) -> Obj:
    return {
        "serviceNamespace": namespace,
        "serviceName": target.revision,
        "servicePort": H2C_PORT if target.protocol == H2C_PORT_NAME else HTTP_PORT,
        "percent": target.percent,
        "appendHeaders": {HEADER_REVISION: target.revision, HEADER_NAMESPACE: namespace},
    }

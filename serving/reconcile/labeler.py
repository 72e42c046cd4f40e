"""Which routes use a configuration and its revisions: label routingState and annotation routes. Pure.

Runs as part of the Configuration's plan: it knows all its revisions, and a deleted route still leads to it.
A revision that no route has ever used stays `pending`; one that a route has left becomes `reserve` and may be collected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from serving.api.configuration_types import Configuration
from serving.api.kinds import CONFIGURATION, REVISION, ROUTE
from serving.api.names import (
    LABEL_CONFIGURATION,
    LABEL_ROUTING_STATE,
    ROUTES,
    ROUTING_ACTIVE,
    ROUTING_RESERVE,
    ROUTING_STATE_MODIFIED,
)
from serving.api.revision_types import Revision
from serving.api.route_types import Route, TrafficTarget
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, ObjectMeta, key_of, rfc3339
from tanebi.kube.plan import Patch, Seen


def configurations_of(obj: Obj, seen: Seen) -> Iterable[Key]:
    """The configurations that a changed or deleted route concerns."""
    namespace, name = key_of(obj)
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    found: set[str] = set()
    for target in (*(spec.get("traffic") or ()), *(status.get("traffic") or ())):
        found.update(_configuration_of(target, namespace, seen))
    for configuration in seen.list(CONFIGURATION, namespace):
        if name in _routes(configuration.metadata):
            found.add(configuration.metadata.name)
    return [Key(namespace, configuration) for configuration in sorted(found)]


def _configuration_of(target: dict[str, Any], namespace: str, seen: Seen) -> Iterator[str]:
    if configuration := target.get("configurationName"):
        yield configuration
    if revision := target.get("revisionName"):
        known = seen.get(REVISION, namespace, revision)
        if known and (owner := known.metadata.labels.get(LABEL_CONFIGURATION)):
            yield owner


def routing_patches(
    configuration: Configuration, revisions: Sequence[Revision], seen: Seen, *, now: datetime
) -> Iterator[Patch]:
    """What to write so that the configuration and each revision name the routes that use them."""
    names = {revision.metadata.name for revision in revisions}
    routes = [
        route
        for route in seen.list(ROUTE, configuration.metadata.namespace)
        if _concerns(route, configuration.metadata.name, names) and not route.deleting
    ]
    users = {r.metadata.name: _users(r, configuration, routes) for r in revisions}
    of_any = {route for used_by in users.values() for route in used_by}
    of_any |= {r.metadata.name for r in routes if _names(r, configuration)}
    for revision in revisions:
        yield from _patch(REVISION, revision.metadata, users[revision.metadata.name], now)
    yield from _patch(CONFIGURATION, configuration.metadata, of_any, now)


def _concerns(route: Route, configuration: str, revisions: set[str]) -> bool:
    """Cheap: every route of the namespace is asked, most lead elsewhere."""
    for target in route.spec.traffic:
        if target.configuration_name == configuration or target.revision_name in revisions:
            return True
    return any(target.revision_name in revisions for target in route.status.traffic)


def _names(route: Route, configuration: Configuration) -> bool:
    wanted = configuration.metadata.name
    return any(target.configuration_name == wanted for target in route.spec.traffic)


def _users(revision: Revision, configuration: Configuration, routes: Iterable[Route]) -> set[str]:
    return {
        route.metadata.name
        for route in routes
        if any(
            _leads_to(target, revision.metadata.name, configuration)
            for target in (*route.spec.traffic, *route.status.traffic)
        )
    }


def _leads_to(target: TrafficTarget, revision: str, configuration: Configuration) -> bool:
    """A target that follows the latest also keeps the newest made, so that the change over is smooth."""
    if target.revision_name:
        return target.revision_name == revision
    if target.configuration_name != configuration.metadata.name:
        return False
    status = configuration.status
    return revision in (status.latest_ready_revision_name, status.latest_created_revision_name)


def _routes(meta: ObjectMeta) -> set[str]:
    return {name for name in meta.annotations.get(ROUTES, "").split(",") if name}


def _patch(kind: AnyKind, meta: ObjectMeta, routes: set[str], now: datetime) -> Iterator[Patch]:
    before = meta.labels.get(LABEL_ROUTING_STATE)
    if not routes and not _routes(meta):
        return
    state = ROUTING_ACTIVE if routes else ROUTING_RESERVE
    if _routes(meta) == routes and before == state:
        return
    annotations: dict[str, str | None] = {ROUTES: ",".join(sorted(routes)) or None}
    if before != state:
        annotations[ROUTING_STATE_MODIFIED] = rfc3339(now)
    body = {"metadata": {"labels": {LABEL_ROUTING_STATE: state}, "annotations": annotations}}
    yield Patch(kind, meta.namespace, meta.name, body)

"""Service → Configuration and Route of the same name; its status is the union of theirs. Pure.

Not here: making revisions (configuration.py) and moving traffic (route.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serving.api import service_lifecycle as mark
from serving.api.configuration_types import Configuration
from serving.api.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.api.names import ROLLOUT_DURATION, ROLLOUT_DURATION_OLD
from serving.api.route_types import Route, TrafficTarget
from serving.api.service_types import Service
from serving.reconcile.byo import name_is_taken
from serving.reconcile.resources.configurations import make_configuration
from serving.reconcile.resources.meta import is_current
from serving.reconcile.resources.routes import make_route
from serving.reconcile.statuses import as_json, begin, finish, is_controlled_by
from serving.reconcile.strangers import same_name
from tanebi.api.conditions import READY, Conditions
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.kube.plan import Patch, Plan, Reads, Seen

_PLATFORM: Final = ("serving.knative.dev/", "tanebi.dev/")
_USERS: Final = (ROLLOUT_DURATION, ROLLOUT_DURATION_OLD)
_UNION: Final = (
    "latestReadyRevisionName",
    "latestCreatedRevisionName",
    "url",
    "address",
    "traffic",
)


def services_naming(obj: Obj, seen: Seen) -> Iterable[Key]:
    """Services whose author chose the name of this revision."""
    namespace, name = key_of(obj)
    # Such a name begins with the Service's (serving.api.revision_validation), so only a few come into question.
    owners = [name[:at] for at, letter in enumerate(name) if letter == "-"]
    services = [seen.get(SERVICE, namespace, owner) for owner in owners if owner]
    return [s.key for s in services if s and s.spec.template.metadata.name == name]


@dataclass(frozen=True, slots=True)
class ServiceReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    kind: Kind[Service] = SERVICE
    owns: tuple[AnyKind, ...] = (CONFIGURATION, ROUTE)
    reads: tuple[Reads, ...] = (
        Reads(REVISION, services_naming),
        same_name(SERVICE, CONFIGURATION),
        same_name(SERVICE, ROUTE),
    )

    def desired(self, resource: Service, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        conditions = begin(resource, resource.status, mark.LIVING, now=now)
        status = {key: value for key, value in as_json(resource.status).items() if key in _UNION}
        children = _children(resource, seen, conditions, status)
        return Plan(
            children=tuple(children),
            status=finish(resource, conditions, status),
            patches=tuple(_removals(children, seen)),
            prune=False,
        )


def _removals(children: Sequence[Obj], seen: Seen) -> Iterator[Patch]:
    """Labels and annotations that the Service does not have any more; the platform's own ones stay."""
    for child in children:
        kind: AnyKind = CONFIGURATION if child["kind"] == CONFIGURATION.kind else ROUTE
        meta = child["metadata"]
        live = seen.raw(kind, meta["namespace"], meta["name"])
        body = {
            name: dict.fromkeys(sorted(gone))
            for name in ("labels", "annotations")
            if (gone := _gone((live or {}).get("metadata", {}).get(name) or {}, meta[name]))
        }
        if body:
            yield Patch(kind, meta["namespace"], meta["name"], {"metadata": body})


def _gone(live: Mapping[str, str], wished: Mapping[str, str]) -> set[str]:
    ours = {key for key in live if key.startswith(_PLATFORM) and key not in _USERS}
    return live.keys() - wished.keys() - ours


def _children(service: Service, seen: Seen, conditions: Conditions, status: Obj) -> list[Obj]:
    """What to write now; the route waits while it could be led to a revision that is not the author's."""
    meta = service.metadata
    configuration = seen.get(CONFIGURATION, meta.namespace, meta.name)
    if configuration is not None and not is_controlled_by(configuration, service):
        mark.mark_configuration_not_owned(conditions, meta.name)
        return []
    children = [make_configuration(service)]
    if not _judge_configuration(service, configuration, conditions, status):
        return children
    if configuration is not None and _name_taken(configuration, seen):
        mark.mark_revision_name_taken(conditions, configuration.spec.template.metadata.name)
        return children
    route = seen.get(ROUTE, meta.namespace, meta.name)
    if route is not None and not is_controlled_by(route, service):
        mark.mark_route_not_owned(conditions, meta.name)
        return children
    _judge_route(service, configuration, route, conditions, status)
    return [*children, make_route(service)]


def _judge_configuration(
    service: Service, configuration: Configuration | None, conditions: Conditions, status: Obj
) -> bool:
    """Whether the route may be written now."""
    if configuration is None or not is_current(
        configuration, service, configuration.status.observed_generation
    ):
        mark.mark_configuration_out_of_date(conditions)
        return not service.spec.template.metadata.name
    found = configuration.status
    status["latestReadyRevisionName"] = found.latest_ready_revision_name
    status["latestCreatedRevisionName"] = found.latest_created_revision_name
    mark.mirror_configuration(conditions, found.condition(READY))
    return True


def _name_taken(configuration: Configuration, seen: Seen) -> bool:
    name = configuration.spec.template.metadata.name
    if not name:
        return False
    revision = seen.get(REVISION, configuration.metadata.namespace, name)
    return revision is not None and name_is_taken(configuration, revision)


def _judge_route(
    service: Service,
    configuration: Configuration | None,
    route: Route | None,
    conditions: Conditions,
    status: Obj,
) -> None:
    if route is None or not is_current(route, service, route.status.observed_generation):
        mark.mark_route_out_of_date(conditions)
        return
    found = route.status
    status["url"] = found.url
    status["address"] = as_json(found.address) if found.address else None
    status["traffic"] = [as_json(target) for target in found.traffic]
    mark.mirror_route(conditions, found.condition(READY))
    if conditions.status(mark.ROUTES_READY) == "True" and not _migrated(configuration, route):
        mark.mark_traffic_not_migrated(conditions)


def _migrated(configuration: Configuration | None, route: Route) -> bool:
    """The route's status shows what its spec asks for, with the newest ready revision as the latest."""
    latest = configuration.status.latest_ready_revision_name if configuration else ""
    want = _shares(route.spec.traffic, latest)
    return want == _shares(route.status.traffic, latest)


def _shares(targets: Sequence[TrafficTarget], latest: str) -> dict[tuple[str, str], int]:
    shares: dict[tuple[str, str], int] = {}
    for target in targets:
        key = (target.tag, target.revision_name or latest)
        shares[key] = shares.get(key, 0) + (target.percent or 0)
    return shares

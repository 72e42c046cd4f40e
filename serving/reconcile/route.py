"""Route → Ingress and placeholder Services; its status names hosts and shares. Pure.

While a target is bad, nothing is written but the status: what was routed stays routed. What a target gets now is said by
`serving.reconcile.rolling`: all that the route asks for, or a part of it during a gradual rollout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from activator.api.ingress import INGRESS, Ingress, IngressSpec
from serving.api import route_lifecycle as mark
from serving.api.certificate import CERTIFICATE
from serving.api.config_features import CONFIG_FEATURES
from serving.api.kinds import CONFIGURATION, REVISION, ROUTE
from serving.api.names import LABEL_CONFIGURATION, LABEL_SERVICE
from serving.api.route_types import Route
from serving.reconcile.certificates import certify
from serving.reconcile.domains import HTTP_PORT, HTTPS_PORT, Hosts, hosts_of
from serving.reconcile.resources.ingresses import make_ingress
from serving.reconcile.resources.placeholders import gateway_of, make_placeholder
from serving.reconcile.rolling import Rolled, roll
from serving.reconcile.statuses import as_json, begin, finish, is_controlled_by
from serving.reconcile.strangers import prefixed, same_name
from serving.reconcile.targets import Target, by_host, mark_bad, resolve
from tanebi.api.conditions import READY, Conditions
from tanebi.api.core.kinds import SERVICE
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of, labels_of
from tanebi.kube.plan import Plan, Reads, Seen


def routes_of_configuration(obj: Obj, seen: Seen) -> Iterable[Key]:
    """Routes that name the configuration."""
    namespace, name = key_of(obj)
    return [
        route.key
        for route in seen.list(ROUTE, namespace)
        if any(target.configuration_name == name for target in route.spec.traffic)
    ]


def routes_of_revision(obj: Obj, seen: Seen) -> Iterable[Key]:
    """Routes that name the revision, or the configuration that it is of."""
    namespace, name = key_of(obj)
    configuration = labels_of(obj).get(LABEL_CONFIGURATION) or None
    return [
        route.key
        for route in seen.list(ROUTE, namespace)
        if any(
            target.revision_name == name or target.configuration_name == configuration
            for target in route.spec.traffic
        )
    ]


@dataclass(frozen=True, slots=True)
class RouteReconciler:
    """Implements tanebi.kube.plan.Reconciler.

    `external_port`, `tls_port`: where the gateway is reached from outside. The port is part of the URL when it is not the
    scheme's own, so that the URL works as printed.
    """

    external_port: int = HTTP_PORT
    tls_port: int = HTTPS_PORT
    kind: Kind[Route] = ROUTE
    owns: tuple[AnyKind, ...] = (INGRESS, SERVICE, CERTIFICATE)
    reads: tuple[Reads, ...] = (
        Reads(CONFIGURATION, routes_of_configuration),
        Reads(REVISION, routes_of_revision),
        same_name(ROUTE, INGRESS),
        prefixed(ROUTE, SERVICE),
    )

    def desired(self, resource: Route, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        conditions = begin(resource, resource.status, mark.LIVING, now=now)
        hosts = hosts_of(
            resource, seen, configs, external_port=self.external_port, tls_port=self.tls_port
        )
        tags = ("", *(target.tag for target in resource.spec.traffic))
        certified = certify(hosts, tags, seen, conditions)
        hosts = replace(hosts, secure=certified.secure)
        targets, bad = resolve(resource, seen)
        if bad is not None:
            mark_bad(conditions, bad, resource.metadata.labels.get(LABEL_SERVICE, ""))
            traffic = [as_json(target) for target in resource.status.traffic]
            return Plan(status=_status(hosts, conditions, traffic), prune=False)
        mark.mark_traffic_assigned(conditions)
        live = seen.get(INGRESS, resource.metadata.namespace, resource.metadata.name)
        groups = by_host(targets)
        rolled = roll(resource, groups, live, seen, network=hosts.network, now=now)
        shown = [each for target in targets for each in rolled.expanded(target)]
        traffic = [_shown(target, hosts) for target in shown]
        if _foreign(hosts, targets, live, seen, conditions):
            return Plan(status=_status(hosts, conditions, traffic), prune=False)
        children = _children(hosts, rolled, live, configs, conditions, tls=certified.tls)
        return Plan(
            children=(*certified.certificates, *children),
            status=_status(hosts, conditions, traffic),
            requeue_after_s=rolled.again_s,
        )


def _children(
    hosts: Hosts,
    rolled: Rolled,
    live: Ingress | None,
    configs: Configs,
    conditions: Conditions,
    *,
    tls: Sequence[Obj],
) -> list[Obj]:
    features = configs.get(CONFIG_FEATURES)
    ingress = make_ingress(
        hosts,
        rolled.groups,
        rollout=rolled.state,
        by_tag_header=features.enabled("tag-header-based-routing"),
        tls=tls,
    )
    _judge_ingress(conditions, live, ingress, rolling=rolled.in_progress)
    gateway = gateway_of(live)
    tags = sorted(rolled.groups)
    placeholders = [make_placeholder(hosts, tag, gateway=gateway) for tag in tags]
    return [*placeholders, ingress]


def _judge_ingress(
    conditions: Conditions, live: Ingress | None, wanted: Obj, *, rolling: bool
) -> None:
    """The gateway's word counts only for the very rules that are wanted."""
    if (
        live is None
        or live.metadata.generation != live.status.observed_generation
        or live.spec != IngressSpec.model_validate(wanted["spec"])
    ):
        mark.mark_ingress_not_configured(conditions)
    else:
        mark.mirror_ingress(conditions, live.status.condition(READY))
        if rolling and live.status.is_true(READY):
            mark.mark_rollout_in_progress(conditions)


def _foreign(
    hosts: Hosts,
    targets: Sequence[Target],
    ingress: Ingress | None,
    seen: Seen,
    conditions: Conditions,
) -> bool:
    """Somebody else's object has a name that we need."""
    meta = hosts.route.metadata
    if ingress is not None and not is_controlled_by(ingress, hosts.route):
        mark.mark_ingress_not_owned(conditions, meta.name)
        return True
    for tag in sorted({"", *(target.tag for target in targets)}):
        service = seen.get(SERVICE, meta.namespace, hosts.service(tag))
        if service is not None and not is_controlled_by(service, hosts.route):
            mark.mark_service_not_owned(conditions, hosts.service(tag))
            return True
    return False


def _shown(target: Target, hosts: Hosts) -> Obj:
    """One entry of status.traffic."""
    entry: Obj = {"latestRevision": target.latest, "revisionName": target.revision}
    if target.percent is not None:
        entry["percent"] = target.percent
    if target.tag:
        entry.update(tag=target.tag, url=hosts.url(target.tag))
    return entry


def _status(hosts: Hosts, conditions: Conditions, traffic: list[Obj]) -> Obj:
    route = hosts.route
    fields = {
        "annotations": route.status.annotations,
        "url": hosts.url(""),
        "address": {"url": f"http://{hosts.internal('')}"},
        "traffic": traffic,
    }
    return finish(route, conditions, fields)

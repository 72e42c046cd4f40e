"""From a route's traffic to revisions: pinned ones by name, floating ones through their Configuration's latest ready. Pure.

A bad new revision never takes traffic: a floating target follows latestReadyRevisionName, and while any target is bad
nothing is changed at all; the route keeps what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from serving.api import route_lifecycle as mark
from serving.api.kinds import CONFIGURATION, REVISION
from serving.api.names import LABEL_CONFIGURATION, LABEL_SERVICE
from serving.api.revision_lifecycle import is_failed, is_ready
from serving.api.revision_types import Revision
from serving.api.route_types import Route, TrafficTarget
from serving.reconcile.resources.deployments import protocol_of
from tanebi.api.conditions import READY, Conditions
from tanebi.kube.plan import Seen


@dataclass(frozen=True, slots=True)
class Target:
    """One share of the traffic, led to a revision. `percent` None was not given and counts as 0."""

    tag: str
    revision: str
    configuration: str
    latest: bool
    percent: int | None
    protocol: str = "http1"


@dataclass(frozen=True, slots=True)
class Bad:
    """A target that cannot be used. `kind` is Configuration or Revision; `owner` the other Service that has the revision."""

    problem: str  # missing | waiting | failed | foreign
    kind: str
    name: str
    owner: str = ""

    @property
    def is_failure(self) -> bool:
        return self.problem != "waiting"


def resolve(route: Route, seen: Seen) -> tuple[list[Target], Bad | None]:
    """All targets in order with equal ones merged, or what is wrong: the last failure, else the first that waits."""
    targets: list[Target] = []
    worst: Bad | None = None
    for wanted in route.spec.traffic:
        found = _resolve(wanted, route, seen)
        if isinstance(found, Bad):
            worst = found if worst is None or found.is_failure else worst
        else:
            targets = _merged(targets, found)
    return targets, worst


def _resolve(wanted: TrafficTarget, route: Route, seen: Seen) -> Target | Bad:
    if wanted.revision_name:
        return _pinned(wanted, route, seen)
    namespace, name = route.metadata.namespace, wanted.configuration_name
    configuration = seen.get(CONFIGURATION, namespace, name)
    if configuration is None:
        return Bad("missing", "Configuration", name)
    latest = configuration.status.latest_ready_revision_name
    if not latest:
        failed = configuration.status.is_false(READY)
        return Bad("failed" if failed else "waiting", "Configuration", name)
    revision = seen.get(REVISION, namespace, latest)
    if revision is None:
        return Bad("missing", "Revision", latest)
    return _target(wanted, revision)


def _pinned(wanted: TrafficTarget, route: Route, seen: Seen) -> Target | Bad:
    name = wanted.revision_name
    revision = seen.get(REVISION, route.metadata.namespace, name)
    if revision is None:
        return Bad("missing", "Revision", name)
    service = route.metadata.labels.get(LABEL_SERVICE, "")
    owner = revision.metadata.labels.get(LABEL_SERVICE, "")
    if service and owner != service:
        return Bad("foreign", "Revision", name, owner)
    if not is_ready(revision):
        return Bad("failed" if is_failed(revision) else "waiting", "Revision", name)
    return _target(wanted, revision)


def _target(wanted: TrafficTarget, revision: Revision) -> Target:
    return Target(
        tag=wanted.tag,
        revision=revision.metadata.name,
        configuration=revision.metadata.labels.get(LABEL_CONFIGURATION, ""),
        latest=bool(wanted.latest_revision),
        percent=wanted.percent,
        protocol=protocol_of(revision),
    )


def _merged(targets: list[Target], new: Target) -> list[Target]:
    for at, known in enumerate(targets):
        if (known.tag, known.revision, known.latest) == (new.tag, new.revision, new.latest):
            total = (known.percent or 0) + (new.percent or 0)
            return [*targets[:at], replace(known, percent=total), *targets[at + 1 :]]
    return [*targets, new]


def by_host(targets: Sequence[Target]) -> dict[str, list[Target]]:
    """Tag → its targets, "" → all of them: what each host leads to, one entry for each revision."""
    groups: dict[str, list[Target]] = {"": []}
    for target in targets:
        groups[""].append(target)
        if target.tag:
            groups.setdefault(target.tag, []).append(target)
    return {tag: consolidate(group) for tag, group in groups.items()}


def consolidate(targets: Iterable[Target]) -> list[Target]:
    """Shares of the same revision added up; a lone revision takes everything."""
    by_revision: dict[str, Target] = {}
    for target in targets:
        known = by_revision.get(target.revision)
        total = (target.percent or 0) + ((known.percent or 0) if known else 0)
        by_revision[target.revision] = replace(known or target, percent=total)
    merged = list(by_revision.values())
    return [replace(merged[0], percent=100)] if len(merged) == 1 else merged


def mark_bad(conditions: Conditions, bad: Bad, service: str) -> None:
    match (bad.problem, bad.kind):
        case ("missing", kind):
            mark.mark_target_missing(conditions, kind, bad.name)
        case ("foreign", _):
            mark.mark_revision_not_owned(conditions, bad.name, service=service, owner=bad.owner)
        case ("failed", "Configuration"):
            mark.mark_configuration_failed(conditions, bad.name)
        case ("failed", _):
            mark.mark_revision_failed(conditions, bad.name)
        case (_, "Configuration"):
            mark.mark_configuration_not_ready(conditions, bad.name)
        case _:
            mark.mark_revision_not_ready(conditions, bad.name)

"""Gradual rollout in a Route: from its Ingress's state to the shares that its hosts have now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from activator.api.ingress import Ingress
from serving import rollout
from serving.api.config_network import Network
from serving.api.kinds import REVISION
from serving.api.names import ROLLOUT_DURATION, ROLLOUT_DURATION_OLD, ROLLOUT_STATE
from serving.api.route_types import Route
from serving.reconcile.resources.deployments import protocol_of
from serving.reconcile.targets import Target
from serving.rollout import NANO, Part, Rollout, Share
from tanebi.api import durations
from tanebi.api.conditions import READY
from tanebi.kube.plan import Seen

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rolled:
    """What the hosts lead to now. `again_s` is when the next step is due."""

    groups: Mapping[str, Sequence[Target]]
    rollout: Rollout
    again_s: float | None

    @property
    def state(self) -> str:
        """For the Ingress's annotation."""
        return rollout.to_json(self.rollout)

    @property
    def in_progress(self) -> bool:
        return not rollout.is_done(self.rollout)

    def expanded(self, target: Target) -> list[Target]:
        """A target of the route as its status shows it: one entry for each revision that has a share of it."""
        shares = self._shares(target) if target.latest else ()
        if len(shares) < 2:
            return [target]
        return [replace(target, revision=s.revision, percent=s.percent) for s in shares]

    def _shares(self, target: Target) -> tuple[Share, ...]:
        """Those of the default host, where the target has the configuration's whole share of it; else those of its tag."""
        for tag in ("", target.tag) if target.percent else (target.tag,):
            for part in self.rollout:
                same = (part.tag, part.configuration) == (tag, target.configuration)
                if same and (tag or part.percent == target.percent):
                    return part.shares
        return ()


def roll(
    route: Route,
    groups: Mapping[str, Sequence[Target]],
    live: Ingress | None,
    seen: Seen,
    *,
    network: Network,
    now: datetime,
) -> Rolled:
    """`groups`: tag → consolidated targets, as the route asks for them."""
    wanted = tuple(_parts(groups))
    duration_s = duration_of(route, network)
    if duration_s <= 0 or live is None:
        return Rolled(groups, wanted, None)
    namespace, now_ns = route.metadata.namespace, (now - _EPOCH) // _MICROSECOND * 1000
    before = rollout.from_json(live.metadata.annotations.get(ROLLOUT_STATE, "")) or ()
    if _follows(live):
        before = rollout.observe_ready(before, now_ns=now_ns, duration_s=duration_s)
    found = rollout.step(wanted, before, now_ns=now_ns)
    found = rollout.without(found, lambda name: seen.get(REVISION, namespace, name) is not None)
    due = rollout.next_step_ns(found)
    again_s = max(0.0, (due - now_ns) / NANO) if due is not None else None
    return Rolled(_spread(groups, found, seen, namespace), found, again_s)


def duration_of(route: Route, network: Network) -> float:
    """Seconds; the route's own annotation goes before config-network. 0: all at once."""
    annotations = route.metadata.annotations
    text = annotations.get(ROLLOUT_DURATION) or annotations.get(ROLLOUT_DURATION_OLD)
    return durations.parse_go(text) if text else network.rollout_duration_s


def _follows(live: Ingress) -> bool:
    """The gateway has the newest rules."""
    return (
        live.metadata.generation == live.status.observed_generation
        and (ready := live.status.condition(READY)) is not None
        and ready.status == "True"
    )


def _parts(groups: Mapping[str, Sequence[Target]]) -> Iterable[Part]:
    for tag in sorted(groups):
        for target in groups[tag]:
            if target.latest and target.percent:
                share = Share(target.revision, target.percent)
                yield Part(target.configuration, tag, target.percent, (share,))


def _spread(
    groups: Mapping[str, Sequence[Target]], found: Rollout, seen: Seen, namespace: str
) -> dict[str, list[Target]]:
    """Each target that follows the latest replaced by the revisions that have its share now."""
    parts = {(part.tag, part.configuration): part for part in found}
    return {
        tag: [
            each
            for target in targets
            for each in _each(target, parts.get((tag, target.configuration)), seen, namespace)
        ]
        for tag, targets in groups.items()
    }


def _each(target: Target, part: Part | None, seen: Seen, namespace: str) -> Iterable[Target]:
    if part is None or part.is_done or not target.latest:
        yield target
        return
    for share in part.shares:
        revision = seen.get(REVISION, namespace, share.revision)
        protocol = protocol_of(revision) if revision is not None else target.protocol
        yield replace(target, revision=share.revision, percent=share.percent, protocol=protocol)

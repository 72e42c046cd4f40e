"""PodAutoscaler: from the last decision to the number of replicas, and what there is to say about it.

Pure (`desired`); the decisions come from a table that the autoscaler fills and that enqueues our key when it changes.
Rules: reference/knative-serving.md §3.3. The number is set through `/scale` of the target, so whatever has that can be scaled.
Engine: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import autoscaler.api.podautoscaler_lifecycle as lifecycle
from autoscaler.activators import activators_wanted
from autoscaler.api.annotations import PROGRESS_DEADLINE, WHY, autoscaler_class
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER, AutoscalerSettings
from autoscaler.api.kinds import POD_AUTOSCALER, SERVERLESS_SERVICE
from autoscaler.api.limits import ACTIVATORS_MIN, HPA, KPA, SCALE_UNKNOWN, UNLIMITED_BURST
from autoscaler.api.metric import METRIC
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.api.private_service import private_service, revision_of_slice
from autoscaler.api.serverlessservice_lifecycle import proxied_for_s
from autoscaler.api.serverlessservice_types import PROXY, SERVE, ServerlessService
from autoscaler.counts import ready_of
from autoscaler.decide import Decision
from autoscaler.reconcile.metric import make_metric
from autoscaler.reconcile.serverlessservice import inherited
from autoscaler.target import (
    resolve_bounds,
    resolve_burst,
    resolve_retention_s,
    resolve_target,
    stable_window_s,
)
from autoscaler.zero import Outcome, Timing, active_mark, pods_to_be_active, settle
from serving.api import CONFIG_DEPLOYMENT
from tanebi.api.conditions import Conditions
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE
from tanebi.api.core.workload import Deployment
from tanebi.api.durations import parse_go
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, controller_of, key_of, owner_reference
from tanebi.kube.plan import Note, Patch, Plan, Reads, Seen

MODE: Final = "tanebi.dev/scaling-mode"
NO_PRIVATE_SERVICE: Final = "No Private Service Name"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the autoscaler says of one revision. `decision` is None until there was data.

    `spare`: burst capacity left, see `decide.Decision`. `since`: from when on the autoscaler has been watching.
    """

    decision: Decision | None
    spare: int
    since: datetime


class Decisions(Protocol):
    def lookup(self, key: Key) -> Standing | None: ...


@dataclass(frozen=True, slots=True)
class _Facts:
    """Everything that one run looks at."""

    pa: PodAutoscaler
    settings: AutoscalerSettings
    standing: Standing | None
    sks: ServerlessService | None
    deployment: Deployment | None
    ready: int
    progress_deadline_s: float
    now: datetime

    @property
    def want(self) -> int:
        decision = self.standing.decision if self.standing else None
        return SCALE_UNKNOWN if decision is None else decision.want


class PodAutoscalerReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    kind: Kind[PodAutoscaler] = POD_AUTOSCALER
    owns: tuple[AnyKind, ...] = (SERVERLESS_SERVICE, METRIC)

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self.reads = (
            Reads(DEPLOYMENT, _pa_of_deployment),
            Reads(ENDPOINT_SLICE, _pa_of_slice),
        )

    def desired(self, resource: PodAutoscaler, seen: Seen, configs: Configs, now: datetime) -> Plan:
        settings = configs.get(CONFIG_AUTOSCALER)
        class_ = autoscaler_class(resource.metadata.annotations, settings)
        if resource.deleting:
            return Plan(prune=False)
        if class_ != KPA:
            return _unsupported(resource, class_, now)
        deadline = configs.get(CONFIG_DEPLOYMENT).progress_deadline_s
        facts = self._look(resource, seen, settings, deadline, now)
        if facts.sks is not None and not _controls(resource, facts.sks):
            return _not_owned(facts)
        if facts.sks is None or not facts.sks.status.private_service_name:
            return _first_pass(facts)
        return _scaled(facts)

    def _look(
        self,
        pa: PodAutoscaler,
        seen: Seen,
        settings: AutoscalerSettings,
        deadline_s: float,
        now: datetime,
    ) -> _Facts:
        namespace, name = pa.key
        return _Facts(
            pa=pa,
            settings=settings,
            standing=self._decisions.lookup(pa.key),
            sks=seen.get(SERVERLESS_SERVICE, namespace, name),
            deployment=seen.get(DEPLOYMENT, namespace, pa.spec.scale_target_ref.name),
            ready=ready_of(seen, namespace, private_service(name)),
            progress_deadline_s=_progress_deadline_s(pa, deadline_s),
            now=now,
        )


# --- which of our keys a change concerns ---
def _pa_of_deployment(obj: Obj, seen: Seen) -> Iterable[Key]:
    owner = controller_of(obj)
    return [Key(key_of(obj).namespace, owner["name"])] if owner else []


def _pa_of_slice(obj: Obj, seen: Seen) -> Iterable[Key]:
    revision = revision_of_slice(obj)
    return [revision] if revision else []


# --- plans ---
def _unsupported(pa: PodAutoscaler, class_: str, now: datetime) -> Plan:
    """Another controller may answer to a foreign class; nobody here answers to Kubernetes' own, and that is said at once."""
    if class_ != HPA:
        return Plan(prune=False)
    conditions = lifecycle.CONDITIONS.manage(pa.status.conditions, now=now)
    text = lifecycle.mark_unsupported(conditions, class_)
    status: Obj = {
        "observedGeneration": pa.metadata.generation,
        "conditions": conditions.dump(),
    }
    return Plan(
        prune=False, status=status, events=(Note("Warning", lifecycle.UNSUPPORTED_CLASS, text),)
    )


def _not_owned(facts: _Facts) -> Plan:
    conditions = _conditions(facts)
    lifecycle.mark_not_owned(conditions, "ServerlessService", facts.pa.metadata.name)
    return Plan(status=_status(facts, conditions, SCALE_UNKNOWN, ""), prune=False)


def _first_pass(facts: _Facts) -> Plan:
    """The Services come first: without them nobody can say how many pods are ready."""
    conditions = _conditions(facts)
    lifecycle.mark_sks_not_ready(conditions, NO_PRIVATE_SERVICE)
    _mark_active(conditions, facts, SCALE_UNKNOWN)
    child = make_sks(facts.pa, mode=PROXY, activators=ACTIVATORS_MIN)
    metric = make_metric(facts.pa, facts.settings)
    return Plan(children=(child, metric), status=_status(facts, conditions, SCALE_UNKNOWN, ""))


def _scaled(facts: _Facts) -> Plan:
    assert facts.sks is not None
    bounds = resolve_bounds(facts.pa, facts.settings)
    outcome = settle(
        facts.want,
        bounds,
        facts.pa.status.phase,
        _timing(facts),
        zero_allowed=facts.settings.enable_scale_to_zero,
    )
    conditions = _conditions(facts)
    if facts.sks.status.is_true("Ready"):
        lifecycle.mark_sks_ready(conditions)
    else:
        unready = facts.sks.status.condition("Ready")
        lifecycle.mark_sks_not_ready(conditions, unready.message if unready else "")
    _mark_active(conditions, facts, outcome.scale)
    service = facts.sks.status.service_name
    return Plan(
        children=(_sks(facts, outcome.scale), make_metric(facts.pa, facts.settings)),
        patches=_scale_patch(facts, outcome),
        status=_status(facts, conditions, outcome.scale, service, why=_why(facts, outcome)),
        requeue_after_s=outcome.again_s,
    )


def _timing(facts: _Facts) -> Timing:
    pa = facts.pa
    age = lifecycle.phase_age_s(pa.status, facts.now)
    if facts.standing is not None and pa.status.phase == "active":
        # After a restart, activity that nobody watched counts for nothing: the pod stays one whole window.
        age = min(age, (facts.now - facts.standing.since).total_seconds())
    return Timing(
        phase_age_s=age,
        proxied_s=proxied_for_s(facts.sks.status, facts.now) if facts.sks else 0.0,
        stable_window_s=stable_window_s(pa.metadata.annotations, facts.settings),
        progress_deadline_s=facts.progress_deadline_s,
        grace_s=facts.settings.scale_to_zero_grace_period_s,
        retention_s=resolve_retention_s(pa, facts.settings),
    )


def _progress_deadline_s(pa: PodAutoscaler, default_s: float) -> float:
    text = pa.metadata.annotations.get(PROGRESS_DEADLINE)
    if text is None:
        return default_s
    try:
        return parse_go(text)
    except ValueError:  # an object older than the rule
        return default_s


def _scale_patch(facts: _Facts, outcome: Outcome) -> tuple[Patch, ...]:
    """`add` and not `replace`: Kubernetes leaves `replicas` out of a Scale when it is 0, and `add` works for both."""
    deployment = facts.deployment
    if not outcome.apply or deployment is None or deployment.deleting:
        return ()
    current = 1 if deployment.spec.replicas is None else deployment.spec.replicas
    if current == outcome.scale:
        return ()
    return (
        Patch(
            DEPLOYMENT,
            deployment.metadata.namespace,
            deployment.metadata.name,
            [{"op": "add", "path": "/spec/replicas", "value": outcome.scale}],
            type="json",
            subresource="scale",
        ),
    )


# --- the ServerlessService ---
def _sks(facts: _Facts, scale: int) -> Obj:
    spare = facts.standing.spare if facts.standing else -1
    _, total = resolve_target(facts.pa, facts.settings)
    activators = activators_wanted(
        ready=facts.ready,
        total=total,
        burst=resolve_burst(facts.pa.metadata.annotations, facts.settings),
        capacity=facts.settings.activator_capacity,
    )
    mode = SERVE if scale > 0 and spare >= 0 else PROXY
    return make_sks(facts.pa, mode=mode, activators=activators)


def make_sks(pa: PodAutoscaler, *, mode: str, activators: int) -> Obj:
    """The ServerlessService of one PodAutoscaler: same name, same labels, same target."""
    ref = pa.spec.scale_target_ref
    return {
        "apiVersion": SERVERLESS_SERVICE.api_version,
        "kind": SERVERLESS_SERVICE.kind,
        "metadata": {
            "name": pa.metadata.name,
            "namespace": pa.metadata.namespace,
            "labels": dict(pa.metadata.labels),
            "annotations": inherited(pa.metadata.annotations),
            "ownerReferences": [owner_reference(pa)],
        },
        "spec": {
            "mode": mode,
            "objectRef": {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name},
            "protocolType": pa.spec.protocol_type,
            "numActivators": activators,
        },
    }


def _controls(pa: PodAutoscaler, sks: ServerlessService) -> bool:
    owner = sks.metadata.controller
    return owner is not None and owner.uid == pa.metadata.uid


# --- the status ---
def _conditions(facts: _Facts) -> Conditions:
    return lifecycle.CONDITIONS.manage(facts.pa.status.conditions, now=facts.now)


def _mark_active(conditions: Conditions, facts: _Facts, scale: int) -> None:
    status = facts.pa.status
    needed = pods_to_be_active(
        resolve_bounds(facts.pa, facts.settings), initialized=status.initialized
    )
    if facts.ready >= needed and facts.sks is not None and facts.sks.status.service_name:
        lifecycle.mark_scale_target_initialized(conditions)
    match active_mark(scale, facts.ready, needed, status.phase):
        case "active":
            lifecycle.mark_active(conditions)
        case "activating":
            lifecycle.mark_activating(conditions)
        case "inactive":
            lifecycle.mark_inactive(conditions)
        case "timed-out":
            lifecycle.mark_timed_out(conditions)
        case None:
            pass


def _why(facts: _Facts, outcome: Outcome) -> str:
    decision = facts.standing.decision if facts.standing else None
    reasons = (outcome.why, *(decision.why if decision else ()))
    return "; ".join(reason for reason in reasons if reason)


def _status(
    facts: _Facts, conditions: Conditions, scale: int, service: str, *, why: str = ""
) -> Obj:
    old = facts.pa.status
    shown = old.desired_scale if scale < 0 and old.desired_scale is not None else scale
    burst = resolve_burst(facts.pa.metadata.annotations, facts.settings)
    scraped = private_service(facts.pa.metadata.name) if burst != UNLIMITED_BURST else ""
    status: Obj = {
        "observedGeneration": facts.pa.metadata.generation,
        "conditions": conditions.dump(),
        "serviceName": service or old.service_name,
        "metricsServiceName": scraped,
        "desiredScale": shown,
        "actualScale": facts.ready,
    }
    annotations = _explained(facts, shown, why)
    if annotations:
        status["annotations"] = annotations
    return status


def _explained(facts: _Facts, shown: int, why: str) -> dict[str, str]:
    """The reason is written when the number or the mode changes, not with every new measurement."""
    old = facts.pa.status
    decision = facts.standing.decision if facts.standing else None
    annotations = dict(old.annotations)
    mode = decision.mode if decision else annotations.get(MODE, "")
    if not why or (
        WHY in annotations and shown == old.desired_scale and mode == annotations.get(MODE)
    ):
        return annotations
    annotations[WHY] = why
    if mode:
        annotations[MODE] = mode
    return annotations

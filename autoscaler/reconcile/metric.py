"""Metric: what the autoscaler measures for one PodAutoscaler, as an object that clients can look at. Pure.

The activator reports every request itself, so that nothing is scraped; a Metric is ready from the start.
Engine: tanebi.kube.engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autoscaler.api.config_autoscaler import AutoscalerSettings
from autoscaler.api.limits import UNLIMITED_BURST
from autoscaler.api.metric import CONDITIONS, METRIC, NANO, Metric, mark_measured
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.api.private_service import private_service
from autoscaler.reconcile.serverlessservice import inherited
from autoscaler.target import resolve_burst, resolve_measure
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference
from tanebi.kube.plan import Plan, Reads, Seen


def make_metric(pa: PodAutoscaler, settings: AutoscalerSettings) -> Obj:
    """Same name, labels and annotations. The panic window is its share of the stable one, in whole seconds, at least one."""
    measure = resolve_measure(pa, settings)
    panic_s = max(1, int(measure.stable_s * measure.panic_percent / 100 + 0.5))
    burst = resolve_burst(pa.metadata.annotations, settings)
    return {
        "apiVersion": METRIC.api_version,
        "kind": METRIC.kind,
        "metadata": {
            "name": pa.metadata.name,
            "namespace": pa.metadata.namespace,
            "labels": dict(pa.metadata.labels),
            "annotations": inherited(pa.metadata.annotations),
            "ownerReferences": [owner_reference(pa)],
        },
        "spec": {
            "stableWindow": measure.stable_s * NANO,
            "panicWindow": panic_s * NANO,
            "scrapeTarget": "" if burst == UNLIMITED_BURST else private_service(pa.metadata.name),
        },
    }


@dataclass(frozen=True, slots=True)
class MetricReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    kind: Kind[Metric] = METRIC
    owns: tuple[AnyKind, ...] = ()
    reads: tuple[Reads, ...] = ()

    def desired(self, resource: Metric, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        conditions = CONDITIONS.manage(resource.status.conditions, now=now)
        mark_measured(conditions)
        status: Obj = {
            "observedGeneration": resource.metadata.generation,
            "conditions": conditions.dump(),
        }
        return Plan(status=status)

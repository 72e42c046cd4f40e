"""Ingress status: ready once the gateway's table contains this generation.

Pure but for one fact, the table, which the feed keeps in step with the same cache the engine reads. The feed takes a change in
before any reconciler sees it, so `Wait` is the exception.
Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from activator.api.ingress import (
    CONDITIONS,
    INGRESS,
    LOAD_BALANCER_READY,
    NETWORK_CONFIGURED,
    Ingress,
    is_ours,
)
from serving.api.names import GATEWAY_HOST
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj
from tanebi.kube.plan import Plan, Reads, Seen, Wait

NOT_LOADED_RETRY_S: Final = 0.05


class IngressReconciler:
    """Implements tanebi.kube.plan.Reconciler. `holds` tells whether an Ingress's generation is in effect, with every
    activator.
    """

    kind: Kind[Ingress] = INGRESS
    owns: tuple[AnyKind, ...] = ()
    reads: tuple[Reads, ...] = ()

    def __init__(self, holds: Callable[[Ingress], bool]) -> None:
        self._holds = holds

    def desired(self, resource: Ingress, seen: Seen, configs: Configs, now: datetime) -> Plan:
        """Nothing for an Ingress that is somebody else's. Raises Wait while the gateway has not taken this generation in."""
        if resource.deleting or not is_ours(resource.metadata.annotations):
            return Plan()
        if not self._holds(resource):
            raise Wait("the gateway has not loaded this yet", retry_after_s=NOT_LOADED_RETRY_S)
        return Plan(status=ready_status(resource, now))


def ready_status(ingress: Ingress, now: datetime) -> Obj:
    """Everything is configured; both load balancers are the one gateway."""
    conditions = CONDITIONS.manage(ingress.status.conditions, now=now)
    conditions.mark_true(NETWORK_CONFIGURED)
    conditions.mark_true(LOAD_BALANCER_READY)
    balancer: Obj = {"ingress": [{"domainInternal": GATEWAY_HOST}]}
    return {
        "observedGeneration": ingress.metadata.generation,
        "conditions": conditions.dump(),
        "publicLoadBalancer": balancer,
        "privateLoadBalancer": balancer,
    }

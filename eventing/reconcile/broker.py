"""A broker's status: its address, and where its dead letters go. Brokers of other classes are left alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from eventing.api import broker_lifecycle as lifecycle
from eventing.api.broker_types import Broker
from eventing.api.config_features import FEATURES
from eventing.api.kinds import BROKER
from eventing.api.names import broker_url
from eventing.reconcile.references import addressable_kinds, reads, ref_of, resolvable
from tanebi.api.addressable import Unresolved, resolve
from tanebi.api.conditions import Conditions
from tanebi.api.kind import AnyKind, Configs, Kind, Kinds
from tanebi.api.meta import KReference, Obj
from tanebi.kube.plan import Plan, Reads, Seen


class BrokerReconciler:
    """Implements tanebi.kube.plan.Reconciler. `kinds`: everything that the platform knows."""

    kind: Kind[Broker] = BROKER
    owns: tuple[AnyKind, ...] = ()

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._addressable = addressable_kinds(kinds)
        self.reads: tuple[Reads, ...] = tuple(
            reads(kind, BROKER, _references) for kind in self._addressable if kind is not BROKER
        )

    def desired(self, resource: Broker, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if not resource.ours:
            return Plan(prune=False)
        conditions = lifecycle.begin(resource, now)
        lifecycle.mark_serving(conditions)
        mode = configs.get(FEATURES).flags["default-authorization-mode"]
        lifecycle.mark_policies(conditions, mode)
        address = {"name": "http", "url": broker_url(*resource.key)}
        status: Obj = {
            "observedGeneration": resource.metadata.generation,
            "address": address,
            **self._dead_letter_sink(resource, seen, conditions),
        }
        return Plan(status={**status, "conditions": conditions.dump()}, prune=False)

    def _dead_letter_sink(self, broker: Broker, seen: Seen, conditions: Conditions) -> Obj:
        delivery = broker.spec.delivery
        if delivery is None or delivery.dead_letter_sink is None:
            lifecycle.mark_dead_letter_sink_not_configured(conditions)
            return {}
        found = resolve(
            delivery.dead_letter_sink,
            namespace=broker.metadata.namespace,
            kinds=self._kinds,
            raw=resolvable(seen, self._addressable),
        )
        if isinstance(found, Unresolved):
            lifecycle.mark_dead_letter_sink_failed(conditions, found.message)
            return {}
        lifecycle.mark_dead_letter_sink_resolved(conditions)
        return {"deadLetterSinkUri": found.url}


def _references(broker: Broker) -> Iterable[KReference | None]:
    delivery = broker.spec.delivery
    return (ref_of(delivery.dead_letter_sink),) if delivery is not None else ()

"""A trigger's status: where its events and its dead letters go, and what it still waits for.

References are resolved again at every change of what they lead to, so the order in which things are created does not matter.
The broker service (eventing.broker) delivers to what this status says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from eventing.api import trigger_lifecycle as lifecycle
from eventing.api.broker_types import Broker
from eventing.api.kinds import BROKER, TRIGGER
from eventing.api.names import DEPENDENCY
from eventing.api.trigger_types import Trigger
from eventing.reconcile.references import addressable_kinds, reads, ref_of, resolvable
from tanebi.api.addressable import Addressable, Unresolved, resolve
from tanebi.api.conditions import Conditions
from tanebi.api.kind import AnyKind, Configs, Kind, Kinds
from tanebi.api.meta import ConditionView, Destination, Key, KReference, KStatus, Obj, key_of
from tanebi.kube.plan import Plan, Reads, Seen

SOURCE_LABEL = "duck.knative.dev/source"


class TriggerReconciler:
    """Implements tanebi.kube.plan.Reconciler. `kinds`: everything that the platform knows."""

    kind: Kind[Trigger] = TRIGGER
    owns: tuple[AnyKind, ...] = ()

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        addressable = addressable_kinds(kinds)
        sources = tuple(kind for kind in kinds if kind.labels.get(SOURCE_LABEL) == "true")
        self._watched = frozenset((*addressable, *sources, BROKER))
        self.reads: tuple[Reads, ...] = tuple(
            Reads(BROKER, _of_broker) if kind is BROKER else reads(kind, TRIGGER, _references)
            for kind in self._watched
        )

    def desired(self, resource: Trigger, seen: Seen, configs: Configs, now: datetime) -> Plan:
        broker = seen.get(BROKER, *resource.broker_key)
        if broker is not None and not broker.ours:
            return Plan(prune=False)
        conditions = lifecycle.begin(resource, now)
        lifecycle.mark_identity_disabled(conditions)
        if broker is None:
            lifecycle.mark_broker_missing(conditions, resource.broker_key.name)
        else:
            lifecycle.propagate_broker(conditions, broker.status.condition("Ready"))
        status: Obj = {
            "observedGeneration": resource.metadata.generation,
            **self._subscriber(resource, seen, conditions, broker),
            **self._dead_letter_sink(resource, seen, conditions, broker),
        }
        self._dependency(resource, seen, conditions)
        return Plan(status={**status, "conditions": conditions.dump()}, prune=False)

    def _resolve(self, to: Destination, trigger: Trigger, seen: Seen) -> Addressable | Unresolved:
        return resolve(
            to,
            namespace=trigger.metadata.namespace,
            kinds=self._kinds,
            raw=resolvable(seen, self._watched),
        )

    def _subscriber(
        self, trigger: Trigger, seen: Seen, conditions: Conditions, broker: Broker | None
    ) -> Obj:
        found = self._resolve(trigger.spec.subscriber, trigger, seen)
        if isinstance(found, Unresolved):
            lifecycle.mark_subscriber_failed(conditions, found.message)
            lifecycle.mark_not_subscribed(conditions)
            return {}
        lifecycle.mark_subscriber_resolved(conditions)
        if broker is None:
            lifecycle.mark_not_subscribed(conditions)
        else:
            lifecycle.mark_subscribed(conditions)
        status = {
            "subscriberUri": found.url,
            "subscriberCACerts": found.ca_certs,
            "subscriberAudience": found.audience,
        }
        return {name: value for name, value in status.items() if value}

    def _dead_letter_sink(
        self, trigger: Trigger, seen: Seen, conditions: Conditions, broker: Broker | None
    ) -> Obj:
        """The trigger's own, else the broker's."""
        own = trigger.spec.delivery.dead_letter_sink if trigger.spec.delivery else None
        if own is not None:
            found = self._resolve(own, trigger, seen)
            if isinstance(found, Unresolved):
                lifecycle.mark_dead_letter_sink_failed(conditions, found.message)
                return {}
            lifecycle.mark_dead_letter_sink_resolved(conditions)
            return {"deadLetterSinkUri": found.url}
        if (
            broker is None
            or broker.spec.delivery is None
            or not broker.spec.delivery.dead_letter_sink
        ):
            lifecycle.mark_dead_letter_sink_not_configured(conditions)
            return {}
        if not broker.status.dead_letter_sink_uri:
            message = f"Broker {broker.metadata.name} didn't set status.deadLetterSinkURI"
            lifecycle.mark_dead_letter_sink_failed(conditions, message)
            return {}
        lifecycle.mark_dead_letter_sink_resolved(conditions)
        return {"deadLetterSinkUri": broker.status.dead_letter_sink_uri}

    def _dependency(self, trigger: Trigger, seen: Seen, conditions: Conditions) -> None:
        ref = _dependency_of(trigger)
        if ref is None:
            lifecycle.mark_dependency_ready(conditions)
            return
        kind = self._kinds.of(ref.api_version, ref.kind)
        namespace = trigger.metadata.namespace
        obj = seen.raw(kind, namespace, ref.name) if kind in self._watched and kind else None
        if obj is None:
            message = f"Dependency does not exist: {ref.kind} {namespace}/{ref.name}"
            lifecycle.mark_dependency_missing(conditions, message)
            return
        generation = (obj.get("metadata") or {}).get("generation", 0)
        status = KStatus.model_validate(obj.get("status") or {})
        if generation != status.observed_generation:
            lifecycle.mark_dependency_stale(conditions, generation, status.observed_generation)
            return
        ready: ConditionView | None = status.condition("Ready")
        lifecycle.propagate_dependency(conditions, ready)


def _dependency_of(trigger: Trigger) -> KReference | None:
    text = trigger.metadata.annotations.get(DEPENDENCY)
    if not text:
        return None
    said: Any = json.loads(text)  # admission has seen to it that this is an object reference
    return KReference(api_version=said["apiVersion"], kind=said["kind"], name=said["name"])


def _references(trigger: Trigger) -> Iterable[KReference | None]:
    delivery = trigger.spec.delivery
    return (
        ref_of(trigger.spec.subscriber),
        ref_of(delivery.dead_letter_sink) if delivery is not None else None,
        _dependency_of(trigger),
    )


def _of_broker(obj: Obj, seen: Seen) -> Iterable[Key]:
    """Triggers that read from the broker, or send to it."""
    changed = key_of(obj)
    to_it = set(reads(BROKER, TRIGGER, _references).keys(obj, seen))
    from_it = (t.key for t in seen.list(TRIGGER, None) if t.broker_key == changed)
    return to_it.union(from_it)

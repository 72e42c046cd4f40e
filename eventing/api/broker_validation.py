"""Rules for a broker, in Knative's words."""

from __future__ import annotations

from typing import Any

from eventing.api.broker_types import Broker
from eventing.api.config_br_defaults import BROKER_DEFAULTS
from eventing.api.config_features import FEATURES
from eventing.api.delivery_validation import validate_delivery
from eventing.api.names import BROKER_CLASS
from tanebi.api.addressable import validate_reference
from tanebi.api.fielderrors import FieldError, immutable, missing, via
from tanebi.api.kind import Admission


def validate_broker(broker: Broker, old: Broker | None, admission: Admission) -> list[FieldError]:
    errors: list[FieldError] = []
    if not broker.broker_class:
        errors.append(missing(BROKER_CLASS))
    namespace = broker.metadata.namespace
    if broker.spec.config is not None:
        own_only = admission.configs.get(BROKER_DEFAULTS).own_namespace_only(namespace)
        found = validate_reference(broker.spec.config, namespace=namespace if own_only else None)
        errors += via("spec.config", found)
    delivery = validate_delivery(broker.spec.delivery, admission.configs.get(FEATURES))
    errors += via("spec.delivery", delivery)
    if old is not None:
        errors += _immutable(broker, old)
    return errors


def _immutable(broker: Broker, old: Broker) -> list[FieldError]:
    """Only `delivery` may change, and the class never."""
    before, after = (_fixed_part(one) for one in (old, broker))
    if before != after:
        lines = [
            _difference(f"{{v1.BrokerSpec}}.{k}", before.get(k), after.get(k))
            for k in sorted({*before, *after})
        ]
        return [immutable("".join(lines), "spec")]
    if old.broker_class != broker.broker_class:
        text = _difference("{string}", old.broker_class, broker.broker_class)
        return [FieldError("Immutable annotations changed (-old +new)", ("annotations",), text)]
    return []


def _fixed_part(broker: Broker) -> dict[str, Any]:
    return broker.spec.model_dump(
        by_alias=True, exclude={"delivery"}, exclude_none=True, exclude_defaults=True
    )


def _difference(path: str, before: Any, after: Any) -> str:
    return "" if before == after else f'{path}:\n\t-: "{before}"\n\t+: "{after}"\n'

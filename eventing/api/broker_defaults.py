"""What admission adds to a broker."""

from __future__ import annotations

import copy

from eventing.api.config_br_defaults import BROKER_DEFAULTS
from eventing.api.names import BROKER_CLASS
from eventing.api.trigger_defaults import default_namespace
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def default_broker(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Class annotation, config and delivery from config-br-defaults; namespaces of references."""
    defaults = admission.configs.get(BROKER_DEFAULTS)
    meta = obj.setdefault("metadata", {})
    namespace = meta.get("namespace", "")
    annotations = meta.setdefault("annotations", {})
    if not annotations.get(BROKER_CLASS):
        annotations[BROKER_CLASS] = defaults.broker_class(namespace)
    chosen = defaults.of(namespace, annotations[BROKER_CLASS])
    spec = obj.setdefault("spec", {})
    if not spec.get("config") and chosen.config:
        spec["config"] = copy.deepcopy(chosen.config)
    if not spec.get("delivery") and chosen.delivery:
        spec["delivery"] = copy.deepcopy(chosen.delivery)
    if spec.get("config"):
        spec["config"].setdefault("namespace", namespace)
    default_namespace((spec.get("delivery") or {}).get("deadLetterSink"), namespace)
    return obj

"""What admission adds to a trigger."""

from __future__ import annotations

from typing import Any

from eventing.api.names import BROKER_LABEL
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def default_trigger(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """An empty filter (everything passes), namespaces of references, the label that names the broker."""
    meta = obj.setdefault("metadata", {})
    namespace = meta.get("namespace", "")
    spec = obj.setdefault("spec", {})
    spec.setdefault("filter", {})
    default_namespace(spec.get("subscriber"), namespace)
    default_namespace((spec.get("delivery") or {}).get("deadLetterSink"), namespace)
    if broker := spec.get("broker") or (spec.get("brokerRef") or {}).get("name"):
        meta.setdefault("labels", {})[BROKER_LABEL] = broker
    return obj


def default_namespace(destination: Any, namespace: str) -> None:
    """A reference without a namespace means the namespace of the object it stands in."""
    ref = destination.get("ref") if isinstance(destination, dict) else None
    if isinstance(ref, dict) and not ref.get("namespace"):
        ref["namespace"] = namespace

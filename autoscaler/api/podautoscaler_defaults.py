"""Completing a PodAutoscaler: which autoscaler it is for, and its concurrency limit."""

from __future__ import annotations

from autoscaler.api.annotations import CLASS, autoscaler_class
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj, annotations_of


def default_podautoscaler(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    settings = admission.configs.get(CONFIG_AUTOSCALER)
    spec = obj.setdefault("spec", {})
    if spec.get("containerConcurrency") is None:
        spec["containerConcurrency"] = 0
    if not annotations_of(obj).get(CLASS[0]):
        annotations = obj.setdefault("metadata", {}).setdefault("annotations", {})
        annotations[CLASS[0]] = autoscaler_class(annotations, settings)
    return obj

"""What makes a PodAutoscaler wrong."""

from __future__ import annotations

from typing import Final

from autoscaler.api.annotations import validate_annotations
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER
from autoscaler.api.podautoscaler_types import PodAutoscaler, PodAutoscalerSpec
from tanebi.api.fielderrors import FieldError, invalid, missing, out_of_bounds, via
from tanebi.api.kind import Admission

CONCURRENCY_MAX: Final = 1000
PROTOCOLS: Final = ("http1", "h2c")


def validate_podautoscaler(
    new: PodAutoscaler, old: PodAutoscaler | None, admission: Admission
) -> list[FieldError]:
    if new.deleting or admission.subresource == "status":
        return []
    settings = admission.configs.get(CONFIG_AUTOSCALER)
    annotations = validate_annotations(new.metadata.annotations, settings)
    return [*via("metadata.annotations", annotations), *via("spec", _spec(new.spec))]


def _spec(spec: PodAutoscalerSpec) -> list[FieldError]:
    errors = []
    ref = spec.scale_target_ref
    if not (ref.kind and ref.name and ref.api_version):
        lacking = [n for n in ("apiVersion", "kind", "name") if not _member(spec, n)]
        errors += [missing(*(f"scaleTargetRef.{name}" for name in lacking))]
    if not 0 <= spec.concurrency_limit <= CONCURRENCY_MAX:
        errors.append(
            out_of_bounds(spec.concurrency_limit, 0, CONCURRENCY_MAX, "containerConcurrency")
        )
    if not spec.protocol_type:
        errors.append(missing("protocolType"))
    elif spec.protocol_type not in PROTOCOLS:
        errors.append(invalid(spec.protocol_type, "protocolType"))
    return errors


def _member(spec: PodAutoscalerSpec, name: str) -> str:
    ref = spec.scale_target_ref
    return {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name}[name]

"""What makes a ServerlessService wrong."""

from __future__ import annotations

from autoscaler.api.podautoscaler_validation import PROTOCOLS
from autoscaler.api.serverlessservice_types import PROXY, SERVE, ServerlessService
from tanebi.api.fielderrors import FieldError, invalid, missing, via
from tanebi.api.kind import Admission


def validate_serverlessservice(
    new: ServerlessService, old: ServerlessService | None, admission: Admission
) -> list[FieldError]:
    if new.deleting or admission.subresource == "status":
        return []
    errors = []
    spec = new.spec
    if not spec.mode:
        errors.append(missing("mode"))
    elif spec.mode not in (PROXY, SERVE):
        errors.append(invalid(spec.mode, "mode"))
    if spec.num_activators < 0:
        errors.append(invalid(spec.num_activators, "numActivators"))
    ref = spec.object_ref
    lacking = [
        f"objectRef.{name}"
        for name, value in (
            ("apiVersion", ref.api_version),
            ("kind", ref.kind),
            ("name", ref.name),
        )
        if not value
    ]
    if lacking:
        errors.append(missing(*lacking))
    if not spec.protocol_type:
        errors.append(missing("protocolType"))
    elif spec.protocol_type not in PROTOCOLS:
        errors.append(invalid(spec.protocol_type, "protocolType"))
    return via("spec", errors)

"""ConfigMap config-deployment: how revisions become Deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind

_LOCAL_REGISTRIES: Final = ("dev.local", "kind.local", "ko.local")
_AFFINITIES: Final = ("prefer-spread-revision-over-nodes", "none")


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """Durations are seconds. There is no sidecar here: its image and resources are read, shown to clients, and not run."""

    queue_sidecar_image: str
    registries_skipping_resolution: tuple[str, ...]
    digest_timeout_s: float
    progress_deadline_s: float
    queue_cpu_request: str | None
    affinity: str
    always_schedulable: bool


def parse(data: fields.Data) -> DeploymentSettings:
    """Raises ValueError naming the key and the value that cannot stand."""
    return DeploymentSettings(
        queue_sidecar_image=data.get("queue-sidecar-image", "none"),
        registries_skipping_resolution=fields.names(
            data, "registries-skipping-tag-resolving", _LOCAL_REGISTRIES
        ),
        digest_timeout_s=_positive(data, "digest-resolution-timeout", 10.0),
        progress_deadline_s=_whole(data, "progress-deadline", 600.0),
        queue_cpu_request=fields.amount(data, "queue-sidecar-cpu-request", "25m"),
        affinity=_affinity(data),
        always_schedulable=fields.boolean(data, "pod-is-always-schedulable", False),
    )


def _positive(data: fields.Data, key: str, default: float) -> float:
    value = fields.seconds(data, key, default)
    if value <= 0:
        raise ValueError(f"{key} cannot be a non-positive duration, was {data[key]}")
    return value


def _whole(data: fields.Data, key: str, default: float) -> float:
    value = _positive(data, key, default)
    if value != int(value):
        raise ValueError(f"{key} must be rounded to a whole second, was: {data[key]}")
    return value


def _affinity(data: fields.Data) -> str:
    value = data.get("default-affinity-type", _AFFINITIES[0])
    if value not in _AFFINITIES:
        raise ValueError(f"default-affinity-type: {value!r} is not one of {', '.join(_AFFINITIES)}")
    return value


EXAMPLE: Final = """\
# Image of the sidecar. No sidecar runs here, so this names none.
queue-sidecar-image: "none"

# Images of these registries are not looked up to replace their tags by digests.
registries-skipping-tag-resolving: "kind.local,ko.local,dev.local"

# How long the look-up of an image may take.
digest-resolution-timeout: "10s"

# How long a new revision may take to become ready. Whole seconds.
progress-deadline: "600s"

# CPU that the sidecar would ask for.
queue-sidecar-cpu-request: "25m"

# How pods of one revision spread over nodes: prefer-spread-revision-over-nodes or none.
default-affinity-type: "prefer-spread-revision-over-nodes"

# Whether a pod that cannot be scheduled yet counts as on its way (true) or as failed (false).
pod-is-always-schedulable: "false"
"""

CONFIG_DEPLOYMENT: Final = ConfigKind(SYSTEM_NAMESPACE, "config-deployment", parse, example=EXAMPLE)

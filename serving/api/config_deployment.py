"""ConfigMap config-deployment: how revisions become Deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind

_LOCAL_REGISTRIES: Final = ("dev.local", "kind.local", "ko.local")
_QUEUE: Final = {("requests", "cpu"): "25m"}
SPREAD: Final = "prefer-spread-revision-over-nodes"
_AFFINITIES: Final = (SPREAD, "none")


@dataclass(frozen=True, slots=True)
class RuntimeClass:
    """A runtimeClassName, for revisions with all these labels."""

    name: str
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """Durations are seconds. There is no sidecar here: its image and resources are read, shown to clients, and not run."""

    queue_sidecar_image: str
    registries_skipping_resolution: tuple[str, ...]
    digest_timeout_s: float
    progress_deadline_s: float
    queue_resources: Mapping[tuple[str, str], str]
    """By `requests` or `limits`, and the resource's name; only what is set."""
    affinity: str
    always_schedulable: bool
    runtime_classes: tuple[RuntimeClass, ...]

    def runtime_class(self, labels: Mapping[str, str]) -> str | None:
        """The class whose selector matches most of a revision's labels; one without a selector matches all."""
        fitting = [one for one in self.runtime_classes if one.selector.items() <= labels.items()]
        return max(fitting, key=lambda one: len(one.selector)).name if fitting else None

    def takes_as_given(self, image: str) -> bool:
        """Whether `image` is not looked up: a digest says all, and some registries are not asked.

        Images of the local ones are on this machine or nowhere: nobody is asked, and revisions are pinned to what is there."""
        registry = image.partition("/")[0]
        skipped = registry in self.registries_skipping_resolution
        return "@" in image or (skipped and registry not in _LOCAL_REGISTRIES)


def parse(data: fields.Data) -> DeploymentSettings:
    """Raises ValueError naming the key and the value that cannot stand."""
    return DeploymentSettings(
        queue_sidecar_image=data.get("queue-sidecar-image", "none"),
        registries_skipping_resolution=fields.names(
            data, "registries-skipping-tag-resolving", _LOCAL_REGISTRIES
        ),
        digest_timeout_s=_positive(data, "digest-resolution-timeout", 10.0),
        progress_deadline_s=_whole(data, "progress-deadline", 600.0),
        queue_resources=_queue_resources(data),
        affinity=_affinity(data),
        always_schedulable=fields.boolean(data, "pod-is-always-schedulable", False),
        runtime_classes=_runtime_classes(data.get("runtime-class-name", "")),
    )


def _queue_resources(data: fields.Data) -> dict[tuple[str, str], str]:
    found = {
        (bound, name): fields.amount(
            data, f"queue-sidecar-{name}-{word}", _QUEUE.get((bound, name))
        )
        for bound, word in (("requests", "request"), ("limits", "limit"))
        for name in ("cpu", "memory", "ephemeral-storage")
    }
    return {key: amount for key, amount in found.items() if amount is not None}


def _runtime_classes(text: str) -> tuple[RuntimeClass, ...]:
    """A YAML map: name of the class → nothing, or a `selector` of labels."""
    try:
        content = yaml.safe_load(text) or {}
        return tuple(
            RuntimeClass(str(name), {str(k): str(v) for k, v in _labels(each).items()})
            for name, each in sorted(content.items())
        )
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        raise ValueError(f"failed to parse 'runtime-class-name': {text!r}") from error


def _labels(content: Any) -> dict[str, Any]:
    found: dict[str, Any] = (content or {}).get("selector") or {}
    return found


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

# Images of these registries are not looked up to replace their tags by digests. Those of dev.local, kind.local and ko.local are
# on this machine or nowhere: revisions are pinned to what is there, without a registry.
registries-skipping-tag-resolving: "kind.local,ko.local,dev.local"

# How long the look-up of an image may take. Without effect: the engine looks up and pulls in one go, within 15 minutes.
digest-resolution-timeout: "10s"

# How long a new revision may take to become ready. Whole seconds.
progress-deadline: "600s"

# CPU that the sidecar would ask for. No other amount is set unless a key here sets it: queue-sidecar-cpu-limit,
# queue-sidecar-memory-request, -memory-limit, -ephemeral-storage-request, -ephemeral-storage-limit.
queue-sidecar-cpu-request: "25m"

# How pods of one revision spread over nodes: prefer-spread-revision-over-nodes or none.
default-affinity-type: "prefer-spread-revision-over-nodes"

# Whether a pod that cannot be scheduled yet counts as on its way (true) or as failed (false).
pod-is-always-schedulable: "false"

# runtimeClassName of pods: a map from the class to a selector of the revision's labels; without a selector, for all.
#
#   runtime-class-name: |
#     kata:
#       selector:
#         isolation: strong
"""

CONFIG_DEPLOYMENT: Final = ConfigKind(SYSTEM_NAMESPACE, "config-deployment", parse, example=EXAMPLE)

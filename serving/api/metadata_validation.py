"""Names, labels and annotations of the serving kinds, in Knative's words (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from serving.api.names import (
    AUTOSCALING_PREFIX,
    CLUSTER_LOCAL,
    FULL_DUPLEX,
    GROUP,
    LABEL_VISIBILITY,
    PROGRESS_DEADLINE,
    QUEUE_PROXY_PODINFO,
    QUEUE_SIDECAR_PREFIX,
    ROLLOUT_DURATION,
    ROLLOUT_DURATION_OLD,
)
from serving.api.queue_depth import QUEUE_DEPTH, QUEUE_DEPTH_MAX, parse_queue_depth
from serving.api.server_timing import SERVER_TIMING, parse_server_timing
from serving.api.upgrade_timeout import EXEMPT, UPGRADE_TIMEOUT, parse_upgrade_timeout
from tanebi.api import durations, quantity
from tanebi.api.fielderrors import FieldError, invalid, invalid_key, missing, out_of_bounds
from tanebi.api.meta import ObjectMeta
from tanebi.api.names import dns1035_label
from tanebi.api.standby import BadStandby, parse_standby

_MISPLACED: Final = (
    'autoscaling annotations must be put under "spec.template.metadata.annotations" to work'
)
_PERCENTAGE: Final = f"{QUEUE_SIDECAR_PREFIX}resource-percentage"
_PERCENT_MIN: Final = 0.1
_PERCENT_MAX: Final = 100.0
_SIDECAR_AMOUNTS: Final = tuple(
    f"{QUEUE_SIDECAR_PREFIX}{name}-resource-{bound}"
    for name in ("cpu", "memory", "ephemeral-storage")
    for bound in ("request", "limit")
)


def validate_name(meta: ObjectMeta) -> list[FieldError]:
    """A DNS-1035 label, or the beginning of one to be completed."""
    errors = []
    if not meta.name and not meta.generate_name:
        errors.append(FieldError("name or generateName is required", ("name",)))
    if meta.generate_name and (found := label_prefix_problems(meta.generate_name)):
        errors.append(FieldError(f"not a DNS 1035 label prefix: [{found}]", ("generateName",)))
    if meta.name and (found := " ".join(dns1035_label(meta.name))):
        errors.append(FieldError(f"not a DNS 1035 label: [{found}]", ("name",)))
    return errors


def label_prefix_problems(prefix: str) -> str:
    """What is wrong with the beginning of a label; a dash at its end will be followed by more."""
    probe = f"{prefix[:-1]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
    return " ".join(dns1035_label(probe))


def refuse_autoscaling(annotations: Mapping[str, str]) -> list[FieldError]:
    """They belong on the revision's template."""
    return [
        invalid_key(key, "", _MISPLACED)
        for key in sorted(annotations)
        if key.startswith(AUTOSCALING_PREFIX)
    ]


def validate_rollout_duration(annotations: Mapping[str, str]) -> list[FieldError]:
    for key in (ROLLOUT_DURATION, ROLLOUT_DURATION_OLD):
        if key in annotations:
            return _whole_seconds(annotations[key], key, "rollout-duration", zero=True)
    return []


def validate_progress_deadline(annotations: Mapping[str, str]) -> list[FieldError]:
    text = annotations.get(PROGRESS_DEADLINE, "")
    return _whole_seconds(text, PROGRESS_DEADLINE, "progress-deadline", zero=False)


def _whole_seconds(text: str, key: str, short: str, *, zero: bool) -> list[FieldError]:
    if not text:
        return []
    try:
        seconds = durations.parse_go(text)
    except ValueError:
        return [invalid(text, key)]
    if seconds != int(seconds):
        return [FieldError(f"{short}={text} is not at second precision", (key,))]
    if seconds < 0 or (seconds == 0 and not zero):
        return [FieldError(f"{short}={text} must be positive", (key,))]
    return []


def validate_template_annotations(annotations: Mapping[str, str]) -> list[FieldError]:
    """What a template may say about the sidecar and about features. Paths are the keys."""
    errors = validate_progress_deadline(annotations)
    for key in _SIDECAR_AMOUNTS:
        if key in annotations and not _is_quantity(annotations[key]):
            errors.append(invalid(annotations[key], f"[{key}]"))
    for key in (FULL_DUPLEX, QUEUE_PROXY_PODINFO):
        if annotations.get(key, "Enabled").lower() not in ("enabled", "disabled"):
            errors.append(invalid(annotations[key], key))
    errors += _upgrade_timeout(annotations.get(UPGRADE_TIMEOUT, ""))
    errors += _queue_depth(annotations.get(QUEUE_DEPTH, ""))
    errors += _server_timing(annotations.get(SERVER_TIMING, ""))
    errors += _standby(annotations)
    return errors + _percentage(annotations.get(_PERCENTAGE))


def _server_timing(text: str) -> list[FieldError]:
    try:
        parse_server_timing(text)
    except ValueError:
        return [invalid(text, SERVER_TIMING, "either true or false")]
    return []


def _queue_depth(text: str) -> list[FieldError]:
    try:
        parse_queue_depth(text)
    except ValueError:
        return [invalid(text, QUEUE_DEPTH, f"a whole number from 1 to {QUEUE_DEPTH_MAX}")]
    return []


def _upgrade_timeout(text: str) -> list[FieldError]:
    try:
        parse_upgrade_timeout(text)
    except ValueError:
        return [invalid(text, UPGRADE_TIMEOUT, f"either {EXEMPT} or a positive duration")]
    return []


def _standby(annotations: Mapping[str, str]) -> list[FieldError]:
    try:
        parse_standby(annotations)
    except BadStandby as error:
        return [invalid(error.value, error.key, error.rule)]
    return []


def _is_quantity(text: str) -> bool:
    try:
        quantity.parse(text)
    except ValueError:
        return False
    return True


def _percentage(text: str | None) -> list[FieldError]:
    if text is None:
        return []
    path = f"[{_PERCENTAGE}]"
    try:
        value = float(text)
    except ValueError:
        return [invalid(text, path)]
    if not _PERCENT_MIN <= value <= _PERCENT_MAX:
        return [out_of_bounds(f"{value:g}", f"{_PERCENT_MIN:g}", f"{_PERCENT_MAX:g}", path)]
    return [FieldError(f"{_PERCENTAGE} is deprecated", (path,), level="warning")]


def validate_labels(
    meta: ObjectMeta, *, known: frozenset[str], owned: Mapping[str, str]
) -> list[FieldError]:
    """Labels under serving.knative.dev/ are the platform's: `known` ones may stand; `owned` ones (label → kind of the
    owner) must say the name of such an owner."""
    errors = []
    for key, value in sorted(meta.labels.items()):
        if key in owned:
            errors += _owner_label(meta, key, value, owned[key])
        elif key == LABEL_VISIBILITY:
            errors += [] if value == CLUSTER_LOCAL else [invalid(value, key)]
        elif key.startswith(f"{GROUP}/") and key not in known:
            errors.append(invalid_key(key, ""))
    return errors


def _owner_label(meta: ObjectMeta, key: str, value: str, kind: str) -> list[FieldError]:
    if any(ref.kind == kind and ref.name == value for ref in meta.owner_references):
        return []
    return [missing(key)]


def difference(old: Any, new: Any, path: str) -> str:
    """What changed, one block a leaf: the path, `-:` the old value, `+:` the new one."""
    return "".join(_differences(old, new, path))


def _differences(old: Any, new: Any, path: str) -> list[str]:
    if old == new:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = sorted({*old, *new})
        return [
            line
            for key in keys
            for line in _differences(old.get(key), new.get(key), f"{path}.{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [line for i, (a, b) in pairs for line in _differences(a, b, f"{path}[{i}]")]
    return [f"{path}:\n\t-: {_show(old)}\n\t+: {_show(new)}\n"]


def _show(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return _SHOWN.get(type(value), str)(value)


_SHOWN: Final[Mapping[type, Callable[[Any], str]]] = {
    type(None): lambda _: "<unset>",
    bool: lambda value: "true" if value else "false",
}

"""What is to be tried: one revision's annotations and limit, and the settings of the autoscaler around it.

Pure. A setting comes from the objects of a manifest (a Service, Configuration or Revision, and `config-autoscaler` if it is
there), changed by `key=value` words. What the platform would refuse is refused here, in the same words. Caller:
tanebi.cli.simulate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from autoscaler.api.annotations import (
    EVERY_KEY,
    PREFIX,
    PROGRESS_DEADLINE,
    autoscaler_class,
    validate_annotations,
)
from autoscaler.api.config_autoscaler import CONFIG_AUTOSCALER, DEFAULTS, AutoscalerSettings
from autoscaler.api.kinds import POD_AUTOSCALER
from autoscaler.api.limits import KPA
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.api.podautoscaler_validation import CONCURRENCY_MAX
from serving.api import CONFIG_DEFAULTS, CONFIG_DEPLOYMENT
from serving.api.metadata_validation import validate_progress_deadline
from tanebi.api.durations import parse_go
from tanebi.api.fielderrors import FieldError, invalid, out_of_bounds, render
from tanebi.api.meta import Obj

CONTAINER_CONCURRENCY: Final = "container-concurrency"
TIMEOUT_SECONDS: Final = "timeout-seconds"
TEMPLATED: Final = ("Service", "Configuration")
SERVING: Final = "serving.knative.dev/"
TIMEOUT_DEFAULT_S: Final = CONFIG_DEFAULTS.parse({}).timeout_s
TIMEOUT_MAX_S: Final = CONFIG_DEFAULTS.parse({}).timeout_max_s


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to try. `concurrency` 0: a pod takes any number of requests at once. A request that has no answer after
    `timeout_s` gets an error."""

    name: str
    annotations: Mapping[str, str]
    concurrency: int
    settings: AutoscalerSettings
    timeout_s: float = TIMEOUT_DEFAULT_S

    def pod_autoscaler(self, *, initialized: bool) -> PodAutoscaler:
        """Of a revision that has reached its initial scale, or not yet."""
        status = "True" if initialized else "Unknown"
        return POD_AUTOSCALER.view(
            {
                "apiVersion": POD_AUTOSCALER.api_version,
                "kind": POD_AUTOSCALER.kind,
                "metadata": {
                    "namespace": "simulated",
                    "name": "revision",
                    "annotations": dict(self.annotations),
                },
                "spec": {"containerConcurrency": self.concurrency, "reachability": "Reachable"},
                "status": {"conditions": [{"type": "ScaleTargetInitialized", "status": status}]},
            }
        )

    @property
    def progress_deadline_s(self) -> float:
        asked = self.annotations.get(PROGRESS_DEADLINE)
        return CONFIG_DEPLOYMENT.parse({}).progress_deadline_s if asked is None else parse_go(asked)


PLAIN: Final = Setting("defaults", {}, 0, DEFAULTS)


def from_objects(objects: Sequence[Obj], name: str) -> Setting:
    """Raises ValueError: no revision, several, or something that the platform would refuse."""
    found = [template for obj in objects for template in _templates(obj)]
    if len(found) != 1:
        what = "no Service, Configuration or Revision" if not found else "more than one"
        raise ValueError(f"{name}: {what} to simulate")
    meta, spec = _member(found[0], "metadata"), _member(found[0], "spec")
    annotations = {str(k): str(v) for k, v in _member(meta, "annotations").items()}
    concurrency = _number(spec, "containerConcurrency", name)
    timeout_s = _number(spec, "timeoutSeconds", name) or TIMEOUT_DEFAULT_S
    setting = Setting(name, annotations, concurrency, _settings(objects, name), timeout_s)
    return _checked(setting)


def changed(setting: Setting, words: str) -> Setting:
    """`setting` with `key=value[,key=value]` laid over it. Raises ValueError.

    A key without a domain is one of `autoscaling.knative.dev/`.
    """
    annotations, concurrency = dict(setting.annotations), setting.concurrency
    timeout_s = setting.timeout_s
    for word in words.split(","):
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ValueError(f"write annotation=value, not {word!r}")
        if key == CONTAINER_CONCURRENCY:
            concurrency = _whole(key, value)
        elif key == TIMEOUT_SECONDS:
            timeout_s = _whole(key, value) or TIMEOUT_DEFAULT_S
        else:
            annotations[key if "/" in key else f"{PREFIX}{key}"] = value
    return _checked(
        replace(
            setting,
            name=words,
            annotations=annotations,
            concurrency=concurrency,
            timeout_s=timeout_s,
        )
    )


def _templates(obj: Obj) -> Iterable[Obj]:
    """What a revision would be made from."""
    if not str(obj.get("apiVersion", "")).startswith(SERVING):
        return
    if obj.get("kind") in TEMPLATED:
        yield _member(_member(obj, "spec"), "template")
    elif obj.get("kind") == "Revision":
        yield obj


def _settings(objects: Sequence[Obj], name: str) -> AutoscalerSettings:
    for obj in objects:
        if obj.get("kind") == "ConfigMap" and _member(obj, "metadata").get("name") == (
            CONFIG_AUTOSCALER.name
        ):
            data = {str(k): str(v) for k, v in _member(obj, "data").items()}
            try:
                return CONFIG_AUTOSCALER.parse(data)
            except ValueError as error:
                raise ValueError(f"{name}: {CONFIG_AUTOSCALER.name}: {error}") from error
    return DEFAULTS


def _member(obj: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = obj.get(name)
    return value if isinstance(value, dict) else {}


def _number(spec: Mapping[str, Any], field: str, name: str) -> int:
    value = spec.get(field) or 0
    if not isinstance(value, int):
        raise ValueError(f"{name}: {render([invalid(value, field)])}")
    return value


def _whole(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{key}={text} is not a whole number") from error


def _checked(setting: Setting) -> Setting:
    errors: list[FieldError] = [
        error
        for error in validate_annotations(setting.annotations, setting.settings)
        if error.level == "error"
    ]
    if not 0 <= setting.concurrency <= CONCURRENCY_MAX:
        errors.append(
            out_of_bounds(setting.concurrency, 0, CONCURRENCY_MAX, "containerConcurrency")
        )
    if not 0 < setting.timeout_s <= TIMEOUT_MAX_S:
        errors.append(out_of_bounds(int(setting.timeout_s), 0, TIMEOUT_MAX_S, "timeoutSeconds"))
    errors += _unknown(setting.annotations)
    class_ = autoscaler_class(setting.annotations, setting.settings)
    if class_ != KPA:
        errors.append(FieldError(f"class {class_} is not simulated"))
    if PROGRESS_DEADLINE in setting.annotations:
        errors += validate_progress_deadline(setting.annotations)
    if errors:
        raise ValueError(f"{setting.name}: {render(errors)}")
    return setting


def _unknown(annotations: Mapping[str, str]) -> list[FieldError]:
    """A misspelled key would silently try nothing."""
    known = {form for names in EVERY_KEY for form in names}
    return [
        FieldError("no such annotation", (key,))
        for key in annotations
        if key.startswith(PREFIX) and key not in known
    ]

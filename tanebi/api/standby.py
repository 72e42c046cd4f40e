"""`tanebi.dev/standby: pause`: pods that a scale-down would remove stay frozen for a while, and wake in milliseconds.

Pure. Our own extension: annotations on a revision's template, copied to its Deployment and pods. A frozen pod counts as none in
every number that Kubernetes or Knative shows; `standby-since` on the pod says that it is one. Callers: serving.api (validation),
tanebi.kubelet (which pods, and freezing them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.api import durations

STANDBY: Final = "tanebi.dev/standby"
STANDBY_MAX: Final = "tanebi.dev/standby-max"
STANDBY_AGE: Final = "tanebi.dev/standby-age"
STANDBY_SINCE: Final = "tanebi.dev/standby-since"
PAUSE: Final = "pause"

DEFAULT_MAX: Final = 1
MOST: Final = 100
DEFAULT_AGE_S: Final = 600.0
AGE_MAX_S: Final = 24 * 3600.0


class BadStandby(ValueError):
    """The annotation `key` has a `value` that breaks a `rule`."""

    def __init__(self, key: str, value: str, rule: str) -> None:
        super().__init__(f"{key}={value} {rule}")
        self.key = key
        self.value = value
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Standby:
    """At most `most` pods of a Deployment are kept frozen, each for `age_s` seconds."""

    most: int
    age_s: float


def parse_standby(annotations: Mapping[str, str]) -> Standby | None:
    """None: not asked for. Raises BadStandby."""
    how = annotations.get(STANDBY, "")
    if not how:
        return None
    if how != PAUSE:
        raise BadStandby(STANDBY, how, f"must be {PAUSE}")
    return Standby(_most(annotations), _age_s(annotations))


def _most(annotations: Mapping[str, str]) -> int:
    text = annotations.get(STANDBY_MAX, str(DEFAULT_MAX))
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise BadStandby(STANDBY_MAX, text, f"must be a whole number from 1 to {MOST}")
    return int(text)


def _age_s(annotations: Mapping[str, str]) -> float:
    text = annotations.get(STANDBY_AGE)
    if text is None:
        return DEFAULT_AGE_S
    try:
        seconds = durations.parse_go(text)
    except ValueError as error:
        raise BadStandby(STANDBY_AGE, text, "is not a duration") from error
    if not 0 < seconds <= AGE_MAX_S:
        raise BadStandby(STANDBY_AGE, text, "must be more than 0s and at most 24h")
    return seconds

"""Rules for a DeliverySpec, in Knative's words."""

from __future__ import annotations

from eventing.api.config_features import Features
from eventing.api.delivery_types import DeliverySpec
from tanebi.api.addressable import validate_destination
from tanebi.api.durations import parse_iso
from tanebi.api.fielderrors import FieldError, disallowed, invalid, via


def validate_delivery(spec: DeliverySpec | None, features: Features) -> list[FieldError]:
    """Every error, seen from the spec."""
    if spec is None:
        return []
    errors: list[FieldError] = []
    if spec.dead_letter_sink is not None:
        errors += via("deadLetterSink", validate_destination(spec.dead_letter_sink))
    if spec.retry is not None and not 0 <= spec.retry < 2**31:
        errors.append(invalid(spec.retry, "retry"))
    if spec.backoff_policy not in (None, "linear", "exponential"):
        errors.append(invalid(spec.backoff_policy, "backoffPolicy"))
    if spec.format not in (None, "json", "binary"):
        errors.append(invalid(spec.format, "format"))
    return errors + _spans(spec, features)


def _spans(spec: DeliverySpec, features: Features) -> list[FieldError]:
    errors: list[FieldError] = []
    if spec.timeout is not None:
        if not features.enabled("delivery-timeout"):
            errors.append(disallowed("timeout"))
        elif not _seconds(spec.timeout):
            errors.append(invalid(spec.timeout, "timeout"))
    if spec.backoff_delay is not None and _seconds(spec.backoff_delay) is None:
        errors.append(invalid(spec.backoff_delay, "backoffDelay"))
    if spec.retry_after_max is not None:
        if not features.enabled("delivery-retryafter"):
            errors.append(disallowed("retryAfterMax"))
        elif _seconds(spec.retry_after_max) is None:
            errors.append(invalid(spec.retry_after_max, "retryAfterMax"))
    return errors


def _seconds(text: str) -> float | None:
    try:
        return parse_iso(text)
    except ValueError:
        return None

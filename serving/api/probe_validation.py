"""Probes, in Knative's words (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from typing import Final

from serving.api.fieldmask import PROBE, refused
from tanebi.api.core.pod import ContainerPort, HttpGetAction, Probe, TcpSocketAction
from tanebi.api.fielderrors import (
    FieldError,
    invalid,
    one_of_both,
    one_of_neither,
    out_of_bounds,
)

INT32_MAX: Final = 2**31 - 1
_HANDLERS: Final = ("httpGet", "tcpSocket", "exec", "grpc")


def validate_probe(
    probe: Probe | None, port: ContainerPort, *, port_needed: bool = False
) -> list[FieldError]:
    """`port` is the one of the serving container. `port_needed`: of a container without one, the probe must say where."""
    if probe is None:
        return []
    handlers = [
        h for h, action in zip(_HANDLERS, _actions(probe), strict=True) if action is not None
    ]
    errors = refused(probe, PROBE)
    for name, action in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        if action is not None:
            errors += _port(action, f"{name}.port", port, needed=port_needed)
    if not handlers:
        errors.append(one_of_neither(*_HANDLERS))
    elif len(handlers) > 1:
        errors.append(one_of_both(*handlers))
    return errors


def _actions(probe: Probe) -> tuple[object, ...]:
    return (probe.http_get, probe.tcp_socket, probe.exec, probe.grpc)


def _port(
    action: HttpGetAction | TcpSocketAction, path: str, port: ContainerPort, *, needed: bool
) -> list[FieldError]:
    if isinstance(action.port, str) and action.port not in ("", port.name):
        return [invalid(action.port, path, "Probe port must match container port")]
    if needed and not action.port:
        return [invalid(action.port, path, "Probe port must be specified")]
    return []


def validate_readiness(
    probe: Probe | None, port: ContainerPort, *, port_needed: bool = False
) -> list[FieldError]:
    """As any probe, and its numbers. A period of 0 is Knative's own mode: ask all the time until it succeeds."""
    if probe is None:
        return []
    errors = validate_probe(probe, port, port_needed=port_needed)
    errors += _at_least(probe.period_seconds, 0, "periodSeconds")
    errors += _at_least(probe.initial_delay_seconds, 0, "initialDelaySeconds")
    errors += _at_least(probe.success_threshold, 1, "successThreshold")
    timeout, failures = probe.timeout_seconds, probe.failure_threshold
    if probe.period_seconds:
        errors += _at_least(timeout, 1, "timeoutSeconds")
        errors += _at_least(failures, 1, "failureThreshold")
        return errors
    for value, name in ((failures, "failureThreshold"), (timeout, "timeoutSeconds")):
        if value:
            errors.append(FieldError(f"{name} is disallowed when periodSeconds is zero", (name,)))
    return errors


def _at_least(value: int | None, low: int, path: str) -> list[FieldError]:
    found = value or 0
    return [] if low <= found <= INT32_MAX else [out_of_bounds(found, low, INT32_MAX, path)]


def refuse_probe(probe: Probe | None) -> list[FieldError]:
    """Of a container that may not be probed, every field of the probe is refused."""
    if probe is None:
        return []
    return refused(probe, frozenset())

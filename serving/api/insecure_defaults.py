"""Warnings about what a revision leaves to Kubernetes' defaults and Kubernetes decides unsafely, in Knative's words.

Nothing is said about what the author chose, however dangerous. What the pod says holds for its containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tanebi.api.core.pod import Container, PodSpec, SeccompProfile
from tanebi.api.fielderrors import FieldError, invalid, via

_INSECURE: Final = (
    "Kubernetes default value is insecure, Knative may default this to secure in a future release"
)


def warn_of_insecure_defaults(spec: PodSpec) -> list[FieldError]:
    """Paths begin at the fields of the pod spec."""
    return [
        warning.as_warning()
        for group, containers in (
            ("containers", spec.containers),
            ("initContainers", spec.init_containers),
        )
        for index, container in enumerate(containers)
        for warning in via(f"{group}[{index}].securityContext", _of_container(container, spec))
    ]


def _of_container(container: Container, spec: PodSpec) -> Iterator[FieldError]:
    pod, own = spec.security_context or {}, container.security_context
    if pod.get("runAsNonRoot") is None and (own is None or own.run_as_non_root is None):
        yield _insecure("runAsNonRoot")
    if own is None or own.allow_privilege_escalation is None:
        yield _insecure("allowPrivilegeEscalation")
    yield from _of_seccomp(pod.get("seccompProfile"), own.seccomp_profile if own else None)
    capabilities = own.capabilities if own else None
    if capabilities is None:
        yield _insecure("capabilities")
    elif "drop" not in capabilities.model_fields_set:
        yield _insecure("capabilities.drop")
    elif capabilities.drop[:1] == ["all"]:
        yield invalid("all", "capabilities.drop", "Must be spelled as 'ALL'")


def _of_seccomp(pod: Any, own: SeccompProfile | None) -> Iterator[FieldError]:
    if pod is None and own is None:
        yield _insecure("seccompProfile")
    elif not (isinstance(pod, Mapping) and pod.get("type")) and not (own and own.type):
        yield _insecure("seccompProfile.type")


def _insecure(path: str) -> FieldError:
    return FieldError(_INSECURE, (path,))

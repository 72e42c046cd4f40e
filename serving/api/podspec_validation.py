"""The pod inside a revision, in Knative's words (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.api import fieldmask
from serving.api.config_features import Features
from serving.api.container_validation import ID_MAX, Around, Role, validate_container
from serving.api.insecure_defaults import warn_of_insecure_defaults
from serving.api.names import DEFAULT_PORT
from serving.api.volume_validation import validate_volumes
from tanebi.api.core.pod import Container, ContainerPort, PodSpec
from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    invalid,
    missing,
    out_of_bounds,
    via,
)
from tanebi.api.names import dns1123_subdomain


def validate_pod(spec: PodSpec, features: Features) -> list[FieldError]:
    """Every error, in paths that begin at the fields of the pod spec."""
    around = Around(spec.volumes, serving_port(spec.containers), features)
    errors = fieldmask.refused(spec, fieldmask.pod_mask(spec, features))
    errors += via("securityContext", _pod_security(spec.security_context, features))
    errors += warn_of_insecure_defaults(spec)
    errors += via("volumes", validate_volumes(spec.volumes, spec.original_containers, features))
    errors += _init_containers(spec, around)
    errors += via("containers[*]", _ports_of_all(spec.containers))
    errors += _containers(spec.containers, around)
    for problem in (
        dns1123_subdomain(spec.service_account_name) if spec.service_account_name else ()
    ):
        errors.append(invalid(spec.service_account_name, "serviceAccountName", problem))
    return errors


def serving_port(containers: Sequence[Container]) -> ContainerPort:
    """The one declared port, with what holds for it when it is not said."""
    ports = [container.ports[0] for container in containers if container.ports]
    port = ports[-1] if ports else ContainerPort()
    return ContainerPort(
        name=port.name or "http", container_port=port.container_port or DEFAULT_PORT
    )


def _ports_of_all(containers: Sequence[Container]) -> list[FieldError]:
    count = sum(len(container.ports) for container in containers)
    if count == 0 and len(containers) > 1:
        return [missing("ports")]
    if count > 1:
        details = "Only a single port is allowed across all containers"
        return [FieldError("more than one container port is set", ("ports",), details)]
    return []


def _containers(containers: Sequence[Container], around: Around) -> list[FieldError]:
    if not containers:
        return [missing("containers")]
    if len(containers) == 1:
        return via("containers[0]", validate_container(containers[0], "serving", around))
    if not around.features.enabled("multi-container"):
        return [FieldError(f"multi-container is off, but found {len(containers)} containers")]
    errors = list(_duplicates(containers, set()))
    for index, container in enumerate(containers):
        role: Role = "serving" if container.ports else "sidecar"
        found = validate_container(container, role, around)
        errors += via(f"containers[{index}]", found)
    return errors


def _init_containers(spec: PodSpec, around: Around) -> list[FieldError]:
    containers = spec.init_containers
    if not containers:
        return []
    if not around.features.enabled("kubernetes.podspec-init-containers"):
        text = f"pod spec support for init-containers is off, but found {len(containers)} init containers"
        return [FieldError(text)]
    names = {container.name for container in spec.containers}
    errors = [e.via("initContainers") for e in _duplicates(containers, names, prefix="")]
    for index, container in enumerate(containers):
        errors += via(f"initContainers[{index}]", validate_container(container, "init", around))
    return errors


def _duplicates(
    containers: Sequence[Container], taken: set[str], *, prefix: str = "containers"
) -> Iterator[FieldError]:
    for index, container in enumerate(containers):
        if container.name in taken:
            text = f'duplicate container name "{container.name}"'
            yield FieldError(text, (f"{prefix}[{index}].name",))
        taken.add(container.name)


def _pod_security(context: Mapping[str, Any] | None, features: Features) -> list[FieldError]:
    if not context:
        return []
    allowed = fieldmask.pod_security_mask(features)
    refused = [name for name, value in context.items() if name not in allowed and value is not None]
    errors = [disallowed(*refused)] if refused else []
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        errors += _identity(context.get(name), name)
    groups = context.get("supplementalGroups") or []
    if not isinstance(groups, list):
        return [*errors, invalid(groups, "supplementalGroups")]
    for index, group in enumerate(groups):
        errors += _identity(group, f"supplementalGroups[{index}]")
    return errors


def _identity(number: Any, path: str) -> list[FieldError]:
    if number is None:
        return []
    if not isinstance(number, int):
        return [invalid(number, path)]
    return [] if 0 <= number <= ID_MAX else [out_of_bounds(number, 0, ID_MAX, path)]

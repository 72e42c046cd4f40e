"""One container of a revision, in Knative's words (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from serving.api import fieldmask
from serving.api.config_features import Features
from serving.api.image_reference import is_reference
from serving.api.names import H2C_PORT_NAME, HTTP1_PORT_NAME, QUEUE_CONTAINER
from serving.api.probe_validation import refuse_probe, validate_probe, validate_readiness
from serving.api.volume_validation import validate_mounts
from tanebi.api import quantity
from tanebi.api.core.pod import (
    Container,
    ContainerPort,
    EnvFromSource,
    EnvVar,
    ResourceRequirements,
    SecurityContext,
    Volume,
)
from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    invalid,
    missing,
    one_of_both,
    one_of_neither,
    out_of_bounds,
    via,
)

Role = Literal["serving", "sidecar", "init"]

ID_MAX: Final = 2**31 - 1
PORT_MAX: Final = 65535
RESERVED_PORTS: Final = frozenset({8008, 8012, 8013, 8022, 9090, 9091})
RESERVED_ENV: Final = frozenset({"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"})
_PORT_NAMES: Final = frozenset({"", H2C_PORT_NAME, HTTP1_PORT_NAME})
_PORT_NAMES_TEXT: Final = "Name must be empty, or one of: 'h2c', 'http1'"
_MESSAGE_POLICIES: Final = frozenset({"", "File", "FallbackToLogsOnError"})
_NOT_IN_INIT: Final = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")


@dataclass(frozen=True, slots=True)
class Around:
    """What a container is in: its pod's volumes, the serving port, and the features that are on."""

    volumes: Sequence[Volume]
    port: ContainerPort
    features: Features


def validate_container(container: Container, role: Role, around: Around) -> list[FieldError]:
    """Paths begin at the container's fields."""
    if not container.model_fields_set:
        return [missing("")]
    errors = _probes(container, role, around)
    mask = fieldmask.CONTAINER | ({"lifecycle"} if role == "init" else frozenset())
    errors += fieldmask.refused(container, mask)
    if container.name == QUEUE_CONTAINER:
        errors.append(FieldError(f'"{container.name}" is a reserved container name', ("name",)))
    errors += via("env", _env(container.env, role, around.features))
    errors += via("envFrom", _env_from(container.env_from))
    errors += _image(container.image)
    errors += via("ports", _ports(container.ports, role))
    errors += via("resources", _resources(container.resources))
    errors += via("securityContext", _security(container.security_context, around.features))
    if container.termination_message_policy not in _MESSAGE_POLICIES:
        errors.append(invalid(container.termination_message_policy, "terminationMessagePolicy"))
    mounts = validate_mounts(container.volume_mounts, around.volumes, around.features)
    return errors + via("volumeMounts", mounts)


def _probes(container: Container, role: Role, around: Around) -> list[FieldError]:
    if role == "init":
        present = dict(fieldmask.set_fields(container))
        text = "field not allowed in an init container"
        return [FieldError(text, (name,)) for name in _NOT_IN_INIT if name in present]
    sidecar = role == "sidecar"
    if sidecar and not around.features.enabled("multi-container-probing"):
        return [
            *via("livenessProbe", refuse_probe(container.liveness_probe)),
            *via("readinessProbe", refuse_probe(container.readiness_probe)),
            *via("startupProbe", refuse_probe(container.startup_probe)),
        ]
    port = ContainerPort() if sidecar else around.port
    others = (
        ("livenessProbe", container.liveness_probe),
        ("startupProbe", container.startup_probe),
    )
    ready = validate_readiness(container.readiness_probe, port, port_needed=sidecar)
    errors = via("readinessProbe", ready)
    for name, probe in others:
        errors += via(name, validate_probe(probe, port, port_needed=sidecar))
    return errors


def _image(image: str) -> list[FieldError]:
    if not image:
        return [missing("image")]
    if not is_reference(image):
        details = f'image: "{image}", error: could not parse reference: {image}'
        return [FieldError("Failed to parse image reference", ("image",), details)]
    return []


def _env(variables: Sequence[EnvVar], role: Role, features: Features) -> list[FieldError]:
    reserved = RESERVED_ENV if role == "serving" else RESERVED_ENV - {"PORT"}
    errors: list[FieldError] = []
    for index, variable in enumerate(variables):
        found: list[FieldError] = []
        if not variable.name:
            found.append(missing("name"))
        elif variable.name in reserved:
            text = f'"{variable.name}" is a reserved environment variable'
            found.append(FieldError(text, ("name",)))
        mask = fieldmask.env_source_mask(features)
        found += via("valueFrom", fieldmask.refused(variable.value_from, mask))
        errors += via(f"[{index}]", found)
    return errors


def _env_from(sources: Sequence[EnvFromSource]) -> list[FieldError]:
    errors = []
    names = ("configMapRef", "secretRef")
    for source in sources:
        if source.config_map_ref is not None and source.secret_ref is not None:
            errors.append(one_of_both(*names))
        elif source.config_map_ref is None and source.secret_ref is None:
            errors.append(one_of_neither(*names))
    return errors


def _ports(ports: Sequence[ContainerPort], role: Role) -> list[FieldError]:
    """Of a serving container only the first counts; more than one is refused for the whole pod."""
    if not ports:
        return []
    if role == "init":
        return [error for port in ports for error in _port(port)]
    port = ports[0]
    errors = _port(port)
    if port.protocol not in ("", "TCP"):
        errors.append(invalid(port.protocol, "protocol"))
    if port.name not in _PORT_NAMES:
        text = f"Port name {port.name} is not allowed"
        errors.append(FieldError(text, ("",), _PORT_NAMES_TEXT))
    return errors


def _port(port: ContainerPort) -> list[FieldError]:
    errors = fieldmask.refused(port, fieldmask.CONTAINER_PORT)
    number = port.container_port
    if number in RESERVED_PORTS:
        text = f"{number} is a reserved port"
        errors.append(invalid(text, "containerPort", f"{text}, please use a different value"))
    if not 0 <= number <= PORT_MAX:
        errors.append(out_of_bounds(number, 0, PORT_MAX, "containerPort"))
    return errors


def _resources(resources: ResourceRequirements) -> list[FieldError]:
    errors = fieldmask.refused(resources, fieldmask.RESOURCES)
    for kind, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, amount in amounts.items():
            try:
                quantity.parse(amount)
            except ValueError as error:
                errors.append(invalid(amount, f"{kind}.{name}", str(error)))
    return errors


def _security(context: SecurityContext | None, features: Features) -> list[FieldError]:
    if context is None:
        return []
    # Privileged may be said only to say no.
    said_no = {"privileged"} if context.privileged is False else frozenset()
    errors = fieldmask.refused(context, fieldmask.SECURITY_CONTEXT | said_no)
    added = context.capabilities.add if context.capabilities else []
    may_add = features.permitted("kubernetes.containerspec-addcapabilities")
    if added and not may_add and added != [fieldmask.BIND_CAPABILITY]:
        errors.append(disallowed("capabilities.add"))
    for name, number in (("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        if number is not None and not 0 <= number <= ID_MAX:
            errors.append(out_of_bounds(number, 0, ID_MAX, name))
    return errors

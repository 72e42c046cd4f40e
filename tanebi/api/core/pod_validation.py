"""The essential rules for pods, in Kubernetes' words (k8s.io/kubernetes pkg/apis/core/validation)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pydantic.alias_generators import to_camel

from tanebi.api import names, quantity
from tanebi.api.core import pod_details
from tanebi.api.core.pod import (
    Container,
    ContainerPort,
    EnvVar,
    LifecycleHandler,
    Pod,
    PodSpec,
    Probe,
)
from tanebi.api.core.refusals import (
    duplicate,
    forbidden,
    invalid,
    not_supported,
    one_of,
    port_errors,
    required,
)
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission

RESTART_POLICIES: Final = ("Always", "OnFailure", "Never")
PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
PULL_POLICIES: Final = ("Always", "IfNotPresent", "Never")
# What may change in the spec of a pod that exists.
MUTABLE: Final = frozenset(
    {"containers", "init_containers", "active_deadline_seconds", "tolerations", "node_name"}
)

EPHEMERAL: Final = "ephemeralcontainers"
_NOT_EPHEMERAL: Final = (
    "ports",
    "liveness_probe",
    "readiness_probe",
    "startup_probe",
    "lifecycle",
    "restart_policy",
)
SYSCTL_MAX: Final = 253
_SYSCTL: Final = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_ENV_NAME: Final = re.compile(r"[^\s=\x00-\x1f\x7f]+")


def validate_pod(pod: Pod, old: Pod | None, admission: Admission) -> list[FieldError]:
    """Every error of a Pod; on update also what may not change."""
    if admission.subresource == EPHEMERAL:
        return via("spec.ephemeralContainers", _ephemeral_errors(pod, old))
    if admission.subresource:
        return []
    errors = via("spec", validate_pod_spec(pod.spec))
    if old is not None and (added := _containers_changed(pod.spec, old.spec)):
        errors += added
    elif old is not None and _fixed_part(pod.spec) != _fixed_part(old.spec):
        errors.append(
            forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,"
                "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
                "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
                "(allow it to be set to 1 if it was previously negative)",
            )
        )
    return errors


def _ephemeral_errors(pod: Pod, old: Pod | None) -> Iterator[FieldError]:
    spec = pod.spec
    before = old.spec.ephemeral_containers if old else []
    kept = {c.name: c for c in spec.ephemeral_containers}
    for known in before:
        if kept.get(known.name) != known:
            yield forbidden(
                "", f'existing ephemeral containers "{known.name}" may not be changed or removed'
            )
    taken = [c.name for c in spec.original_containers]
    volumes = [volume.name for volume in spec.volumes]
    for i, container in enumerate(spec.ephemeral_containers):
        yield from via(f"[{i}].name", _label_errors(container.name, taken))
        taken.append(container.name)
        yield from via(f"[{i}]", _container_errors(container, volumes))
        for name in _NOT_EPHEMERAL:
            if container.__dict__.get(name):
                yield forbidden(
                    f"[{i}].{to_camel(name)}", "cannot be set for an Ephemeral Container"
                )
        target = container.target_container_name
        if target and target not in [c.name for c in spec.containers]:
            yield FieldError(f'Not found: "{target}"', (f"[{i}].targetContainerName",))


def validate_pod_spec(spec: PodSpec) -> list[FieldError]:
    """Paths are below the spec."""
    return [*_spec_errors(spec)]


def _spec_errors(spec: PodSpec) -> Iterator[FieldError]:
    if not spec.containers:
        yield required("containers")
    if spec.restart_policy not in RESTART_POLICIES:
        yield one_of("restartPolicy", spec.restart_policy, RESTART_POLICIES)
    yield from _sysctl_errors(spec)
    volumes = [volume.name for volume in spec.volumes]
    yield from pod_details.spec_errors(spec)
    for i, name in enumerate(volumes):
        yield from via(f"volumes[{i}].name", _label_errors(name, volumes[:i]))
    seen: list[str] = []
    for path, containers in (
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
    ):
        for i, container in enumerate(containers):
            yield from via(f"{path}[{i}].name", _label_errors(container.name, seen))
            seen.append(container.name)
            for error in _container_errors(container, volumes):
                yield error.via(f"{path}[{i}]")
            for error in _hook_errors(container, spec.termination_grace_period_seconds):
                yield error.via(f"{path}[{i}].lifecycle")


def _sysctl_errors(spec: PodSpec) -> Iterator[FieldError]:
    seen: list[str] = []
    for i, sysctl in enumerate((spec.security_context or {}).get("sysctls") or ()):
        path, name = f"securityContext.sysctls[{i}].name", str(sysctl.get("name") or "")
        if not name:
            yield required(path)
        elif len(name) > SYSCTL_MAX or not _SYSCTL.fullmatch(name):
            detail = (
                f"must have at most {SYSCTL_MAX} characters and match regex ^{_SYSCTL.pattern}$"
            )
            yield invalid(path, name, detail)
        elif name in seen:
            yield duplicate(path, name)
        seen.append(name)


def _label_errors(name: str, taken: Sequence[str]) -> Iterator[FieldError]:
    if not name:
        yield required("")
    elif problems := names.dns1123_label(name):
        yield invalid("", name, problems[0])
    elif name in taken:
        yield duplicate("", name)


def _container_errors(container: Container, volumes: Sequence[str]) -> Iterator[FieldError]:
    if not container.image:
        yield required("image")
    if container.image_pull_policy not in ("", *PULL_POLICIES):
        yield not_supported("imagePullPolicy", container.image_pull_policy, PULL_POLICIES)
    yield from _ports_errors(container.ports)
    for i, variable in enumerate(container.env):
        yield from via(f"env[{i}]", _env_errors(variable))
    for path, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe is not None:
            yield from via(path, _probe_errors(probe, once=path != "readinessProbe"))
    for i, mount in enumerate(container.volume_mounts):
        if mount.name not in volumes:
            yield FieldError(f'Not found: "{mount.name}"', (f"volumeMounts[{i}].name",))
        if not mount.mount_path:
            yield required(f"volumeMounts[{i}].mountPath")
    yield from _resource_errors(container)
    yield from pod_details.container_errors(container)


def _ports_errors(ports: Sequence[ContainerPort]) -> Iterator[FieldError]:
    for i, port in enumerate(ports):
        if port.container_port == 0:
            yield required(f"ports[{i}].containerPort")
        else:
            yield from port_errors(f"ports[{i}].containerPort", port.container_port)
        if port.protocol not in ("", *PROTOCOLS):
            yield not_supported(f"ports[{i}].protocol", port.protocol, PROTOCOLS)
        if port.name and any(port.name == other.name for other in ports[:i]):
            yield duplicate(f"ports[{i}].name", port.name)


def _env_errors(variable: EnvVar) -> Iterator[FieldError]:
    if not variable.name:
        yield required("name")
    elif not _ENV_NAME.fullmatch(variable.name):
        yield invalid(
            "name",
            variable.name,
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
        )
    source = variable.value_from
    if source is None:
        return
    given = [
        ref
        for ref in (
            source.config_map_key_ref,
            source.secret_key_ref,
            source.field_ref,
            source.resource_field_ref,
        )
        if ref is not None
    ]
    if len(given) != 1:
        detail = "may not have more than one field specified at a time" if given else ""
        detail = (
            detail
            or "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        )
        yield invalid("valueFrom", "", detail)
    if source.field_ref is not None:
        yield from via("valueFrom.fieldRef", pod_details.env_field_errors(source.field_ref))
    if variable.value:
        yield invalid("valueFrom", "", "may not be specified when `value` is not empty")


def _hook_errors(container: Container, grace_s: int | None) -> Iterator[FieldError]:
    lifecycle = container.lifecycle
    if lifecycle is None:
        return
    for path, hook in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if hook is not None:
            yield from via(path, _handler_errors(hook, grace_s))


def _handler_errors(hook: LifecycleHandler, grace_s: int | None) -> Iterator[FieldError]:
    given = [
        (name, found)
        for name, found in (
            ("exec", hook.exec),
            ("httpGet", hook.http_get),
            ("tcpSocket", hook.tcp_socket),
            ("sleep", hook.sleep),
        )
        if found is not None
    ]
    if not given:
        yield required("", "must specify a handler type")
    for name, _ in given[1:]:
        yield forbidden(name, "may not specify more than 1 handler type")
    if hook.exec is not None and not hook.exec.command:
        yield required("exec.command")
    if hook.sleep is not None and grace_s is not None and not 0 < hook.sleep.seconds <= grace_s:
        yield invalid(
            "sleep",
            hook.sleep.seconds,
            f"must be greater than 0 and less than terminationGracePeriodSeconds ({grace_s}). "
            "Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.",
        )


def _probe_errors(probe: Probe, *, once: bool) -> Iterator[FieldError]:
    handlers = [
        name
        for name, handler in (
            ("exec", probe.exec),
            ("httpGet", probe.http_get),
            ("tcpSocket", probe.tcp_socket),
            ("grpc", probe.grpc),
        )
        if handler
    ]
    if not handlers:
        yield required("", "must specify a handler type")
    for name in handlers[1:]:
        yield forbidden(name, "may not specify more than 1 handler type")
    yield from pod_details.probe_errors(probe)
    for path, value in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if (value or 0) < 0:
            yield _not_negative(path, value)
    if once and (probe.success_threshold or 1) != 1:
        yield invalid("successThreshold", probe.success_threshold, "must be 1")


def _resource_errors(container: Container) -> Iterator[FieldError]:
    for path, amounts in (
        ("requests", container.resources.requests),
        ("limits", container.resources.limits),
    ):
        for name, amount in amounts.items():
            where = f"resources.{path}[{name}]"
            try:
                if quantity.parse(amount) < 0:
                    yield _not_negative(where, str(amount))
            except ValueError as error:
                yield invalid(where, str(amount), str(error))


def _containers_changed(spec: PodSpec, old: PodSpec) -> list[FieldError]:
    changed = (
        ("containers", "containers", spec.containers, old.containers),
        ("initContainers", "init containers", spec.init_containers, old.init_containers),
    )
    return [
        forbidden(f"spec.{path}", f"pod updates may not add or remove {shown}")
        for path, shown, now, before in changed
        if len(now) != len(before)
    ]


def _fixed_part(spec: PodSpec) -> object:
    rest = spec.model_dump(exclude=set(MUTABLE))
    containers = [c.model_dump(exclude={"image"}) for c in spec.original_containers]
    return rest, containers


def _not_negative(path: str, value: object) -> FieldError:
    return invalid(path, value, "must be greater than or equal to 0")

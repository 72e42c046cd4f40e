"""The lesser rules for pods, in Kubernetes' words: names and numbers that no runtime could take. Pure.

Caller: tanebi.api.core.pod_validation. Behaviour: k8s.io/kubernetes pkg/apis/core/validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tanebi.api import names, quantity
from tanebi.api.core.pod import Container, FieldRef, PodSpec, Probe, SecurityContext, Volume
from tanebi.api.core.refusals import (
    GoValue,
    forbidden,
    invalid,
    not_supported,
    one_of,
    port_errors,
    required,
)
from tanebi.api.fielderrors import FieldError, via

DNS_POLICIES: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
OPERATORS: Final = ("Equal", "Exists")
INT32_MAX: Final = 2**31 - 1
_SUBSCRIPT: Final = re.compile(r"(.*)\['(.*)'\]")
_MAPS: Final = ("metadata.annotations", "metadata.labels")
_TOLD: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_UNTOLD: Final = ("spec.restartPolicy", "spec.schedulerName", "status.phase")
_NO_ESCALATION: Final = GoValue(
    "core.SecurityContext{Privileged:true, AllowPrivilegeEscalation:false}"
)
_OWN_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage")


def spec_errors(spec: PodSpec) -> Iterator[FieldError]:
    """Paths are below the spec."""
    for i, volume in enumerate(spec.volumes):
        yield from via(f"volumes[{i}]", _volume_errors(volume))
    if spec.dns_policy not in ("", *DNS_POLICIES):
        yield one_of("dnsPolicy", spec.dns_policy, DNS_POLICIES)
    deadline = spec.active_deadline_seconds
    if deadline is not None and not 1 <= deadline <= INT32_MAX:
        yield invalid(
            "activeDeadlineSeconds", deadline, f"must be between 1 and {INT32_MAX}, inclusive"
        )
    for name, value in (spec.node_selector or {}).items():
        yield from (invalid("nodeSelector", name, text) for text in names.qualified_name(name))
        yield from (invalid("nodeSelector", value, text) for text in names.label_value(value))
    yield from _toleration_errors(spec.tolerations or ())
    for path, value, rule in (
        ("hostname", spec.hostname, names.dns1123_label),
        ("subdomain", spec.subdomain, names.dns1123_label),
        ("serviceAccountName", spec.service_account_name, names.dns1123_subdomain),
    ):
        if value:
            yield from (invalid(path, value, text) for text in rule(value))


def _toleration_errors(tolerations: Sequence[dict[str, Any]]) -> Iterator[FieldError]:
    for i, toleration in enumerate(tolerations):
        operator = toleration.get("operator") or "Equal"
        if operator not in OPERATORS:
            yield not_supported(f"tolerations[{i}].operator", str(operator), OPERATORS)


def _volume_errors(volume: Volume) -> Iterator[FieldError]:
    given = [
        type(volume).model_fields[name].alias or name
        for name in type(volume).model_fields
        if name != "name" and getattr(volume, name) is not None
    ]
    yield from (forbidden(name, "may not specify more than 1 volume type") for name in given[1:])
    if volume.config_map is not None and not volume.config_map.name:
        yield required("configMap.name")
    if volume.secret is not None and not volume.secret.secret_name:
        yield required("secret.secretName")


def container_errors(container: Container) -> Iterator[FieldError]:
    """Paths are below the container."""
    for i, port in enumerate(container.ports):
        if port.name:
            why = names.port_name(port.name)
            yield from (invalid(f"ports[{i}].name", port.name, words) for words in why)
    yield from _limit_errors(container)
    policy = container.termination_message_policy
    if policy not in ("", *MESSAGE_POLICIES):
        yield one_of("terminationMessagePolicy", policy, MESSAGE_POLICIES)
    if container.security_context is not None:
        yield from via("securityContext", _security_errors(container.security_context))


def probe_errors(probe: Probe) -> Iterator[FieldError]:
    if probe.exec is not None and not probe.exec.command:
        yield required("exec.command")
    if probe.http_get is not None:
        yield from port_errors("httpGet.port", probe.http_get.port)
    if probe.tcp_socket is not None:
        yield from port_errors("tcpSocket.port", probe.tcp_socket.port)


def env_field_errors(ref: FieldRef) -> Iterator[FieldError]:
    """Of what a variable takes from its pod: a member that pods tell, and tell to variables."""
    path = ref.field_path
    if not path:
        yield required("fieldPath")
        return
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript is not None and subscript[1] in _MAPS:
        yield from (invalid("", subscript[2], why) for why in names.qualified_name(subscript[2]))
    elif subscript is not None:
        detail = f"error converting fieldPath: field label does not support subscript: {path}"
        yield invalid("fieldPath", path, detail)
    elif path in (*_MAPS, *_UNTOLD):
        yield not_supported("fieldPath", path, _TOLD)
    elif path not in (*_TOLD, "spec.host"):
        detail = f"error converting fieldPath: field label not supported: {path}"
        yield invalid("fieldPath", path, detail)


def _limit_errors(container: Container) -> Iterator[FieldError]:
    """Of amounts that can be read: others are told elsewhere."""
    requests, limits = container.resources.requests, container.resources.limits
    for path, amounts in (("requests", requests), ("limits", limits)):
        for name in amounts:
            if "/" not in name and name not in _OWN_RESOURCES and not name.startswith("hugepages-"):
                where = f"resources.{path}[{name}]"
                for text in ("resource type or fully qualified", "resource for containers"):
                    yield FieldError(f"Invalid value: {name}: must be a standard {text}", (where,))
    for name, amount in requests.items():
        if name in limits and _more(amount, limits[name]):
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid("resources.requests", str(amount), text)


def _more(one: Any, other: Any) -> bool:
    try:
        return quantity.parse(one) > quantity.parse(other)
    except ValueError:
        return False


def _security_errors(context: SecurityContext) -> Iterator[FieldError]:
    for path, value in (("runAsUser", context.run_as_user), ("runAsGroup", context.run_as_group)):
        if value is not None and not 0 <= value <= INT32_MAX:
            yield invalid(path, value, f"must be between 0 and {INT32_MAX}, inclusive")
    if context.privileged and context.allow_privilege_escalation is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        yield invalid("", _NO_ESCALATION, detail)

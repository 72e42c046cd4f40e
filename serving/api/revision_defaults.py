"""What a revision gets when its author says nothing. Rules: reference/knative-serving.md §1.3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from serving.api.config_defaults import CONFIG_DEFAULTS, RESOURCES, Defaults
from serving.api.config_features import CONFIG_FEATURES, SecurePods
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.api.names import child_name

_HANDLERS: Final = ("tcpSocket", "httpGet", "exec", "grpc")
_WRITABLE_VOLUMES: Final = ("emptyDir", "persistentVolumeClaim", "ephemeral")
_FAILURES: Final = 3
_TIMEOUT_S: Final = 1
_PRIVILEGED_PORT_MAX: Final = 1023


def set_revision_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """A revision is completed once, when it is made; it never changes afterwards."""
    if old is None and not admission.subresource:
        complete_spec(obj.setdefault("spec", {}), obj.get("metadata") or {}, admission)
    return obj


def complete_spec(spec: Obj, parent: Mapping[str, Any], admission: Admission) -> None:
    """Fill in a RevisionSpec. `parent` is the metadata that container name templates see. Changes `spec`."""
    defaults = admission.configs.get(CONFIG_DEFAULTS)
    _complete_timers(spec, defaults)
    if spec.get("containerConcurrency") is None:
        spec["containerConcurrency"] = defaults.container_concurrency
    if spec.get("enableServiceLinks") is None and admission.operation == "CREATE":
        _set(spec, "enableServiceLinks", defaults.enable_service_links)
    containers = _containers(spec, "containers")
    init_containers = _containers(spec, "initContainers")
    _name_containers(containers, init_containers, parent, defaults)
    writable = _writable_volumes(spec)
    for container in (*containers, *init_containers):
        _complete_resources(container, defaults)
        _protect_mounts(container, writable)
    for container in containers:
        _complete_probes(container, serving=len(containers) == 1 or bool(container.get("ports")))
    _secure(
        spec, (*containers, *init_containers), admission.configs.get(CONFIG_FEATURES).secure_pods
    )


def _set(target: Obj, key: str, value: Any) -> None:
    if value is not None:
        target[key] = value


def _containers(spec: Obj, key: str) -> list[Obj]:
    return [c for c in spec.get(key) or () if isinstance(c, dict)]


def _complete_timers(spec: Obj, defaults: Defaults) -> None:
    if not spec.get("timeoutSeconds"):
        spec["timeoutSeconds"] = defaults.timeout_s
    for key, value in (
        ("responseStartTimeoutSeconds", defaults.response_start_timeout_s),
        ("idleTimeoutSeconds", defaults.idle_timeout_s),
    ):
        # A timer as long as the whole request would never fire first, so it is left out.
        if spec.get(key) is None and 0 < value < spec["timeoutSeconds"]:
            spec[key] = value


def _name_containers(
    containers: list[Obj], init_containers: list[Obj], parent: Mapping[str, Any], defaults: Defaults
) -> None:
    values = {
        "Name": parent.get("name") or "",
        "Namespace": parent.get("namespace") or "",
        "GenerateName": parent.get("generateName") or "",
        "Labels": parent.get("labels") or {},
        "Annotations": parent.get("annotations") or {},
    }
    taken = {c["name"] for c in (*containers, *init_containers) if c.get("name")}
    _name_group(containers, defaults.container_name.render(values), taken)
    _name_group(init_containers, defaults.init_container_name.render(values), taken)


def _name_group(containers: list[Obj], base: str, taken: set[str]) -> None:
    suffix = 0
    for container in containers:
        if container.get("name"):
            continue
        name = base
        if len(containers) > 1 or base in taken:
            while (name := child_name(base, f"-{suffix}")) in taken:
                suffix += 1
            suffix += 1
        container["name"] = name


def _complete_resources(container: Obj, defaults: Defaults) -> None:
    resources = container.setdefault("resources", {})
    for key, amounts in (("requests", defaults.requests), ("limits", defaults.limits)):
        missing = {
            name: amounts[name]
            for name in RESOURCES
            if name in amounts and name not in (resources.get(key) or {})
        }
        if missing:
            resources[key] = {**(resources.get(key) or {}), **missing}


def _writable_volumes(spec: Obj) -> set[str]:
    return {
        volume.get("name") or ""
        for volume in spec.get("volumes") or ()
        if any(volume.get(kind) is not None for kind in _WRITABLE_VOLUMES)
    }


def _protect_mounts(container: Obj, writable: set[str]) -> None:
    for mount in container.get("volumeMounts") or ():
        if mount.get("name") not in writable:
            mount["readOnly"] = True


def _complete_probes(container: Obj, *, serving: bool) -> None:
    if serving:
        probe = container.setdefault("readinessProbe", {})
        if not any(probe.get(handler) is not None for handler in _HANDLERS):
            probe["tcpSocket"] = {"port": 0}
    if probe := container.get("readinessProbe"):
        _complete_readiness(probe)
    for key in ("readinessProbe", "livenessProbe", "startupProbe"):
        grpc = (container.get(key) or {}).get("grpc")
        if grpc is not None and grpc.get("service") is None:
            grpc["service"] = ""


def _complete_readiness(probe: Obj) -> None:
    if not probe.get("successThreshold"):
        probe["successThreshold"] = 1
    if probe.get("periodSeconds"):
        # Without a period Knative probes aggressively, and these two must stay zero.
        probe["failureThreshold"] = probe.get("failureThreshold") or _FAILURES
        probe["timeoutSeconds"] = probe.get("timeoutSeconds") or _TIMEOUT_S


def _secure(spec: Obj, containers: Iterable[Obj], level: SecurePods) -> None:
    """`secure-pod-defaults`: what the pod says itself wins."""
    if level == "Disabled":
        return
    pod: Mapping[str, Any] = spec.get("securityContext") or {}
    for container in containers:
        context = container.setdefault("securityContext", {})
        if level == "Enabled" and pod.get("runAsNonRoot") is None:
            context.setdefault("runAsNonRoot", True)
        if not (pod.get("seccompProfile") or {}).get("type"):
            context.setdefault("seccompProfile", {}).setdefault("type", "RuntimeDefault")
        context.setdefault("allowPrivilegeEscalation", False)
        _drop_capabilities(context, container)


def _drop_capabilities(context: Obj, container: Obj) -> None:
    if context.get("capabilities") is not None:  # also {}, which says that none are dropped
        return
    context["capabilities"] = capabilities = {"drop": ["ALL"]}
    ports = [port.get("containerPort") or 0 for port in container.get("ports") or ()]
    if any(0 < p <= _PRIVILEGED_PORT_MAX for p in ports):
        capabilities["add"] = ["NET_BIND_SERVICE"]

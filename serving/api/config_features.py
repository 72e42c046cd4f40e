"""ConfigMap config-features: which optional parts of the pod spec and the data plane may be used (reference §1.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind

Flag = Literal["Enabled", "Allowed", "Disabled"]
SecurePods = Literal["Disabled", "AllowRootBounded", "Enabled"]

_FLAGS: Final[Mapping[str, Flag]] = {
    "enabled": "Enabled",
    "allowed": "Allowed",
    "disabled": "Disabled",
}
_SECURE: Final[Mapping[str, SecurePods]] = {
    "disabled": "Disabled",
    "allowrootbounded": "AllowRootBounded",
    "enabled": "Enabled",
}
SECURE_POD_DEFAULTS: Final = "secure-pod-defaults"

FLAG_TEXT: Final[Mapping[str, tuple[Flag, str]]] = {
    "multi-container": ("Enabled", "More than one container in a pod."),
    "multi-container-probing": ("Disabled", "Probes on containers that take no requests."),
    "tag-header-based-routing": (
        "Disabled",
        "Choosing a tag by the header Knative-Serving-Tag instead of by host.",
    ),
    "autodetect-http2": (
        "Disabled",
        "Trying HTTP/2 on ports that are not named h2c. Without effect: the port's name decides.",
    ),
    "queueproxy.mount-podinfo": (
        "Disabled",
        "Pod information for the sidecar; Allowed leaves it to each revision. Without effect: no sidecar runs.",
    ),
    "queueproxy.resource-defaults": ("Disabled", "Default requests and limits of the sidecar."),
    "kubernetes.podspec-affinity": ("Disabled", "Pod field affinity."),
    "kubernetes.podspec-topologyspreadconstraints": (
        "Disabled",
        "Pod field topologySpreadConstraints.",
    ),
    "kubernetes.podspec-hostaliases": ("Disabled", "Pod field hostAliases."),
    "kubernetes.podspec-nodeselector": ("Disabled", "Pod field nodeSelector."),
    "kubernetes.podspec-tolerations": ("Disabled", "Pod field tolerations."),
    "kubernetes.podspec-fieldref": ("Disabled", "Environment variables from fields of the pod."),
    "kubernetes.podspec-runtimeclassname": ("Disabled", "Pod field runtimeClassName."),
    "kubernetes.podspec-dnspolicy": ("Disabled", "Pod field dnsPolicy."),
    "kubernetes.podspec-dnsconfig": ("Disabled", "Pod field dnsConfig."),
    "kubernetes.podspec-securitycontext": ("Disabled", "Pod field securityContext, in part."),
    "kubernetes.podspec-shareprocessnamespace": ("Disabled", "Pod field shareProcessNamespace."),
    "kubernetes.podspec-hostipc": ("Disabled", "Pod field hostIPC."),
    "kubernetes.podspec-hostpid": ("Disabled", "Pod field hostPID."),
    "kubernetes.podspec-hostnetwork": ("Disabled", "Pod field hostNetwork."),
    "kubernetes.podspec-priorityclassname": ("Disabled", "Pod field priorityClassName."),
    "kubernetes.podspec-schedulername": ("Disabled", "Pod field schedulerName."),
    "kubernetes.podspec-init-containers": ("Disabled", "Pod field initContainers."),
    "kubernetes.podspec-persistent-volume-claim": ("Disabled", "Volumes from claims, read-only."),
    "kubernetes.podspec-persistent-volume-write": ("Disabled", "Writing to volumes from claims."),
    "kubernetes.podspec-volumes-emptydir": ("Enabled", "Volumes that begin empty."),
    "kubernetes.podspec-volumes-hostpath": ("Disabled", "Volumes from a path of the host."),
    "kubernetes.podspec-volumes-csi": ("Disabled", "Volumes from a storage driver."),
    "kubernetes.podspec-volumes-ephemeral": ("Disabled", "Generic ephemeral volumes."),
    "kubernetes.podspec-volumes-image": ("Disabled", "Volumes from images."),
    "kubernetes.podspec-volumes-mount-propagation": (
        "Disabled",
        "Field mountPropagation of volume mounts.",
    ),
    "kubernetes.containerspec-addcapabilities": ("Disabled", "Adding Linux capabilities."),
}


@dataclass(frozen=True, slots=True)
class Features:
    """Ask by the key of the ConfigMap: `features.enabled("multi-container")`."""

    flags: Mapping[str, Flag]
    secure_pods: SecurePods

    def enabled(self, key: str) -> bool:
        return self.flags[key] == "Enabled"

    def permitted(self, key: str) -> bool:
        """Enabled, or left to each resource."""
        return self.flags[key] != "Disabled"


def parse(data: fields.Data) -> Features:
    """Raises ValueError naming the key and the value that is not a state of a flag."""
    flags = {key: _flag(data, key, default) for key, (default, _) in FLAG_TEXT.items()}
    secure = data.get(SECURE_POD_DEFAULTS, "Disabled")
    if secure.lower() not in _SECURE:
        raise ValueError(
            f"{SECURE_POD_DEFAULTS}: {secure!r} is not one of {', '.join(_SECURE.values())}"
        )
    return Features(flags, _SECURE[secure.lower()])


def _flag(data: fields.Data, key: str, default: Flag) -> Flag:
    value = data.get(key, default)
    state = _FLAGS.get(value.lower())
    if state is None:
        raise ValueError(f"{key}: {value!r} is not one of Enabled, Allowed, Disabled")
    return state


def _example() -> str:
    secure = (
        "# Safe settings for pods that say nothing: Disabled, AllowRootBounded (root stays possible) or Enabled.\n"
        f'{SECURE_POD_DEFAULTS}: "Disabled"\n'
    )
    flags = (
        f'# {text}\n{key}: "{default.lower()}"\n' for key, (default, text) in FLAG_TEXT.items()
    )
    return "\n".join((secure, *flags))


CONFIG_FEATURES: Final = ConfigKind(SYSTEM_NAMESPACE, "config-features", parse, example=_example())

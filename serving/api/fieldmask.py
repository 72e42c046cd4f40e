"""Which fields of Kubernetes' types a revision may use (reference/knative-serving.md §1.4, §1.5). Pure.

A mask is the set of JSON names that are allowed; everything else that is set is refused by name. Fields that Kubernetes does not
know are not our business: the API server drops or refuses them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from serving.api.config_features import Features
from tanebi.api.core.pod import PodSpec
from tanebi.api.fielderrors import FieldError, disallowed
from tanebi.api.meta import Model

CONTAINER: Final = frozenset(
    {
        "args",
        "command",
        "env",
        "envFrom",
        "image",
        "imagePullPolicy",
        "livenessProbe",
        "name",
        "ports",
        "readinessProbe",
        "resources",
        "securityContext",
        "startupProbe",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "volumeMounts",
        "workingDir",
    }
)
CONTAINER_PORT: Final = frozenset({"containerPort", "name", "protocol"})
ENV_VAR_SOURCE: Final = frozenset({"configMapKeyRef", "secretKeyRef"})
ENV_VAR_SOURCE_FIELDS: Final = frozenset({"fieldRef", "resourceFieldRef"})
PROBE: Final = frozenset(
    {
        "exec",
        "failureThreshold",
        "grpc",
        "httpGet",
        "initialDelaySeconds",
        "periodSeconds",
        "successThreshold",
        "tcpSocket",
        "timeoutSeconds",
    }
)
RESOURCES: Final = frozenset({"limits", "requests"})
SECURITY_CONTEXT: Final = frozenset(
    {
        "allowPrivilegeEscalation",
        "capabilities",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seccompProfile",
    }
)
POD_SECURITY_CONTEXT: Final = frozenset(
    {"fsGroup", "runAsGroup", "runAsNonRoot", "runAsUser", "seccompProfile", "supplementalGroups"}
)
POD_SECURITY_CONTEXT_SECURE: Final = frozenset({"runAsNonRoot", "seccompProfile"})
VOLUME_MOUNT: Final = frozenset({"mountPath", "name", "readOnly", "subPath"})
BIND_CAPABILITY: Final = "NET_BIND_SERVICE"

_POD_ALWAYS: Final = frozenset(
    {
        "containerConcurrency",
        "containers",
        "enableServiceLinks",
        "idleTimeoutSeconds",
        "imagePullSecrets",
        "responseStartTimeoutSeconds",
        "serviceAccountName",
        "timeoutSeconds",
        "volumes",
    }
)
_POD_GATED: Final = {
    "affinity": "kubernetes.podspec-affinity",
    "topologySpreadConstraints": "kubernetes.podspec-topologyspreadconstraints",
    "hostAliases": "kubernetes.podspec-hostaliases",
    "nodeSelector": "kubernetes.podspec-nodeselector",
    "runtimeClassName": "kubernetes.podspec-runtimeclassname",
    "tolerations": "kubernetes.podspec-tolerations",
    "shareProcessNamespace": "kubernetes.podspec-shareprocessnamespace",
    "hostIPC": "kubernetes.podspec-hostipc",
    "hostPID": "kubernetes.podspec-hostpid",
    "hostNetwork": "kubernetes.podspec-hostnetwork",
    "priorityClassName": "kubernetes.podspec-priorityclassname",
    "schedulerName": "kubernetes.podspec-schedulername",
    "dnsPolicy": "kubernetes.podspec-dnspolicy",
    "dnsConfig": "kubernetes.podspec-dnsconfig",
    "initContainers": "kubernetes.podspec-init-containers",
    "securityContext": "kubernetes.podspec-securitycontext",
}
_POINTERS: Final = frozenset(
    {
        "activeDeadlineSeconds",
        "automountServiceAccountToken",
        "hostUsers",
        "priority",
        "privileged",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "terminationGracePeriodSeconds",
    }
)
"""Fields where false and 0 are something said, not something left out."""


def set_fields(model: Model) -> Iterator[tuple[str, Any]]:
    """The JSON names and values of known fields that say something."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        alias = info.alias or name
        if value is None or name not in model.model_fields_set:
            continue
        if alias in _POINTERS or _says_something(value):
            yield alias, value


def _says_something(value: Any) -> bool:
    return not (value is False or value in ("", 0) or value in ([], {}))


def refused(model: Model | None, allowed: Collection[str]) -> list[FieldError]:
    """One error naming every field outside the mask; none when there is none."""
    if model is None:
        return []
    names = [alias for alias, _ in set_fields(model) if alias not in allowed]
    return [disallowed(*names)] if names else []


def pod_mask(spec: PodSpec, features: Features) -> frozenset[str]:
    """The fields of a revision's pod spec that the features permit."""
    gated = {field for field, key in _POD_GATED.items() if features.permitted(key)}
    if features.secure_pods != "Disabled":
        gated.add("securityContext")
    if spec.automount_service_account_token is False:
        gated.add("automountServiceAccountToken")
    return _POD_ALWAYS | gated


def pod_security_mask(features: Features) -> frozenset[str]:
    if features.permitted("kubernetes.podspec-securitycontext"):
        return POD_SECURITY_CONTEXT
    return POD_SECURITY_CONTEXT_SECURE if features.secure_pods != "Disabled" else frozenset()


def mount_mask(features: Features) -> frozenset[str]:
    propagation = features.permitted("kubernetes.podspec-volumes-mount-propagation")
    return VOLUME_MOUNT | ({"mountPropagation"} if propagation else frozenset())


def env_source_mask(features: Features) -> frozenset[str]:
    fields = features.permitted("kubernetes.podspec-fieldref")
    return ENV_VAR_SOURCE | (ENV_VAR_SOURCE_FIELDS if fields else frozenset())

"""What the tables say, in a form to decode by: message name to fields by number. Pure.

A table gives each message as text, one field after the other: number, JSON name, type. The name `-` is an embedded message
whose members stand in the outer object. Types: `string`, `bool`, `int32`, `int64`, `double`, `bytes`, `Json` (bytes that are
JSON), or a message, some of which have a JSON form of their own (SPECIAL); `[]T` is a list, `map:T` a map from strings. A plain
value that is zero is left out as Go's `omitempty` does, unless `!` (always written) or `?` (a pointer: written when it is there)
follows it.

The facts are those of the generated.proto files and the JSON tags of k8s.io/api, k8s.io/apimachinery and
k8s.io/apiextensions-apiserver 0.32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from tanebi.apiserver.protobuf import (
    tables_apps,
    tables_cluster,
    tables_container,
    tables_extensions,
    tables_hosting,
    tables_identity,
    tables_meta,
    tables_network,
    tables_plain,
    tables_pod,
    tables_policies,
    tables_volume,
    tables_workload,
    wire,
)

MESSAGES: Final[dict[str, str]] = {
    **tables_meta.MESSAGES,
    **tables_plain.MESSAGES,
    **tables_network.MESSAGES,
    **tables_volume.MESSAGES,
    **tables_container.MESSAGES,
    **tables_pod.MESSAGES,
    **tables_workload.MESSAGES,
    **tables_apps.MESSAGES,
    **tables_cluster.MESSAGES,
    **tables_hosting.MESSAGES,
    **tables_identity.MESSAGES,
    **tables_policies.MESSAGES,
    **tables_extensions.MESSAGES,
}
# DeleteOptions is in every API group, so it goes by its kind alone.
DELETE_OPTIONS: Final = "DeleteOptions"
ROOTS: Final = frozenset(
    {
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("v1", "ConfigMap"),
        ("v1", "Endpoints"),
        ("v1", "Event"),
        ("v1", "LimitRange"),
        ("v1", "Namespace"),
        ("v1", "Node"),
        ("v1", "PersistentVolume"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Pod"),
        ("v1", "PodTemplate"),
        ("v1", "ReplicationController"),
        ("v1", "ResourceQuota"),
        ("v1", "Secret"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("apps/v1", "ControllerRevision"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("autoscaling/v1", "HorizontalPodAutoscaler"),
        ("authentication.k8s.io/v1", "SelfSubjectReview"),
        ("authentication.k8s.io/v1", "TokenRequest"),
        ("authentication.k8s.io/v1", "TokenReview"),
        ("authorization.k8s.io/v1", "LocalSubjectAccessReview"),
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview"),
        ("authorization.k8s.io/v1", "SubjectAccessReview"),
        ("autoscaling/v1", "Scale"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("batch/v1", "CronJob"),
        ("batch/v1", "Job"),
        ("certificates.k8s.io/v1", "CertificateSigningRequest"),
        ("coordination.k8s.io/v1", "Lease"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("events.k8s.io/v1", "Event"),
        ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "IngressClass"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "Eviction"),
        ("policy/v1", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("node.k8s.io/v1", "RuntimeClass"),
        ("storage.k8s.io/v1", "CSIDriver"),
        ("storage.k8s.io/v1", "CSINode"),
        ("storage.k8s.io/v1", "CSIStorageCapacity"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("storage.k8s.io/v1", "VolumeAttachment"),
    }
)
# Kinds whose message has another name, because two groups or versions have a kind of theirs.
_RENAMED: Final = {
    ("autoscaling/v1", "HorizontalPodAutoscaler"): "V1HorizontalPodAutoscaler",
    ("events.k8s.io/v1", "Event"): "EventsEvent",
}
SPECIAL: Final = frozenset(
    {"Time", "MicroTime", "Quantity", "IntOrString", "FieldsV1", "JSON", "ExtraValue"}
    | {"JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"}
)
_VARINTS: Final = frozenset({"bool", "int32", "int64"})
_SCALARS: Final = _VARINTS | {"string", "bytes", "Json", "double"}


@dataclass(frozen=True, slots=True)
class Field:
    """`name` empty: an embedded message. `zeros`: a zero value is written too."""

    name: str
    type: str
    many: bool = False
    mapped: bool = False
    zeros: bool = False

    @property
    def wire_type(self) -> int:
        if self.mapped:
            return wire.BYTES
        if self.type == "double":
            return wire.FIXED64
        return wire.VARINT if self.type in _VARINTS else wire.BYTES

    @property
    def packable(self) -> bool:
        return self.many and self.type in _VARINTS

    @property
    def is_plain(self) -> bool:
        return self.type in _SCALARS

    @property
    def is_message(self) -> bool:
        return not self.is_plain and self.type not in SPECIAL


def known(api_version: str, kind: str) -> bool:
    return kind == DELETE_OPTIONS or (api_version, kind) in ROOTS


def message_of(api_version: str, kind: str) -> str:
    """The message of a known kind."""
    return _RENAMED.get((api_version, kind), kind)


@cache
def fields_of(message: str) -> dict[int, Field]:
    """The fields of a message in the tables, by number."""
    return {
        int(number): _field(name, type_)
        for number, name, type_ in (part.split() for part in MESSAGES[message].split(",") if part)
    }


def _field(name: str, type_: str) -> Field:
    bare = type_.rstrip("!?")
    plain = bare.removeprefix("[]").removeprefix("map:")
    return Field(
        name="" if name == "-" else name,
        type=plain,
        many=bare.startswith("[]"),
        mapped=bare.startswith("map:"),
        zeros=bare != type_,
    )

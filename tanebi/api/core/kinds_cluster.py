"""Kinds of the cluster around the pods: node, volumes, quotas, priorities, networking. Caller: tanebi.api.core.kinds."""

from __future__ import annotations

from typing import Final

from tanebi.api.core import ingress, node, policy, storage
from tanebi.api.core.ingress_rules import (
    INGRESS_CLASS_COLUMNS,
    INGRESS_COLUMNS,
    NETWORK_POLICY_COLUMNS,
    default_network_policy,
    validate_ingress,
    validate_ingress_class,
    validate_network_policy,
)
from tanebi.api.core.node_rules import (
    NODE_COLUMNS,
    validate_node,
)
from tanebi.api.core.policy_rules import (
    LIMIT_RANGE_COLUMNS,
    PRIORITY_CLASS_COLUMNS,
    QUOTA_COLUMNS,
    default_limit_range,
    default_priority_class,
    validate_limit_range,
    validate_priority_class,
    validate_quota,
)
from tanebi.api.core.storage_rules import (
    CLAIM_COLUMNS,
    STORAGE_CLASS_COLUMNS,
    VOLUME_COLUMNS,
    default_claim,
    default_storage_class,
    default_volume,
    validate_claim,
    validate_storage_class,
    validate_volume,
)
from tanebi.api.kind import AnyKind, Kind

NODE: Final = Kind(
    "",
    "v1",
    "Node",
    "nodes",
    node.Node,
    short_names=("no",),
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=NODE_COLUMNS,
    validate=validate_node,
)
CLAIM: Final = Kind(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    storage.PersistentVolumeClaim,
    short_names=("pvc",),
    builtin=True,
    has_generation=False,
    columns=CLAIM_COLUMNS,
    defaults=default_claim,
    validate=validate_claim,
)
VOLUME: Final = Kind(
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    storage.PersistentVolume,
    short_names=("pv",),
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=VOLUME_COLUMNS,
    defaults=default_volume,
    validate=validate_volume,
)
STORAGE_CLASS: Final = Kind(
    "storage.k8s.io",
    "v1",
    "StorageClass",
    "storageclasses",
    storage.StorageClass,
    short_names=("sc",),
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=STORAGE_CLASS_COLUMNS,
    defaults=default_storage_class,
    validate=validate_storage_class,
)
RESOURCE_QUOTA: Final = Kind(
    "",
    "v1",
    "ResourceQuota",
    "resourcequotas",
    policy.ResourceQuota,
    short_names=("quota",),
    builtin=True,
    has_generation=False,
    columns=QUOTA_COLUMNS,
    validate=validate_quota,
)
LIMIT_RANGE: Final = Kind(
    "",
    "v1",
    "LimitRange",
    "limitranges",
    policy.LimitRange,
    short_names=("limits",),
    status=False,
    builtin=True,
    has_generation=False,
    columns=LIMIT_RANGE_COLUMNS,
    defaults=default_limit_range,
    validate=validate_limit_range,
)
PRIORITY_CLASS: Final = Kind(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    policy.PriorityClass,
    short_names=("pc",),
    namespaced=False,
    status=False,
    builtin=True,
    columns=PRIORITY_CLASS_COLUMNS,
    defaults=default_priority_class,
    validate=validate_priority_class,
)
INGRESS: Final = Kind(
    "networking.k8s.io",
    "v1",
    "Ingress",
    "ingresses",
    ingress.Ingress,
    short_names=("ing",),
    builtin=True,
    columns=INGRESS_COLUMNS,
    validate=validate_ingress,
)
INGRESS_CLASS: Final = Kind(
    "networking.k8s.io",
    "v1",
    "IngressClass",
    "ingressclasses",
    ingress.IngressClass,
    namespaced=False,
    status=False,
    builtin=True,
    columns=INGRESS_CLASS_COLUMNS,
    validate=validate_ingress_class,
)
NETWORK_POLICY: Final = Kind(
    "networking.k8s.io",
    "v1",
    "NetworkPolicy",
    "networkpolicies",
    ingress.NetworkPolicy,
    short_names=("netpol",),
    status=False,
    builtin=True,
    columns=NETWORK_POLICY_COLUMNS,
    defaults=default_network_policy,
    validate=validate_network_policy,
)

CLUSTER_KINDS: Final[tuple[AnyKind, ...]] = (
    NODE,
    CLAIM,
    VOLUME,
    STORAGE_CLASS,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    PRIORITY_CLASS,
    INGRESS,
    INGRESS_CLASS,
    NETWORK_POLICY,
)

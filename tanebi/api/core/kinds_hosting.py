"""Kinds in which drivers and runtimes keep their books. Caller: tanebi.api.core.kinds."""

from __future__ import annotations

from typing import Final

from tanebi.api.core import hosting
from tanebi.api.core.hosting_rules import (
    ATTACHMENT_COLUMNS,
    CSI_CAPACITY_COLUMNS,
    CSI_DRIVER_COLUMNS,
    CSI_NODE_COLUMNS,
    RUNTIME_CLASS_COLUMNS,
    default_csi_driver,
    validate_attachment,
    validate_csi_capacity,
    validate_csi_driver,
    validate_csi_node,
    validate_runtime_class,
)
from tanebi.api.kind import AnyKind, Kind

RUNTIME_CLASS: Final = Kind(
    "node.k8s.io",
    "v1",
    "RuntimeClass",
    "runtimeclasses",
    hosting.RuntimeClass,
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=RUNTIME_CLASS_COLUMNS,
    validate=validate_runtime_class,
)
CSI_DRIVER: Final = Kind(
    "storage.k8s.io",
    "v1",
    "CSIDriver",
    "csidrivers",
    hosting.CsiDriver,
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=CSI_DRIVER_COLUMNS,
    defaults=default_csi_driver,
    validate=validate_csi_driver,
)
CSI_NODE: Final = Kind(
    "storage.k8s.io",
    "v1",
    "CSINode",
    "csinodes",
    hosting.CsiNode,
    namespaced=False,
    status=False,
    builtin=True,
    has_generation=False,
    columns=CSI_NODE_COLUMNS,
    validate=validate_csi_node,
)
CSI_CAPACITY: Final = Kind(
    "storage.k8s.io",
    "v1",
    "CSIStorageCapacity",
    "csistoragecapacities",
    hosting.CsiStorageCapacity,
    status=False,
    builtin=True,
    has_generation=False,
    columns=CSI_CAPACITY_COLUMNS,
    validate=validate_csi_capacity,
)
VOLUME_ATTACHMENT: Final = Kind(
    "storage.k8s.io",
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    hosting.VolumeAttachment,
    namespaced=False,
    builtin=True,
    has_generation=False,
    columns=ATTACHMENT_COLUMNS,
    validate=validate_attachment,
)

HOSTING_KINDS: Final[tuple[AnyKind, ...]] = (
    RUNTIME_CLASS,
    CSI_DRIVER,
    CSI_NODE,
    CSI_CAPACITY,
    VOLUME_ATTACHMENT,
)

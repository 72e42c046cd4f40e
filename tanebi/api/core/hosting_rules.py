"""RuntimeClass, CSIDriver, CSINode, CSIStorageCapacity and VolumeAttachment: defaults, validation and columns.

Texts and rules: k8s.io/kubernetes pkg/apis/{node,storage}/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tanebi.api import names
from tanebi.api.core.hosting import (
    CsiDriver,
    CsiNode,
    CsiStorageCapacity,
    RuntimeClass,
    VolumeAttachment,
)
from tanebi.api.core.pod_defaults import fill
from tanebi.api.core.refusals import duplicate, invalid, required
from tanebi.api.fielderrors import FieldError
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

IMMUTABLE: Final = "field is immutable"
AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")
RUNTIME_CLASS_COLUMNS: Final = (Column("Handler", ".handler"), AGE)
CSI_DRIVER_COLUMNS: Final = (
    Column("AttachRequired", ".spec.attachRequired", "boolean"),
    Column("PodInfoOnMount", ".spec.podInfoOnMount", "boolean"),
    Column("StorageCapacity", ".spec.storageCapacity", "boolean"),
    Column(
        "TokenRequests",
        cell=lambda obj, now: (
            ",".join(
                str(t.get("audience", ""))
                for t in (obj.get("spec") or {}).get("tokenRequests") or ()
            )
            or "<unset>"
        ),
    ),
    Column("RequiresRepublish", ".spec.requiresRepublish", "boolean"),
    Column(
        "Modes",
        cell=lambda obj, now: ",".join((obj.get("spec") or {}).get("volumeLifecycleModes") or ()),
    ),
    AGE,
)
CSI_NODE_COLUMNS: Final = (
    Column(
        "Drivers",
        type="integer",
        cell=lambda obj, now: len((obj.get("spec") or {}).get("drivers") or ()),
    ),
    AGE,
)
CSI_CAPACITY_COLUMNS: Final = (
    Column("StorageClassName", ".storageClassName"),
    Column("Capacity", ".capacity"),
)
ATTACHMENT_COLUMNS: Final = (
    Column("Attacher", ".spec.attacher"),
    Column("PV", ".spec.source.persistentVolumeName"),
    Column("Node", ".spec.nodeName"),
    Column("Attached", ".status.attached", "boolean"),
    AGE,
)


def validate_runtime_class(
    found: RuntimeClass, old: RuntimeClass | None, admission: Admission
) -> list[FieldError]:
    if old is not None and found.handler != old.handler:
        return [invalid("handler", found.handler, IMMUTABLE)]
    if problems := names.dns1123_label(found.handler):
        return [invalid("handler", found.handler, problems[0])]
    return []


def default_csi_driver(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    fill(
        obj.setdefault("spec", {}),
        {
            "attachRequired": True,
            "podInfoOnMount": False,
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "volumeLifecycleModes": ["Persistent"],
            "requiresRepublish": False,
            "seLinuxMount": False,
        },
    )
    return obj


def validate_csi_driver(
    found: CsiDriver, old: CsiDriver | None, admission: Admission
) -> list[FieldError]:
    if old is None:
        return []
    fixed = (
        ("attachRequired", found.spec.attach_required, old.spec.attach_required),
        (
            "volumeLifecycleModes",
            found.spec.volume_lifecycle_modes,
            old.spec.volume_lifecycle_modes,
        ),
    )
    return [invalid(f"spec.{name}", new, IMMUTABLE) for name, new, was in fixed if new != was]


def validate_csi_node(
    found: CsiNode, old: CsiNode | None, admission: Admission
) -> list[FieldError]:
    return [*_driver_errors(found)]


def _driver_errors(found: CsiNode) -> Iterator[FieldError]:
    drivers = found.spec.drivers or []
    for i, driver in enumerate(drivers):
        where = f"spec.drivers[{i}]"
        if not driver.name:
            yield required(f"{where}.name")
        if not driver.node_id:
            yield required(f"{where}.nodeID")
        if any(driver.name == other.name for other in drivers[:i]):
            yield duplicate(f"{where}.name", driver.name)


def validate_csi_capacity(
    found: CsiStorageCapacity, old: CsiStorageCapacity | None, admission: Admission
) -> list[FieldError]:
    if not found.storage_class_name:
        return [required("storageClassName")]
    errors = []
    if old is not None and found.storage_class_name != old.storage_class_name:
        errors.append(invalid("storageClassName", found.storage_class_name, IMMUTABLE))
    if old is not None and found.node_topology != old.node_topology:
        errors.append(invalid("nodeTopology", found.node_topology, IMMUTABLE))
    return errors


def validate_attachment(
    found: VolumeAttachment, old: VolumeAttachment | None, admission: Admission
) -> list[FieldError]:
    if old is not None:
        return [] if found.spec == old.spec else [invalid("spec", "", IMMUTABLE)]
    given = (("attacher", found.spec.attacher), ("nodeName", found.spec.node_name))
    errors = [required(f"spec.{name}") for name, value in given if not value]
    source = found.spec.source
    if not source.persistent_volume_name and source.inline_volume_spec is None:
        errors.append(
            required(
                "spec.source",
                "must specify exactly one of inlineVolumeSpec and persistentVolumeName",
            )
        )
    return errors

"""What drivers and runtimes of a cluster tell of themselves: RuntimeClass (node.k8s.io/v1), CSIDriver, CSINode,
CSIStorageCapacity and VolumeAttachment (storage.k8s.io/v1).

Drivers that come as pods keep their books in these; the platform itself reads only RuntimeClass.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import ResourceAmounts
from tanebi.api.meta import Model, Resource


class Overhead(Model):
    pod_fixed: ResourceAmounts = Field(default_factory=dict)


class RuntimeScheduling(Model):
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[dict[str, Any]] = Field(default_factory=list)


class RuntimeClass(Resource):
    handler: str = ""
    overhead: Overhead | None = None
    scheduling: RuntimeScheduling | None = None


class CsiTokenRequest(Model):
    audience: str = ""
    expiration_seconds: int | None = None


class CsiDriverSpec(Model):
    attach_required: bool | None = None
    pod_info_on_mount: bool | None = None
    volume_lifecycle_modes: list[str] = Field(default_factory=list)
    storage_capacity: bool | None = None
    fs_group_policy: str | None = None
    token_requests: list[CsiTokenRequest] = Field(default_factory=list)
    requires_republish: bool | None = None
    se_linux_mount: bool | None = None


class CsiDriver(Resource):
    spec: CsiDriverSpec = Field(default_factory=CsiDriverSpec)


class VolumeNodeResources(Model):
    count: int | None = None


class CsiNodeDriver(Model):
    name: str = ""
    node_id: str = Field(default="", alias="nodeID")
    topology_keys: list[str] | None = None
    allocatable: VolumeNodeResources | None = None


class CsiNodeSpec(Model):
    drivers: list[CsiNodeDriver] | None = None


class CsiNode(Resource):
    spec: CsiNodeSpec = Field(default_factory=CsiNodeSpec)


class CsiStorageCapacity(Resource):
    node_topology: dict[str, Any] | None = None
    storage_class_name: str = ""
    capacity: str | int | float | None = None
    maximum_volume_size: str | int | float | None = None


class AttachmentSource(Model):
    persistent_volume_name: str | None = None
    inline_volume_spec: dict[str, Any] | None = None


class AttachmentSpec(Model):
    attacher: str = ""
    source: AttachmentSource = Field(default_factory=AttachmentSource)
    node_name: str = ""


class VolumeProblem(Model):
    time: str | None = None
    message: str = ""


class AttachmentStatus(Model):
    attached: bool = False
    attachment_metadata: dict[str, str] = Field(default_factory=dict)
    attach_error: VolumeProblem | None = None
    detach_error: VolumeProblem | None = None


class VolumeAttachment(Resource):
    spec: AttachmentSpec = Field(default_factory=AttachmentSpec)
    status: AttachmentStatus = Field(default_factory=AttachmentStatus)

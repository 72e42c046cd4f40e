"""PersistentVolumeClaim and PersistentVolume (v1), StorageClass (storage.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import ResourceAmounts
from tanebi.api.meta import Model, Resource


class VolumeResources(Model):
    limits: ResourceAmounts = Field(default_factory=dict)
    requests: ResourceAmounts = Field(default_factory=dict)


class ClaimSpec(Model):
    access_modes: list[str] = Field(default_factory=list)
    selector: dict[str, Any] | None = None
    resources: VolumeResources = Field(default_factory=VolumeResources)
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_mode: str | None = None
    data_source: dict[str, Any] | None = None
    data_source_ref: dict[str, Any] | None = None
    volume_attributes_class_name: str | None = None


class ClaimStatus(Model):
    phase: str = ""
    access_modes: list[str] = Field(default_factory=list)
    capacity: ResourceAmounts = Field(default_factory=dict)
    conditions: list[dict[str, Any]] = Field(default_factory=list)
    allocated_resources: ResourceAmounts | None = None
    allocated_resource_statuses: dict[str, str] | None = None
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: dict[str, Any] | None = None


class PersistentVolumeClaim(Resource):
    spec: ClaimSpec = Field(default_factory=ClaimSpec)
    status: ClaimStatus = Field(default_factory=ClaimStatus)


class ClaimRef(Model):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    resource_version: str = ""
    field_path: str = ""


class HostPath(Model):
    path: str = ""
    type: str | None = None


class LocalPath(Model):
    path: str = ""
    fs_type: str | None = None


class VolumeSpec(Model):
    capacity: ResourceAmounts = Field(default_factory=dict)
    host_path: HostPath | None = None
    local: LocalPath | None = None
    csi: dict[str, Any] | None = None
    nfs: dict[str, Any] | None = None
    access_modes: list[str] = Field(default_factory=list)
    claim_ref: ClaimRef | None = None
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    mount_options: list[str] = Field(default_factory=list)
    volume_mode: str | None = None
    node_affinity: dict[str, Any] | None = None
    volume_attributes_class_name: str | None = None


class VolumeStatus(Model):
    phase: str = ""
    message: str = ""
    reason: str = ""
    last_phase_transition_time: str | None = None


class PersistentVolume(Resource):
    spec: VolumeSpec = Field(default_factory=VolumeSpec)
    status: VolumeStatus = Field(default_factory=VolumeStatus)


class StorageClass(Resource):
    provisioner: str = ""
    parameters: dict[str, str] = Field(default_factory=dict)
    reclaim_policy: str | None = None
    mount_options: list[str] = Field(default_factory=list)
    allow_volume_expansion: bool | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: list[dict[str, Any]] = Field(default_factory=list)

"""Node (v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.core.pod import PodCondition, ResourceAmounts
from tanebi.api.meta import Model, Resource


class Taint(Model):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: str | None = None


class NodeSpec(Model):
    pod_cidr: str = Field(default="", alias="podCIDR")
    pod_cidrs: list[str] = Field(default_factory=list, alias="podCIDRs")
    provider_id: str = Field(default="", alias="providerID")
    unschedulable: bool | None = None
    taints: list[Taint] = Field(default_factory=list)
    config_source: dict[str, Any] | None = None
    external_id: str = Field(default="", alias="externalID")


class NodeCondition(PodCondition):
    last_heartbeat_time: str | None = None


class NodeAddress(Model):
    type: str = ""
    address: str = ""


class NodeSystemInfo(Model):
    machine_id: str = Field(default="", alias="machineID")
    system_uuid: str = Field(default="", alias="systemUUID")
    boot_id: str = Field(default="", alias="bootID")
    kernel_version: str = ""
    os_image: str = ""
    container_runtime_version: str = ""
    kubelet_version: str = ""
    kube_proxy_version: str = ""
    operating_system: str = ""
    architecture: str = ""


class NodeStatus(Model):
    capacity: ResourceAmounts = Field(default_factory=dict)
    allocatable: ResourceAmounts = Field(default_factory=dict)
    phase: str = ""
    conditions: list[NodeCondition] = Field(default_factory=list)
    addresses: list[NodeAddress] = Field(default_factory=list)
    daemon_endpoints: dict[str, Any] | None = None
    node_info: NodeSystemInfo = Field(default_factory=NodeSystemInfo)
    images: list[dict[str, Any]] = Field(default_factory=list)
    volumes_in_use: list[str] = Field(default_factory=list)
    volumes_attached: list[dict[str, Any]] = Field(default_factory=list)
    config: dict[str, Any] | None = None
    runtime_handlers: list[dict[str, Any]] = Field(default_factory=list)
    features: dict[str, Any] | None = None


class Node(Resource):
    spec: NodeSpec = Field(default_factory=NodeSpec)
    status: NodeStatus = Field(default_factory=NodeStatus)

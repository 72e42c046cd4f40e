"""Pod and everything inside it (core/v1)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tanebi.api.meta import Model, Resource

IntOrString = int | str
ResourceAmounts = dict[str, str | int | float]


class KeySelector(Model):
    name: str = ""
    key: str = ""
    optional: bool | None = None


class FieldRef(Model):
    api_version: str = ""
    field_path: str = ""


class ResourceFieldRef(Model):
    container_name: str = ""
    resource: str = ""
    divisor: str | int | None = None


class EnvVarSource(Model):
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None


class EnvVar(Model):
    name: str = ""
    value: str = ""
    value_from: EnvVarSource | None = None


class ObjectRef(Model):
    name: str = ""
    optional: bool | None = None


class EnvFromSource(Model):
    prefix: str = ""
    config_map_ref: ObjectRef | None = None
    secret_ref: ObjectRef | None = None


class ContainerPort(Model):
    name: str = ""
    container_port: int = 0
    host_port: int | None = None
    host_ip: str = Field(default="", alias="hostIP")
    protocol: str = ""


class ExecAction(Model):
    command: list[str] = Field(default_factory=list)


class HttpHeader(Model):
    name: str = ""
    value: str = ""


class HttpGetAction(Model):
    path: str = ""
    port: IntOrString = 0
    host: str = ""
    scheme: str = ""
    http_headers: list[HttpHeader] = Field(default_factory=list)


class TcpSocketAction(Model):
    port: IntOrString = 0
    host: str = ""


class GrpcAction(Model):
    port: int = 0
    service: str | None = None


class Probe(Model):
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GrpcAction | None = None
    initial_delay_seconds: int | None = None
    timeout_seconds: int | None = None
    period_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class SleepAction(Model):
    seconds: int = 0


class LifecycleHandler(Model):
    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Model):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class VolumeMount(Model):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool | None = None
    mount_propagation: str | None = None
    recursive_read_only: str | None = None


class Capabilities(Model):
    add: list[str] = Field(default_factory=list)
    drop: list[str] = Field(default_factory=list)


class SeccompProfile(Model):
    type: str = ""
    localhost_profile: str | None = None


class SecurityContext(Model):
    capabilities: Capabilities | None = None
    privileged: bool | None = None
    se_linux_options: dict[str, Any] | None = None
    windows_options: dict[str, Any] | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    proc_mount: str | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: dict[str, Any] | None = None


class ResourceRequirements(Model):
    limits: ResourceAmounts = Field(default_factory=dict)
    requests: ResourceAmounts = Field(default_factory=dict)
    claims: list[dict[str, Any]] = Field(default_factory=list)


class Container(Model):
    name: str = ""
    image: str = ""
    command: list[str] = Field(default_factory=list)
    args: list[str] = Field(default_factory=list)
    working_dir: str = ""
    ports: list[ContainerPort] = Field(default_factory=list)
    env_from: list[EnvFromSource] = Field(default_factory=list)
    env: list[EnvVar] = Field(default_factory=list)
    resources: ResourceRequirements = Field(default_factory=ResourceRequirements)
    resize_policy: list[dict[str, Any]] | None = None
    restart_policy: str | None = None
    volume_mounts: list[VolumeMount] = Field(default_factory=list)
    volume_devices: list[dict[str, Any]] | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    tty: bool | None = None


class EphemeralContainer(Container):
    """One that is added to a pod that runs, to look at it; it is never started again."""

    target_container_name: str = ""


class KeyToPath(Model):
    key: str = ""
    path: str = ""
    mode: int | None = None


class SecretVolume(Model):
    secret_name: str = ""
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: int | None = None
    optional: bool | None = None


class ConfigMapVolume(Model):
    name: str = ""
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: int | None = None
    optional: bool | None = None


class EmptyDirVolume(Model):
    medium: str = ""
    size_limit: str | int | None = None


class ProjectedVolume(Model):
    sources: list[dict[str, Any]] = Field(default_factory=list)
    default_mode: int | None = None


class ClaimVolume(Model):
    claim_name: str = ""
    read_only: bool | None = None


class Volume(Model):
    name: str = ""
    secret: SecretVolume | None = None
    config_map: ConfigMapVolume | None = None
    empty_dir: EmptyDirVolume | None = None
    projected: ProjectedVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None
    host_path: dict[str, Any] | None = None
    csi: dict[str, Any] | None = None
    ephemeral: dict[str, Any] | None = None
    image: dict[str, Any] | None = None
    downward_api: dict[str, Any] | None = Field(default=None, alias="downwardAPI")
    nfs: dict[str, Any] | None = None


class PodSpec(Model):
    containers: list[Container] = Field(default_factory=list)
    init_containers: list[Container] = Field(default_factory=list)
    ephemeral_containers: list[EphemeralContainer] = Field(default_factory=list)
    volumes: list[Volume] = Field(default_factory=list)
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    dns_policy: str = ""
    node_selector: dict[str, str] | None = None
    service_account_name: str = ""
    service_account: str = ""
    automount_service_account_token: bool | None = None
    node_name: str = ""
    host_network: bool | None = None
    host_pid: bool | None = Field(default=None, alias="hostPID")
    host_ipc: bool | None = Field(default=None, alias="hostIPC")
    share_process_namespace: bool | None = None
    security_context: dict[str, Any] | None = None
    image_pull_secrets: list[ObjectRef] = Field(default_factory=list)
    hostname: str = ""
    subdomain: str = ""
    affinity: dict[str, Any] | None = None
    scheduler_name: str = ""
    tolerations: list[dict[str, Any]] | None = None
    host_aliases: list[dict[str, Any]] | None = None
    priority_class_name: str = ""
    priority: int | None = None
    dns_config: dict[str, Any] | None = None
    readiness_gates: list[dict[str, Any]] | None = None
    runtime_class_name: str | None = None
    enable_service_links: bool | None = None
    preemption_policy: str | None = None
    overhead: ResourceAmounts | None = None
    topology_spread_constraints: list[dict[str, Any]] | None = None
    set_hostname_as_fqdn: bool | None = Field(default=None, alias="setHostnameAsFQDN")
    os: dict[str, Any] | None = None
    host_users: bool | None = None
    scheduling_gates: list[dict[str, Any]] | None = None
    resource_claims: list[dict[str, Any]] | None = None

    @property
    def original_containers(self) -> tuple[Container, ...]:
        """Those it was made with: all but ephemeral ones."""
        return (*self.init_containers, *self.containers)


class StateRunning(Model):
    started_at: str | None = None


class StateTerminated(Model):
    exit_code: int = 0
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    container_id: str = Field(default="", alias="containerID")


class StateWaiting(Model):
    reason: str = ""
    message: str = ""


class ContainerState(Model):
    running: StateRunning | None = None
    terminated: StateTerminated | None = None
    waiting: StateWaiting | None = None


class ContainerStatus(Model):
    name: str = ""
    state: ContainerState = Field(default_factory=ContainerState)
    last_state: ContainerState = Field(default_factory=ContainerState)
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    image_id: str = Field(default="", alias="imageID")
    container_id: str = Field(default="", alias="containerID")
    started: bool | None = None
    resources: ResourceRequirements | None = None


class PodCondition(Model):
    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_probe_time: str | None = None
    observed_generation: int | None = None


class PodIp(Model):
    ip: str = ""


class PodStatus(Model):
    phase: str = ""
    conditions: list[PodCondition] = Field(default_factory=list)
    message: str = ""
    reason: str = ""
    host_ip: str = Field(default="", alias="hostIP")
    host_ips: list[PodIp] = Field(default_factory=list, alias="hostIPs")
    pod_ip: str = Field(default="", alias="podIP")
    pod_ips: list[PodIp] = Field(default_factory=list, alias="podIPs")
    start_time: str | None = None
    init_container_statuses: list[ContainerStatus] = Field(default_factory=list)
    container_statuses: list[ContainerStatus] = Field(default_factory=list)
    ephemeral_container_statuses: list[dict[str, Any]] | None = None
    qos_class: str = ""
    observed_generation: int | None = None
    nominated_node_name: str = ""
    resize: str = ""

    def condition(self, type_: str) -> PodCondition | None:
        return next((c for c in self.conditions if c.type == type_), None)

    @property
    def is_ready(self) -> bool:
        found = self.condition("Ready")
        return found is not None and found.status == "True"


class Pod(Resource):
    spec: PodSpec = Field(default_factory=PodSpec)
    status: PodStatus = Field(default_factory=PodStatus)

    @property
    def every_container(self) -> tuple[Container, ...]:
        return (*self.spec.original_containers, *self.spec.ephemeral_containers)


class PodTemplateSpec(Model):
    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: PodSpec = Field(default_factory=PodSpec)

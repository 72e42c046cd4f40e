"""From a pod's container to what the engine is asked to create. Pure.

What Kubernetes' container runtimes do with the same fields: `command` is the entrypoint and `args` the command, a limit is a
cgroup limit, a request only a weight; a container's securityContext goes before the pod's. Ulimits are sent always: an engine's
own defaults may exceed what its caller may set, and then every start fails with `setrlimit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.core.pod import Container, Pod, ResourceRequirements, SecurityContext
from tanebi.api.meta import Obj
from tanebi.kubelet.resolvconf import Resolving, hostname

PLATFORM_LABEL: Final = "tanebi.dev/platform"
POD_LABEL: Final = "tanebi.dev/pod-uid"
CONTAINER_LABEL: Final = "tanebi.dev/container"
NANO: Final = 10**9
SHARES_PER_CPU: Final = 1024
SHARES_MIN: Final = 2
OPEN_FILES: Final = 16384
PROCESSES: Final = 16384


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard limits that a container may get, open files and processes: no more than ours."""

    open_files: int = OPEN_FILES
    processes: int = PROCESSES

    def body(self) -> list[Obj]:
        return [
            {"Name": "nofile", "Soft": self.open_files, "Hard": self.open_files},
            {"Name": "nproc", "Soft": self.processes, "Hard": self.processes},
        ]


@dataclass(frozen=True, slots=True)
class Mount:
    source: str
    target: str
    read_only: bool

    def bind(self) -> str:
        return f"{self.source}:{self.target}:{'ro' if self.read_only else 'rw'}"


@dataclass(frozen=True, slots=True)
class Place:
    """What containers of one platform share."""

    platform: str
    network: str
    limits: Limits
    podman: bool


def sandbox_body(
    pod: Pod | None, image: str, place: Place, *, dns: Resolving | None = None, network: str = ""
) -> Obj:
    """The container that holds a pod's network, name and IPC; without a pod, one that is named later.

    `network`: the file of a network namespace to be in, instead of one on the engine's network.
    """
    own = pod is None or not pod.spec.host_network
    labels = {PLATFORM_LABEL: place.platform} if pod is None else _labels(pod, "", place)
    aliases = pod.spec.host_aliases or () if pod is not None else ()
    return {
        "Image": image,
        **({"Hostname": hostname(pod)} if own and pod is not None else {}),
        "Labels": labels,
        "HostConfig": {
            "NetworkMode": (f"ns:{network}" if network else place.network) if own else "host",
            "Ulimits": place.limits.body(),
            "CapDrop": ["ALL"],
            "ReadonlyRootfs": True,
            "IpcMode": "host" if pod is not None and pod.spec.host_ipc else "shareable",
            "SecurityOpt": ["no-new-privileges"],
            **({"Sysctls": sysctls(pod)} if pod is not None and sysctls(pod) else {}),
            "ExtraHosts": [
                f"{name}:{alias['ip']}"
                for alias in aliases
                for name in alias.get("hostnames") or ()
            ],
            **(_dns(dns) if dns is not None and own else {}),
        },
    }


def _dns(dns: Resolving) -> Obj:
    return {
        "Dns": list(dns.servers),
        "DnsSearch": list(dns.search),
        "DnsOptions": list(dns.options),
    }


def sysctls(pod: Pod) -> dict[str, str]:
    """Settings of the kernel that the pod asks for; which it may, tanebi.kubelet.admitting says."""
    asked = (pod.spec.security_context or {}).get("sysctls") or ()
    return {str(one.get("name", "")).replace("/", "."): str(one.get("value", "")) for one in asked}


def container_body(
    pod: Pod,
    container: Container,
    *,
    image: str,
    command: Sequence[str],
    args: Sequence[str],
    env: Mapping[str, str],
    mounts: Sequence[Mount],
    sandbox: str,
    place: Place,
    uts: str = "",
    target: str = "",
) -> Obj:
    """`sandbox` is the id of the pod's own container, `uts` the file of its UTS namespace, where that can be told, `target`
    the id of the container whose processes this one sees.

    `command` and `args` have their variables put in."""
    security = security_of(pod, container)
    host: Obj = {
        "NetworkMode": f"container:{sandbox}",
        "IpcMode": "host" if pod.spec.host_ipc else f"container:{sandbox}",
        **_processes(pod, sandbox, target),
        "Ulimits": place.limits.body(),
        "Binds": [mount.bind() for mount in mounts],
        "ReadonlyRootfs": bool(security.read_only_root_filesystem),
        "Privileged": bool(security.privileged),
        "CapAdd": list(security.capabilities.add) if security.capabilities else [],
        "CapDrop": list(security.capabilities.drop) if security.capabilities else [],
        "SecurityOpt": _security_options(security),
        "GroupAdd": groups_of(pod),
        **_resources(container.resources),
    }
    if place.podman and not pod.spec.host_network:
        # Docker shares the name with the network. By the container, Podman sets $HOSTNAME whatever Env says, and knows no name
        # that was given later; by the path it leaves Env alone.
        host["UTSMode"] = f"ns:{uts}" if uts else f"container:{sandbox}"
    body: Obj = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in {"HOSTNAME": hostname(pod), **env}.items()],
        "Labels": _labels(pod, container.name, place),
        "Tty": bool(container.tty),
        "OpenStdin": bool(container.stdin),
        "StdinOnce": bool(container.stdin_once),
        "HostConfig": host,
    }
    if command:
        body["Entrypoint"] = list(command)
    if command or args:
        body["Cmd"] = list(args)
    if container.working_dir:
        body["WorkingDir"] = container.working_dir
    if (user := _user(security)) is not None:
        body["User"] = user
    return body


def _processes(pod: Pod, sandbox: str, target: str) -> Obj:
    if pod.spec.host_pid:
        return {"PidMode": "host"}
    shared = sandbox if pod.spec.share_process_namespace else target
    return {"PidMode": f"container:{shared}"} if shared else {}


def runs_as_root(pod: Pod, container: Container, image_user: str) -> bool | None:
    """Whether it would run as root; None when the image names a user by name, which nobody can tell beforehand."""
    asked = security_of(pod, container).run_as_user
    if asked is not None:
        return asked == 0
    name = image_user.partition(":")[0]
    if name in ("", "0", "root"):
        return True
    return False if name.isdigit() else None


def must_not_be_root(pod: Pod, container: Container) -> bool:
    return bool(security_of(pod, container).run_as_non_root)


def security_of(pod: Pod, container: Container) -> SecurityContext:
    """The container's, and what only the pod's says."""
    own = container.security_context or SecurityContext()
    of_pod = SecurityContext.model_validate(pod.spec.security_context or {})
    shared = ("run_as_user", "run_as_group", "run_as_non_root", "seccomp_profile")
    missing = {name: getattr(of_pod, name) for name in shared if getattr(own, name) is None}
    return own.model_copy(update=missing)


def _security_options(security: SecurityContext) -> list[str]:
    options = []
    if security.allow_privilege_escalation is False:
        options.append("no-new-privileges")
    if security.seccomp_profile is not None and security.seccomp_profile.type == "Unconfined":
        options.append("seccomp=unconfined")
    return options


def fs_group(pod: Pod) -> int | None:
    """The group that owns the pod's volumes."""
    found = (pod.spec.security_context or {}).get("fsGroup")
    return int(found) if found is not None else None


def groups_of(pod: Pod) -> list[str]:
    own = (pod.spec.security_context or {}).get("supplementalGroups") or []
    group = fs_group(pod)
    return [str(one) for one in (*own, *([] if group is None else [group]))]


def _user(security: SecurityContext) -> str | None:
    if security.run_as_user is None:
        return None if security.run_as_group is None else f"0:{security.run_as_group}"
    group = "" if security.run_as_group is None else f":{security.run_as_group}"
    return f"{security.run_as_user}{group}"


def _resources(resources: ResourceRequirements) -> dict[str, Any]:
    found: dict[str, Any] = {}
    limits, requests = resources.limits, resources.requests
    if "memory" in limits:
        found["Memory"] = int(quantity.parse(limits["memory"]))
        found["MemorySwap"] = found["Memory"]
    if "cpu" in limits:
        found["NanoCpus"] = int(quantity.parse(limits["cpu"]) * NANO)
    if (asked := requests.get("cpu", limits.get("cpu"))) is not None:
        found["CpuShares"] = max(SHARES_MIN, int(quantity.parse(asked) * SHARES_PER_CPU))
    return found


def _labels(pod: Pod, container: str, place: Place) -> dict[str, str]:
    meta = pod.metadata
    return {
        PLATFORM_LABEL: place.platform,
        POD_LABEL: meta.uid,
        CONTAINER_LABEL: container,
        "io.kubernetes.pod.name": meta.name,
        "io.kubernetes.pod.namespace": meta.namespace,
        "io.kubernetes.container.name": container or "POD",
    }

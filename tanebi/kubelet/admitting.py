"""Whether the kubelet runs a pod at all. What it refuses fails at once and for good.

Pure. The rules and words are those of Kubernetes' kubelet (pkg/kubelet/{sysctl,lifecycle}). Caller: tanebi.kubelet.worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tanebi.api.core.pod import Pod
from tanebi.kubelet.scheduling import clashes

# Settings of the kernel that are a pod's own, and harm nobody else.
SAFE: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
FORBIDDEN: Final = "SysctlForbidden"
NO_PORTS: Final = "NodePorts"


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    message: str


def refusal(pod: Pod, others: Iterable[Pod] = ()) -> Refusal | None:
    """None: it may run. `others` are those that were here before."""
    if clashes(pod.spec, others):
        return Refusal(NO_PORTS, "Predicate NodePorts failed")
    for asked in (pod.spec.security_context or {}).get("sysctls") or ():
        name = str(asked.get("name", "")).replace("/", ".")
        if name not in SAFE:
            return Refusal(FORBIDDEN, f'forbidden sysctl: "{name}" not allowlisted')
        if pod.spec.host_network and name.startswith("net."):
            return Refusal(
                FORBIDDEN, f'forbidden sysctl: "{name}" not allowed with host net enabled'
            )
    return None

"""The Node object of this machine, and its heartbeat.

The Node is made when the platform starts for the first time, and its status is said anew at each start, every five minutes, and
when the disk becomes nearly full or has room again, with Kubernetes' taint, so that nothing is scheduled meanwhile;
a Lease in kube-node-lease is renewed every ten seconds, as Kubernetes' kubelets do. Labels, taints and `unschedulable` are the
user's and stay. Caller: tanebi.up.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

import tanebi
from tanebi.api.core.kinds import LEASE
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.meta import Obj, rfc3339
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.client import Kube
from tanebi.kube.errors import AlreadyExists, ApiError, NotFound, Unreachable
from tanebi.kubelet import machine
from tanebi.kubelet.eviction import Pressure
from tanebi.kubelet.machine import Machine
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.storage import disk_of

LEASES: Final = "kube-node-lease"
RENEW_S: Final = 10.0
LEASE_S: Final = 40
STATUS_S: Final = 300.0
PODS_MAX: Final = 1000
KUBELET_VERSION: Final = f"v1.32.0+tanebi-{tanebi.__version__}"
DISK_PRESSURE: Final = "node.kubernetes.io/disk-pressure"
DISK_PRESSED: Final = ("KubeletHasDiskPressure", "kubelet has disk pressure")
_PRESSURES: Final = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)

_log = get_logger("node")


class NodeKeeper:
    """Inert until `run`. `runtime` is what runs containers, as `kubectl get nodes -o wide` shows it."""

    def __init__(
        self,
        kube: Kube,
        *,
        clock: Clock,
        name: str,
        runtime: str,
        folder: Path,
        address: str = POD_IP,
    ) -> None:
        self._kube = kube
        self._clock = clock
        self._name = name
        self._runtime = runtime
        self._folder = folder
        self._pressure = Pressure()
        self._said_pressure = False
        self._address = address

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Until cancelled. Started when the Node is there."""
        await self._register(pressed=self._pressed())
        task_status.started()
        said_at = self._clock.now()
        while True:
            try:
                await self._renew()
                pressed = self._pressed()
                if pressed != self._said_pressure or self._clock.now() - said_at >= STATUS_S:
                    await self._register(pressed=pressed)
                    said_at = self._clock.now()
            except (ApiError, Unreachable) as error:
                _log.warning("heartbeat not written", why=str(error))
            await self._clock.sleep(RENEW_S)

    def _pressed(self) -> bool:
        return self._pressure.seen(disk_of(self._folder), self._clock.now())

    async def _register(self, *, pressed: bool) -> None:
        found = machine.look(self._folder)
        labels = labels_of(found, self._name)
        try:
            live = await self._kube.get(NODE, "", self._name)
        except NotFound:
            live = await self._kube.create(NODE, make_node(self._name, labels))
        have = live["metadata"].get("labels") or {}
        if not labels.items() <= have.items():
            body = {"metadata": {"labels": labels}}
            live = await self._kube.patch(NODE, "", self._name, body)
        taints = tainted(live, pressed=pressed, now=self._clock.wall())
        if taints is not None:
            version = live["metadata"].get("resourceVersion")
            change: Obj = {"metadata": {"resourceVersion": version}, "spec": {"taints": taints}}
            live = await self._kube.patch(NODE, "", self._name, change)
        status = make_status(
            found,
            live,
            runtime=self._runtime,
            address=self._address,
            now=self._clock.wall(),
            disk_pressure=pressed,
        )
        if pressed != self._said_pressure:
            _log.warning("disk", pressure=pressed, folder=str(self._folder))
        self._said_pressure = pressed
        await self._kube.patch(NODE, "", self._name, {"status": status}, subresource="status")

    async def _renew(self) -> None:
        now = rfc3339(self._clock.wall(), micro=True)
        try:
            body = {"spec": {"renewTime": now}}
            await self._kube.patch(LEASE, LEASES, self._name, body)
            return
        except NotFound:
            wanted = {
                "metadata": {"name": self._name, "namespace": LEASES},
                "spec": {
                    "holderIdentity": self._name,
                    "leaseDurationSeconds": LEASE_S,
                    "renewTime": now,
                },
            }
        try:
            await self._kube.create(LEASE, wanted)
        except AlreadyExists:  # an earlier try was carried out although no answer came
            return


def labels_of(found: Machine, name: str) -> dict[str, str]:
    """The host name is the node's own: by it people choose nodes, and nodes are called by it."""
    return {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": found.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": found.architecture,
        "node-role.kubernetes.io/control-plane": "",
    }


def make_node(name: str, labels: dict[str, str]) -> Obj:
    return {
        "apiVersion": NODE.api_version,
        "kind": NODE.kind,
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": f"tanebi://{name}"},
    }


def tainted(live: Obj, *, pressed: bool, now: datetime) -> list[Obj] | None:
    """The node's taints with or without ours; None: they are right already. Those of others stay."""
    have: list[Obj] = list((live.get("spec") or {}).get("taints") or ())
    others = [taint for taint in have if taint.get("key") != DISK_PRESSURE]
    if pressed == (len(others) < len(have)):
        return None
    ours = {"key": DISK_PRESSURE, "effect": "NoSchedule", "timeAdded": rfc3339(now)}
    return [*others, ours] if pressed else others


def make_status(
    found: Machine,
    live: Obj,
    *,
    runtime: str,
    now: datetime,
    address: str = POD_IP,
    disk_pressure: bool = False,
) -> Obj:
    """What the machine can hold, and that it is ready. `live` tells since when."""
    amounts = {
        "cpu": str(found.cpus),
        "memory": f"{found.memory_bytes // 1024}Ki",
        "ephemeral-storage": f"{found.disk_bytes // 1024}Ki",
        "pods": str(PODS_MAX),
    }
    stamp = rfc3339(now)
    before = {c["type"]: c for c in (live.get("status") or {}).get("conditions") or ()}

    def condition(type_: str, status: str, reason: str, message: str) -> Obj:
        old = before.get(type_) or {}
        since = old.get("lastTransitionTime") if old.get("status") == status else None
        return {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": stamp,
            "lastTransitionTime": since or stamp,
        }

    return {
        "capacity": amounts,
        "allocatable": dict(amounts),
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": found.hostname},
        ],
        "conditions": [
            *(
                condition(type_, "True", *DISK_PRESSED)
                if disk_pressure and type_ == "DiskPressure"
                else condition(type_, "False", *words)
                for type_, *words in _PRESSURES
            ),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "nodeInfo": {
            "machineID": found.machine_id,
            "systemUUID": found.system_uuid,
            "bootID": found.boot_id,
            "kernelVersion": found.kernel,
            "osImage": found.os_image,
            "containerRuntimeVersion": runtime,
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": found.architecture,
        },
    }

"""Which port of this machine stands for which port of which pod.

All pods share one address, so two that declare port 8080 cannot both have it: each declared port gets a free one of the
platform's range, the container is told by PORT, and EndpointSlices carry the real one. A `hostPort`, or `hostNetwork`, asks
for exactly that port. Pure: whether the machine has a port free is asked through `is_free` (tanebi.kubelet.portcheck).

The real ports of a pod travel in its status, as a condition of type PORTS_CONDITION, so that whoever reads pods sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj
from tanebi.base.errors import Unavailable

RANGE: Final = range(20000, 30000)
POD_IP: Final = "127.0.0.1"
PORTS_CONDITION: Final = "tanebi.dev/Ports"

PortMap = Mapping[int, int]  # declared -> real


class PortTable:
    """Ports of living pods. Hands them out in turn, so that a port that was just freed rests for a while.

    `first` is where the turn begins. Platforms on one machine begin at different places, because a port that one of them has
    given out is not taken before its container listens, and until then looks free to the others.
    """

    def __init__(
        self, is_free: Callable[[int], bool], *, ports: range = RANGE, first: int = 0
    ) -> None:
        self._is_free = is_free
        self._ports = ports
        self._next = first % len(ports)
        self._owner: dict[int, str] = {}

    def remember(self, pod_uid: str, pod: Pod) -> None:
        """Keep the ports that `pod` had before the platform started again, unless somebody has them by now.

        EndpointSlices and the gateway still name them: given to another pod, it would be sent what is not its own.
        """
        for port in real_ports(pod).values():
            if port not in self._owner and self._is_free(port):
                self._owner[port] = pod_uid

    def take(self, pod_uid: str, pod: Pod) -> dict[int, int]:
        """A real port for every declared one, the remembered one if any. Raises Unavailable when none is left; then
        nothing was taken."""
        taken: dict[int, int] = {}
        had = real_ports(pod)
        try:
            for declared, fixed in declared_ports(pod).items():
                known = had.get(declared, 0)
                mine = known if self._owner.get(known) == pod_uid else 0
                taken[declared] = fixed or mine or self._free()
                self._owner[taken[declared]] = pod_uid
        except Unavailable:
            self.release(pod_uid)
            raise
        return taken

    def release(self, pod_uid: str) -> None:
        self._owner = {port: uid for port, uid in self._owner.items() if uid != pod_uid}

    def _free(self) -> int:
        for _ in range(len(self._ports)):
            port = self._ports[self._next]
            self._next = (self._next + 1) % len(self._ports)
            if port not in self._owner and self._is_free(port):
                return port
        raise Unavailable(
            "no-free-port",
            f"no free port in {self._ports.start}-{self._ports.stop - 1} for another pod",
            hint="delete pods, or end what else listens there",
        )


def declared_ports(pod: Pod) -> dict[int, int | None]:
    """Declared port to the real port that the pod insists on, or None."""
    fixed = bool(pod.spec.host_network)
    return {
        port.container_port: port.host_port or (port.container_port if fixed else None)
        for container in pod.spec.original_containers
        for port in container.ports
    }


def ports_condition(ports: PortMap, stamp: str) -> Obj:
    """How the real ports are written into a pod's status."""
    shown = ",".join(f"{declared}={real}" for declared, real in sorted(ports.items()))
    return {
        "type": PORTS_CONDITION,
        "status": "True",
        "reason": "Assigned",
        "message": shown,
        "lastTransitionTime": stamp,
    }


def real_ports(pod: Pod) -> dict[int, int]:
    """The real ports that a pod's status tells; empty before it runs."""
    found = pod.status.condition(PORTS_CONDITION)
    pairs = (pair.split("=") for pair in found.message.split(",") if "=" in pair) if found else ()
    return {int(declared): int(real) for declared, real in pairs}


def container_port(container: Container, named: int | str) -> int | None:
    """A port by number, by name, or the first declared one for 0 and "". None: there is no port of that name."""
    if isinstance(named, str) and named.isdigit():
        named = int(named)
    if named in (0, ""):
        return container.ports[0].container_port if container.ports else None
    if isinstance(named, int):
        return named
    return next((p.container_port for p in container.ports if p.name == named), None)

"""What the data plane needs to know of revisions and endpoints, read from their objects.

Pure: typed views in, frozen facts out. Caller: activator.feed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from serving.api.names import LABEL_CONFIGURATION, LABEL_SERVICE
from serving.api.queue_depth import QUEUE_DEPTH, QUEUE_DEPTH_DEFAULT, parse_queue_depth
from serving.api.revision_types import Revision
from serving.api.server_timing import SERVER_TIMING
from serving.api.upgrade_timeout import UPGRADE_TIMEOUT, parse_upgrade_timeout
from tanebi.api.core.network import Endpoint, EndpointPort, EndpointSlice
from tanebi.api.core.pod import HttpGetAction, Probe
from tanebi.http.pool import Address

# Names under which a revision's port is published (reference/knative-serving.md §1.10), the best first.
H2C: Final = "kubernetes.io/h2c"  # a port's appProtocol
REQUEST_PORTS: Final = ("http", "http1", "http2", "h2c", "user-port", "")
DEFAULT_TIMEOUT_S: Final = 300.0
HALF_CLOSED_IDLE_S: Final = 300.0  # for exempt tunnels: one side has ended, the other one is silent


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """How to ask a new pod whether it answers. `kubelet`: do not ask, wait for the kubelet's word."""

    kind: Literal["tcp", "http", "kubelet"] = "tcp"
    path: str = "/"
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """Times are seconds; 0 means no such timer (reference/knative-serving.md §2.1)."""

    concurrency: int = 0
    timeout_s: float = DEFAULT_TIMEOUT_S
    response_start_timeout_s: float = 0.0
    idle_timeout_s: float = 0.0
    probe: ProbeSpec = ProbeSpec()
    upgrade_timeout_s: float | None = None  # see serving.api.upgrade_timeout
    queue_max: int = QUEUE_DEPTH_DEFAULT
    server_timing: bool = False  # see serving.api.server_timing
    service: str = ""  # names that its labels tell, for the request log
    configuration: str = ""

    def tunnel_times_s(self, *, half_closed: bool, silent: bool) -> tuple[float, float]:
        """How long an upgraded connection may last in all, and without a byte either way. 0: no limit. `silent`: the app has sent
        nothing since it agreed."""
        if self.upgrade_timeout_s is None:
            start_s = self.response_start_timeout_s if silent else 0.0
            total_s = min((s for s in (self.timeout_s, start_s) if s > 0), default=0.0)
            return total_s, self.idle_timeout_s
        if self.upgrade_timeout_s > 0:
            return self.upgrade_timeout_s, self.idle_timeout_s
        return 0.0, HALF_CLOSED_IDLE_S if half_closed else 0.0


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """One pod's port as its slice tells it."""

    address: Address
    ready: bool
    terminating: bool
    h2c: bool = False  # HTTP/2 by prior knowledge is spoken there
    pod: str = ""  # its name, if it is one


def revision_facts(revision: Revision) -> RevisionFacts:
    spec = revision.spec
    return RevisionFacts(
        concurrency=spec.container_concurrency or 0,
        timeout_s=float(spec.timeout_seconds or DEFAULT_TIMEOUT_S),
        response_start_timeout_s=float(spec.response_start_timeout_seconds or 0),
        idle_timeout_s=float(spec.idle_timeout_seconds or 0),
        probe=_probe_spec(revision),
        upgrade_timeout_s=_upgrade_timeout(revision),
        queue_max=_queue_max(revision),
        server_timing=revision.metadata.annotations.get(SERVER_TIMING) == "true",
        service=revision.metadata.labels.get(LABEL_SERVICE, ""),
        configuration=revision.metadata.labels.get(LABEL_CONFIGURATION, ""),
    )


def _queue_max(revision: Revision) -> int:
    try:
        return parse_queue_depth(revision.metadata.annotations.get(QUEUE_DEPTH, ""))
    except ValueError:  # as for the upgrade timeout
        return QUEUE_DEPTH_DEFAULT


def _upgrade_timeout(revision: Revision) -> float | None:
    """A bad value is refused at admission; one that is there all the same leaves Knative's rules in force."""
    try:
        return parse_upgrade_timeout(revision.metadata.annotations.get(UPGRADE_TIMEOUT, ""))
    except ValueError:
        return None


def _probe_spec(revision: Revision) -> ProbeSpec:
    """Exec probes and startup probes are the kubelet's business: it alone can run them (reference §3.4)."""
    container = revision.spec.serving_container
    if container is None:
        return ProbeSpec()
    if container.startup_probe is not None:
        return ProbeSpec("kubelet")
    probe = container.readiness_probe or Probe()
    if probe.exec is not None or probe.grpc is not None:
        return ProbeSpec("kubelet")
    own_port = container.ports[0].container_port if container.ports else 0
    action = probe.http_get or probe.tcp_socket
    if action is not None and not _is_own_port(action.port, own_port):
        return ProbeSpec("kubelet")
    if probe.http_get is not None:
        return _http_probe(probe.http_get)
    return ProbeSpec()


def _is_own_port(port: int | str, own: int) -> bool:
    """A probe of another port than the one requests go to cannot be asked through the endpoint."""
    return isinstance(port, str) or port in (0, own) or own == 0


def _http_probe(action: HttpGetAction) -> ProbeSpec:
    if action.scheme.upper() == "HTTPS":
        return ProbeSpec("kubelet")
    headers = tuple((h.name.encode(), h.value.encode()) for h in action.http_headers)
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    return ProbeSpec("http", path, headers)


def endpoint_facts(
    slices: Iterable[EndpointSlice], *, port: str = ""
) -> dict[Address, EndpointFacts]:
    """All pods of a Service. `port` is the wanted port's name; "" means the one that takes requests."""
    found: dict[Address, EndpointFacts] = {}
    for piece in slices:
        found_port = _port(piece.ports, port)
        if found_port is None or not found_port.port:
            continue
        h2c = found_port.app_protocol == H2C or found_port.name == "h2c"
        for endpoint in piece.endpoints:
            for ip in endpoint.addresses[:1]:
                facts = _endpoint(endpoint, (ip, found_port.port), h2c=h2c)
                found[facts.address] = facts
    return found


def _endpoint(endpoint: Endpoint, address: Address, *, h2c: bool) -> EndpointFacts:
    conditions = endpoint.conditions
    # Absent means ready (discovery.k8s.io/v1 EndpointConditions).
    ready = conditions.ready is not False
    ref = endpoint.target_ref
    pod = ref.name if ref is not None and ref.kind == "Pod" else ""
    return EndpointFacts(address, ready, conditions.terminating is True, h2c, pod)


def _port(ports: Iterable[EndpointPort], wanted: str) -> EndpointPort | None:
    by_name = {p.name or "": p for p in ports if p.port and (p.protocol or "TCP") == "TCP"}
    for name in (wanted,) if wanted else REQUEST_PORTS:
        if name in by_name:
            return by_name[name]
    return next(iter(by_name.values()), None) if not wanted else None

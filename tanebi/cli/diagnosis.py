"""What a machine offers to the platform, judged: what is there, what a missing thing costs, and how to get it.

Pure: facts in, findings out. Nothing here is asked of the machine (tanebi.cli.doctor does that).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

State = Literal["ok", "missing", "broken"]

DISK_MIN_BYTES: Final = 256 * 1024 * 1024
DISK_LITTLE_BYTES: Final = 2 * 1024 * 1024 * 1024
FSYNC_SLOW_MS: Final = 10.0
FILES_MIN: Final = 256
FILES_LITTLE: Final = 4096
HALVES_SHOWN: Final = 5
MIB: Final = 1024 * 1024
ACCOUNTS: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True)
class Port:
    """A port that the platform listens at by default. `by_us`: a platform that runs here has it."""

    use: str
    number: int
    free: bool
    by_us: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found. An empty text: not there; an `_error`: why."""

    root: bool
    data_dir: str
    data_error: str = ""
    disk_free_bytes: int = 0
    fsync_ms: float = 0.0
    open_files: int = 0
    ports: Sequence[Port] = ()
    view_error: str = ""
    engine: str = ""
    engine_error: str = ""
    oci_runtime: str = ""
    half_removed: Sequence[
        str
    ] = ()  # containers that podman began to remove and did not finish with
    cgroups: str = ""  # "2", "1", "hybrid", or empty
    network_error: str = ""  # why pods cannot have networks; empty: they can
    accounts_shown: bool = True  # pods see their service account where clients look
    forwarding_dropped: bool = False  # the machine's firewall, as Docker sets it
    user_namespaces: bool = False
    bubblewrap: str = ""
    kubectl: str = ""
    localhost_error: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`cost` is what does not work, or how much worse; `remedy` what to do about it."""

    name: str
    state: State
    detail: str
    cost: str = ""
    remedy: str = ""


@dataclass(slots=True)
class _Report:
    found: list[Finding] = field(default_factory=list)

    def add(
        self, name: str, ok: bool, detail: str, cost: str, remedy: str, *, needed: bool = False
    ) -> None:
        if ok:
            self.found.append(Finding(name, "ok", detail))
        else:
            state: State = "broken" if needed else "missing"
            self.found.append(Finding(name, state, detail, cost, remedy))


def findings(facts: Facts) -> list[Finding]:
    """In the order to read them: what is needed first."""
    report = _Report()
    _judge_disk(report, facts)
    _judge_ports(report, facts)
    _judge_containers(report, facts)
    _judge_process_pods(report, facts)
    _judge_names(report, facts)
    return report.found


def is_broken(found: Sequence[Finding]) -> bool:
    return any(one.state == "broken" for one in found)


def _judge_disk(report: _Report, facts: Facts) -> None:
    report.add(
        "data directory",
        not facts.data_error,
        facts.data_error or facts.data_dir,
        "nothing can be kept: the platform does not start",
        "choose another one with --data-dir or TANEBI_DATA_DIR",
        needed=True,
    )
    if facts.data_error:
        return
    free = f"{facts.disk_free_bytes // MIB} MiB free"
    report.add(
        "disk space",
        facts.disk_free_bytes >= DISK_LITTLE_BYTES,
        free,
        "events and images fill it; a full disk makes the stores read-only",
        "free some, or put the data directory elsewhere",
        needed=facts.disk_free_bytes < DISK_MIN_BYTES,
    )
    report.add(
        "fsync",
        facts.fsync_ms <= FSYNC_SLOW_MS,
        f"{facts.fsync_ms:.1f} ms",
        "each event is on disk before it is acknowledged: a sender alone waits this long for each",
        "use a local disk, not a network's",
    )
    report.add(
        "open files",
        facts.open_files >= FILES_LITTLE,
        f"{facts.open_files} at most",
        "each connection and each pod takes some: fewer of both at a time",
        "raise it: ulimit -n 65536 (hard limit, /etc/security/limits.conf)",
        needed=facts.open_files < FILES_MIN,
    )


def _judge_ports(report: _Report, facts: Facts) -> None:
    for port in facts.ports:
        detail = "in use by the platform that runs here" if port.by_us else "free"
        report.add(
            f"port {port.number}",
            port.free or port.by_us,
            detail if port.free or port.by_us else "taken by another program",
            f"the {port.use} cannot listen there",
            f"choose another one: tanebi up --{port.use}-port N",
        )


def _judge_containers(report: _Report, facts: Facts) -> None:
    engine = facts.engine and not facts.engine_error
    detail = facts.engine_error or facts.engine or "none"
    report.add(
        "container engine",
        bool(engine),
        f"{detail} ({facts.oci_runtime})" if engine and facts.oci_runtime else detail,
        "container images cannot run; directory images can",
        "apt-get install podman (or start Docker)",
    )
    if engine and facts.half_removed:
        report.add(
            "half-removed",
            False,
            f"{len(facts.half_removed)} containers: {', '.join(facts.half_removed[:HALVES_SHOWN])}",
            "podman may fail or wait where it comes upon them; a platform removes its own",
            "podman rm --force --depend NAME",
        )
    words = {
        "2": "version 2",
        "1": "version 1",
        "hybrid": "version 1 with a version 2 mount beside it: crun refuses that, runc works",
    }
    report.add(
        "control groups",
        bool(facts.cgroups),
        words.get(facts.cgroups, "not mounted"),
        "limits of containers cannot be kept",
        "mount them, or run outside the container that hides them",
    )


def _judge_process_pods(report: _Report, facts: Facts) -> None:
    how = "as root" if facts.root else "in a user namespace"
    report.add(
        "pod networks",
        not facts.network_error,
        facts.network_error or f"each pod that is a process gets one of its own, {how}",
        "directory images share the machine's network: a port each, no names of Services inside",
        "load nf_tables and veth"
        + ("" if facts.root else "; allow user namespaces, or run as root"),
    )
    report.add(
        "pod views",
        not facts.view_error,
        facts.view_error
        or "volumes at their paths, users, read-only roots, limits for pods that are processes",
        "a pod that is a process finds its volumes by TANEBI_VOLUME_<NAME>; its securityContext is not kept",
        "run as root, with the right to mount",
    )
    report.add(
        "service accounts",
        facts.accounts_shown,
        "where clients look for them" if facts.accounts_shown else "by a variable only",
        f"pods that are processes find no files in {ACCOUNTS}, but where TANEBI_VOLUME_KUBE_API_ACCESS says",
        f"once after each start of the machine, as root: mkdir -p {ACCOUNTS}",
    )
    report.add(
        "packet forwarding",
        not facts.root or not facts.forwarding_dropped,
        "not needed in a user namespace"
        if not facts.root
        else "dropped by the firewall"
        if facts.forwarding_dropped
        else "not forbidden",
        "pods that are processes reach the platform and its names, but not the outside",
        "iptables -I FORWARD -s 10.201.0.0/16 -j ACCEPT; iptables -I FORWARD -d 10.201.0.0/16 -j ACCEPT",
    )
    report.add(
        "user namespaces",
        facts.user_namespaces or facts.root,
        "allowed" if facts.user_namespaces else "not needed by root" if facts.root else "forbidden",
        "an engine without root cannot work, nor networks for pods that are processes",
        "sysctl user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0",
    )
    report.add(
        "bubblewrap",
        bool(facts.bubblewrap),
        facts.bubblewrap or "none",
        "nothing today: the process runtime does not use it yet",
        "apt-get install bubblewrap",
    )


def _judge_names(report: _Report, facts: Facts) -> None:
    report.add(
        "names of localhost",
        not facts.localhost_error,
        facts.localhost_error or "NAME.NAMESPACE.localhost is this machine",
        "curl and browsers know them by themselves, other clients do not",
        "give the name as a header: -H 'Host: NAME.NAMESPACE.localhost'",
    )
    report.add(
        "kubectl",
        bool(facts.kubectl),
        facts.kubectl or "none",
        "only `tanebi` speaks to the API; it has the common verbs",
        "see kubernetes.io/docs/tasks/tools, or apt-get install kubernetes-client",
    )

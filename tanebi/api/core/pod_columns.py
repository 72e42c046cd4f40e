"""How kubectl shows a pod (k8s.io/kubernetes pkg/printers/internalversion printPod)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tanebi.api.durations import human_age
from tanebi.api.kind import Column
from tanebi.api.meta import Obj, parse_time

NONE: Final = "<none>"
AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")


def pod_status(pod: Obj) -> str:
    """The STATUS column: the phase, or the reason that explains it better."""
    status = pod.get("status") or {}
    reason = str(status.get("reason") or status.get("phase") or "Unknown")
    initializing = _init_reason(pod)
    if initializing:
        reason = initializing
    else:
        reason = _containers_reason(status, reason)
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        done = status.get("phase") in ("Succeeded", "Failed")
        return reason if done else "Terminating"
    return reason


def _init_reason(pod: Obj) -> str:
    total = len((pod.get("spec") or {}).get("initContainers") or ())
    for i, each in enumerate((pod.get("status") or {}).get("initContainerStatuses") or ()):
        state = each.get("state") or {}
        ended = state.get("terminated")
        if ended is not None:
            if ended.get("exitCode") == 0:
                continue
            return f"Init:{_ended_reason(ended)}"
        waiting = (state.get("waiting") or {}).get("reason") or ""
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{i}/{total}"
    return ""


def _containers_reason(status: Obj, reason: str) -> str:
    running = False
    for each in reversed(status.get("containerStatuses") or []):
        state = each.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif state.get("terminated") is not None:
            reason = _ended_reason(state["terminated"])
        elif each.get("ready") and state.get("running") is not None:
            running = True
    if reason == "Completed" and running:
        return "Running" if _is_ready(status) else "NotReady"
    return reason


def _ended_reason(ended: Obj) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _is_ready(status: Obj) -> bool:
    return any(
        c.get("type") == "Ready" and c.get("status") == "True"
        for c in status.get("conditions") or ()
    )


def _ready(pod: Obj, now: datetime) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ready = sum(1 for each in statuses if each.get("ready"))
    return f"{ready}/{len((pod.get('spec') or {}).get('containers') or ())}"


def _status(pod: Obj, now: datetime) -> str:
    return pod_status(pod)


def _restarts(pod: Obj, now: datetime) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [
        end
        for each in statuses
        if (end := ((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    if not count or not ends:
        return str(count)
    return f"{count} ({human_age((now - parse_time(max(ends))).total_seconds())} ago)"


def _ip(pod: Obj, now: datetime) -> str:
    return (pod.get("status") or {}).get("podIP") or NONE


def _node(pod: Obj, now: datetime) -> str:
    return (pod.get("spec") or {}).get("nodeName") or NONE


def _nominated(pod: Obj, now: datetime) -> str:
    return (pod.get("status") or {}).get("nominatedNodeName") or NONE


def _gates(pod: Obj, now: datetime) -> str:
    gates: list[Any] = (pod.get("spec") or {}).get("readinessGates") or []
    if not gates:
        return NONE
    conditions = {c.get("type"): c for c in (pod.get("status") or {}).get("conditions") or ()}
    true = sum(
        1 for g in gates if conditions.get(g.get("conditionType"), {}).get("status") == "True"
    )
    return f"{true}/{len(gates)}"


POD_COLUMNS: Final = (
    Column("Ready", cell=_ready),
    Column("Status", cell=_status),
    Column("Restarts", cell=_restarts),
    AGE,
    Column("IP", priority=1, cell=_ip),
    Column("Node", priority=1, cell=_node),
    Column("Nominated Node", priority=1, cell=_nominated),
    Column("Readiness Gates", priority=1, cell=_gates),
)

"""How kubectl shows a pod."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.pod_columns import POD_COLUMNS, pod_status
from tanebi.api.meta import Obj

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


def state(**one: Any) -> Obj:
    return {"state": one, "ready": "running" in one}


def pod(
    *containers: Obj, inits: tuple[Obj, ...] = (), deleting: bool = False, **status: Any
) -> Obj:
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {}
    spec = {"containers": [{}] * max(len(containers), 1), "initContainers": [{}] * len(inits)}
    found = {"phase": "Running", "containerStatuses": list(containers), **status}
    if inits:
        found["initContainerStatuses"] = list(inits)
    return {"metadata": meta, "spec": spec, "status": found}


RUNNING = state(running={})


@pytest.mark.parametrize(
    ("obj", "shown"),
    [
        (pod(RUNNING), "Running"),
        (pod(phase="Pending"), "Pending"),
        ({}, "Unknown"),
        (pod(RUNNING, deleting=True), "Terminating"),
        (pod(phase="Failed", reason="Evicted", deleting=True), "Evicted"),
        (pod(state(waiting={"reason": "CrashLoopBackOff"})), "CrashLoopBackOff"),
        (pod(state(terminated={"exitCode": 1, "reason": "Error"})), "Error"),
        (pod(state(terminated={"exitCode": 3})), "ExitCode:3"),
        (pod(state(terminated={"exitCode": 137, "signal": 9})), "Signal:9"),
        (pod(state(terminated={"reason": "Completed"}), RUNNING), "NotReady"),
        (pod(RUNNING, inits=(state(running={}),)), "Init:0/1"),
        (pod(RUNNING, inits=(state(terminated={"exitCode": 0}), state(running={}))), "Init:1/2"),
        (pod(inits=(state(waiting={"reason": "ErrImagePull"}),)), "Init:ErrImagePull"),
        (pod(inits=(state(terminated={"exitCode": 2, "reason": "Error"}),)), "Init:Error"),
        (pod(RUNNING, inits=(state(terminated={"exitCode": 0}),)), "Running"),
    ],
)
def test_status(obj: Obj, shown: str) -> None:
    assert pod_status(obj) == shown


def test_ready_once_more() -> None:
    done = state(terminated={"reason": "Completed"})
    conditions = [{"type": "Ready", "status": "True"}]
    assert pod_status(pod(done, RUNNING, conditions=conditions)) == "Running"


def row(obj: Obj) -> dict[str, Any]:
    return {c.name: c.cell(obj, NOW) for c in POD_COLUMNS if c.cell is not None}


def test_the_row() -> None:
    last = {"lastState": {"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}}}
    obj = pod({**RUNNING, "restartCount": 2, **last}, state(waiting={}), podIP="127.0.0.1")
    obj["spec"] |= {"nodeName": "here", "readinessGates": [{"conditionType": "x"}]}
    assert row(obj) == {
        "Ready": "1/2",
        "Status": "Running",
        "Restarts": "2 (5m ago)",
        "IP": "127.0.0.1",
        "Node": "here",
        "Nominated Node": "<none>",
        "Readiness Gates": "0/1",
    }


def test_a_bare_row() -> None:
    assert row({"spec": {}}) == {
        "Ready": "0/0",
        "Status": "Unknown",
        "Restarts": "0",
        "IP": "<none>",
        "Node": "<none>",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }

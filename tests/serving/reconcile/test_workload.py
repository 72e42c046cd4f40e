"""What Deployment, pods and autoscaler mean for a revision's conditions."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.api import POD_AUTOSCALER
from serving.api import REVISION
from serving.api.revision_lifecycle import LIVING
from serving.reconcile.workload import judge_autoscaler, judge_deployment, judge_pods
from tanebi.api.core.kinds import DEPLOYMENT, POD

REV = REVISION.view(
    {"metadata": {"name": "r"}, "spec": {"containers": [{"name": "user-container"}]}}
)


@pytest.fixture
def conditions(now: Any) -> Any:
    return LIVING.manage([], now=now)


def short(conditions: Any) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c.get("reason", "")) for c in conditions.dump()}


def autoscaler(ready: str, *, initialized: bool, name: str = "r", reason: str = "") -> Any:
    said = [
        {"type": "Ready", "status": ready, "reason": reason},
        {"type": "ScaleTargetInitialized", "status": "True" if initialized else "Unknown"},
    ]
    return POD_AUTOSCALER.view({"status": {"serviceName": name, "conditions": said}})


@pytest.mark.parametrize(
    ("scaler", "resources", "active"),
    [
        (None, ("Unknown", "Deploying"), ("Unknown", "Deploying")),
        (autoscaler("True", initialized=True), ("True", ""), ("True", "")),
        (autoscaler("True", initialized=True, name=""), ("Unknown", "Deploying"), ("True", "")),
        (
            autoscaler("Unknown", initialized=False, reason="Queued"),
            ("Unknown", ""),
            ("Unknown", "Queued"),
        ),
        (
            autoscaler("False", initialized=True, reason="NoTraffic"),
            ("True", ""),
            ("False", "NoTraffic"),
        ),
        (
            autoscaler("False", initialized=False, reason="NoTraffic"),
            ("Unknown", ""),
            ("False", "NoTraffic"),
        ),
        (
            autoscaler("False", initialized=False, reason="TimedOut"),
            ("False", "ProgressDeadlineExceeded"),
            ("False", "TimedOut"),
        ),
    ],
)
def test_the_autoscaler(conditions: Any, scaler: Any, resources: Any, active: Any) -> None:
    judge_autoscaler(conditions, scaler)
    found = short(conditions)
    assert (found["ResourcesAvailable"], found["Active"]) == (resources, active)


def test_a_container_that_failed_is_not_called_healthy_by_the_autoscaler(conditions: Any) -> None:
    status = {"name": "user-container", "state": {"terminated": {"exitCode": 2}}}
    pod = POD.view({"status": {"containerStatuses": [status]}})
    judge_pods(conditions, REV, [pod], always_schedulable=False)
    judge_autoscaler(conditions, autoscaler("True", initialized=True))
    assert short(conditions)["ContainerHealthy"] == ("False", "ExitCode2")


def test_pods_on_their_way_out_and_foreign_containers_say_nothing(conditions: Any) -> None:
    ended = {"state": {"terminated": {"exitCode": 1}}}
    gone = POD.view(
        {
            "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            "status": {"containerStatuses": [{"name": "user-container", **ended}]},
        }
    )
    other = POD.view({"status": {"containerStatuses": [{"name": "helper", **ended}]}})
    judge_pods(conditions, REV, [gone, other], always_schedulable=False)
    assert short(conditions)["Ready"] == ("Unknown", "")


def test_a_deployment_that_progresses(conditions: Any) -> None:
    said = [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]
    judge_deployment(conditions, DEPLOYMENT.view({"status": {"conditions": said}}))
    assert short(conditions)["ResourcesAvailable"] == ("True", "")


def test_a_class_that_nobody_drives_is_said_at_once(conditions: Any) -> None:
    judge_autoscaler(conditions, autoscaler("False", initialized=False, reason="UnsupportedClass"))
    assert short(conditions)["ResourcesAvailable"] == ("False", "UnsupportedClass")
    assert short(conditions)["Ready"] == ("False", "UnsupportedClass")

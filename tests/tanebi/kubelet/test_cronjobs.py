"""CronJobs: which time is due, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tanebi.api.core.kinds_workload import CRON_JOB, JOB
from tanebi.api.meta import Obj, rfc3339
from tanebi.kube.plan import Invalid, Plan
from tanebi.kubelet.cronjobs import CronJobReconciler
from tanebi.testing.planning import PlanningWorld

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def world(schedule: str = "*/5 * * * *", **spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    obj: Obj = {
        "metadata": {"name": "tick", "namespace": "ns", "creationTimestamp": rfc3339(T0)},
        "spec": {
            "schedule": schedule,
            "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"completions": 1}},
            **spec,
        },
    }
    found.put(CRON_JOB, obj)
    return found


def step(found: PlanningWorld, after: timedelta) -> Plan:
    found.now = T0 + after
    return found.reconcile(CronJobReconciler(), "ns", "tick")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def finish(found: PlanningWorld, type_: str = "Complete") -> None:
    for job in found.list(JOB, "ns"):
        if not job.finished:
            status = {
                "conditions": [{"type": type_, "status": "True"}],
                "startTime": rfc3339(found.now),
                "completionTime": rfc3339(found.now),
            }
            found.set_status(JOB, "ns", job.metadata.name, status)


def names(found: PlanningWorld) -> list[str]:
    return [job.metadata.name for job in found.list(JOB, "ns")]


def test_a_job_for_each_time() -> None:
    here = world()
    early = step(here, minutes(1))
    assert early.children == ()
    assert early.requeue_after_s == 240
    due = step(here, minutes(5.1))
    assert len(due.children) == 1
    made = due.children[0]
    assert made["metadata"]["name"] == f"tick-{int(T0.timestamp()) // 60 + 5}"
    assert made["metadata"]["labels"] == {"a": "b"}
    assert (due.status or {})["lastScheduleTime"] == "2026-01-01T00:05:00Z"
    assert step(here, minutes(5.2)).children == (), "once is enough"


def test_only_the_last_missed_time_counts() -> None:
    here = world()
    assert len(step(here, minutes(61)).children) == 1
    assert names(here) == [f"tick-{int(T0.timestamp()) // 60 + 60}"]
    yearly = world("0 0 1 2 *")
    assert len(step(yearly, timedelta(days=40)).children) == 1


def test_too_late_is_never() -> None:
    here = world(startingDeadlineSeconds=60)
    assert step(here, minutes(7)).children == ()
    assert len(step(here, minutes(10.5)).children) == 1


def test_suspended() -> None:
    plan = step(world(suspend=True), minutes(60))
    assert (plan.children, plan.requeue_after_s) == ((), None)


def test_one_after_the_other() -> None:
    here = world(concurrencyPolicy="Forbid")
    step(here, minutes(5))
    blocked = step(here, minutes(10))
    assert blocked.children == ()
    assert blocked.events[0].reason == "JobAlreadyActive"
    finish(here)
    assert len(step(here, minutes(11)).children) == 1


def test_one_instead_of_the_other() -> None:
    here = world(concurrencyPolicy="Replace")
    step(here, minutes(5))
    replaced = step(here, minutes(10))
    assert [drop.name for drop in replaced.drops] == [f"tick-{int(T0.timestamp()) // 60 + 5}"]
    assert len(replaced.children) == 1


def test_history() -> None:
    here = world(successfulJobsHistoryLimit=2, failedJobsHistoryLimit=0)
    for round_ in range(1, 6):
        step(here, minutes(5 * round_))
        finish(here, "Failed" if round_ == 3 else "Complete")
    step(here, minutes(26))
    first = int(T0.timestamp()) // 60
    assert names(here) == [f"tick-{first + 20}", f"tick-{first + 25}"]
    found = here.get(CRON_JOB, "ns", "tick")
    assert found is not None
    assert found.status.last_successful_time is not None


def test_what_cannot_be_read_is_said_once() -> None:
    with pytest.raises(Invalid):
        step(world("never"), minutes(1))

"""Defaults, rules and columns of batch/v1."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.batch_rules import select_own_pods
from tanebi.api.core.kinds_workload import CRON_JOB, JOB
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems


def job(policy: str = "Never", **spec: Any) -> Obj:
    pod = {"restartPolicy": policy, "containers": [{"name": "c", "image": "i"}]}
    return {"spec": {"template": {"spec": pod}, **spec}}


def cron(schedule: str = "*/5 * * * *", **spec: Any) -> Obj:
    return {"spec": {"schedule": schedule, "jobTemplate": {"spec": job()["spec"]}, **spec}}


def test_a_job_gets_its_selector_from_its_uid() -> None:
    done = complete(JOB, job())
    assert "selector" not in done["spec"], "nobody's wish: it is given when the Job is stored"
    select_own_pods(done)
    assert done["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}}
    labels = done["spec"]["template"]["metadata"]["labels"]
    assert labels["job-name"] == labels["batch.kubernetes.io/job-name"] == "x"
    assert (done["spec"]["completions"], done["spec"]["backoffLimit"]) == (1, 6)
    again = complete(JOB, job(), done)
    assert again["spec"] == done["spec"], "an update that leaves out what was made keeps it"
    assert "completions" not in complete(JOB, job(parallelism=3))["spec"]


def test_a_job_has_its_pods_labels_unless_it_has_some() -> None:
    asked = job()
    asked["spec"]["template"]["metadata"] = {"labels": {"app": "a"}}
    done = complete(JOB, asked)
    select_own_pods(done)
    assert done["metadata"]["labels"] == done["spec"]["template"]["metadata"]["labels"]
    assert done["metadata"]["labels"]["app"] == "a"
    assert "job-name" in done["metadata"]["labels"]
    mine = complete(JOB, {**job(), "metadata": {"name": "x", "uid": "u", "labels": {"my": "own"}}})
    select_own_pods(mine)
    assert mine["metadata"]["labels"] == {"my": "own"}
    by_hand = complete(JOB, job(manualSelector=True, selector={"matchLabels": {"a": "b"}}))
    select_own_pods(by_hand)
    assert by_hand["spec"]["selector"] == {"matchLabels": {"a": "b"}}


def test_rules_of_jobs() -> None:
    assert problems(JOB, job()) == ""
    assert 'valid values: "OnFailure", "Never"' in problems(JOB, job("Always"))
    assert "spec.completions" in problems(JOB, job(completionMode="Indexed", parallelism=2))
    assert "completionMode" in problems(JOB, job(completionMode="Odd"))
    assert "spec.backoffLimit" in problems(JOB, job(backoffLimit=-1))
    failure = {"rules": []}
    assert "podFailurePolicy" in problems(JOB, job("OnFailure", podFailurePolicy=failure))
    old = complete(JOB, job())
    select_own_pods(old)
    assert "field is immutable" in problems(JOB, job(completions=5), old)
    assert problems(JOB, job(parallelism=0, completions=1), old) == ""


@pytest.mark.parametrize("schedule", ["* * * * *", "@daily", "0 3 * * MON-FRI", "*/15 8-18 ? * *"])
def test_schedules(schedule: str) -> None:
    assert problems(CRON_JOB, cron(schedule)) == ""


def test_rules_of_cron_jobs() -> None:
    done = complete(CRON_JOB, cron())["spec"]
    assert (done["concurrencyPolicy"], done["successfulJobsHistoryLimit"]) == ("Allow", 3)
    assert "spec.schedule: Required" in problems(CRON_JOB, cron("")) or "Required" in problems(
        CRON_JOB, cron("")
    )
    assert "exactly 5 fields" in problems(CRON_JOB, cron("0 * * * * *"))
    assert "spec.schedule" in problems(CRON_JOB, cron("61 * * * *"))
    assert "unknown time zone Mars/Phobos" in problems(CRON_JOB, cron(timeZone="Mars/Phobos"))
    assert "nil or non-empty" in problems(CRON_JOB, cron(timeZone=""))
    assert "concurrencyPolicy" in problems(CRON_JOB, cron(concurrencyPolicy="x"))
    long = cron() | {"metadata": {"name": "x" * 53}}
    assert "must be no more than 52 characters" in problems(CRON_JOB, long)


def condition(type_: str) -> Obj:
    return {"status": {"conditions": [{"type": type_, "status": "True"}]}}


def test_columns() -> None:
    assert cells(JOB, condition("Complete"))["Status"] == "Complete"
    assert cells(JOB, condition("Failed"))["Status"] == "Failed"
    assert cells(JOB, condition("Suspended"))["Status"] == "Suspended"
    assert cells(JOB, condition("FailureTarget"))["Status"] == "FailureTarget"
    assert cells(JOB, condition("SuccessCriteriaMet"))["Status"] == "SuccessCriteriaMet"
    assert cells(JOB, {"metadata": {"deletionTimestamp": "x"}})["Status"] == "Terminating"
    shown = cells(JOB, {"spec": {"completions": 3}, "status": {"succeeded": 1}})
    assert (shown["Status"], shown["Completions"], shown["Duration"]) == ("Running", "1/3", "")
    assert cells(JOB, {"spec": {"parallelism": 2}})["Completions"] == "0/1 of 2"
    times = {"startTime": "2025-12-31T23:59:00Z", "completionTime": "2025-12-31T23:59:30Z"}
    assert cells(JOB, {"status": times})["Duration"] == "30s"
    last = cells(CRON_JOB, {"status": {"lastScheduleTime": "2025-12-31T23:59:00Z"}})
    assert (last["Last Schedule"], last["Active"], last["Suspend"]) == ("60s", 0, "False")

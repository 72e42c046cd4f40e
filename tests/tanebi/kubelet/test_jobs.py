"""Jobs from their first pod to their verdict."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.batch import Job
from tanebi.api.core.batch_rules import default_job, select_own_pods
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_workload import JOB
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.kube.plan import Plan
from tanebi.kubelet.jobs import INDEX, JobReconciler, read_indexes, show_indexes
from tanebi.testing.planning import PlanningWorld
from tests.tanebi.kubelet.settling import TEMPLATE, ended, make_ready, pods

RECONCILER = JobReconciler("here")
NOBODY: Any = None


def world(**spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    obj: Obj = {
        "metadata": {"name": "web", "namespace": "ns", "uid": "u"},
        "spec": {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}, **spec},
    }
    admission = Admission("CREATE", "me", found.now, NOBODY)
    obj = default_job(obj, None, admission)
    select_own_pods(obj)
    found.put(JOB, obj)
    return found


def step(found: PlanningWorld) -> Plan:
    return found.reconcile(RECONCILER, "ns", "web")


def job(found: PlanningWorld) -> Job:
    got = found.get(JOB, "ns", "web")
    assert got is not None
    return got


def end(found: PlanningWorld, code: int = 0, *names: str) -> None:
    for name, pod in pods(found).items():
        if pod.status.phase not in ("Succeeded", "Failed") and (not names or name in names):
            found.set_status(POD, "ns", name, ended(found.now, code))


def conditions(found: PlanningWorld) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in job(found).status.conditions}


def test_one_pod_to_completion() -> None:
    here = world()
    made = step(here).children
    assert [pod["spec"]["nodeName"] for pod in made] == ["here"]
    assert made[0]["metadata"]["labels"]["job-name"] == "web"
    make_ready(here)
    step(here)
    assert (job(here).status.active, job(here).status.ready) == (1, 1)
    end(here)
    step(here)
    assert conditions(here) == {
        "SuccessCriteriaMet": ("True", "CompletionsReached"),
        "Complete": ("True", "CompletionsReached"),
    }
    assert job(here).status.succeeded == 1
    assert job(here).status.completion_time is not None
    assert step(here) == Plan(prune=False), "it is over"
    assert len(pods(here)) == 1, "the pod stays"


def test_parallelism_and_completions() -> None:
    here = world(completions=5, parallelism=2)
    step(here)
    assert len(pods(here)) == 2
    for expected in (2, 4):
        end(here)
        step(here)
        assert job(here).status.succeeded == expected
    assert job(here).status.active == 0 or len(step(here).children) == 0
    end(here)
    step(here)
    assert "Complete" in conditions(here)
    assert len(pods(here)) == 5


def test_failures_back_off_and_end_the_job() -> None:
    here = world(backoffLimit=1)
    step(here)
    end(here, 1)
    waiting = step(here)
    assert waiting.children == ()
    assert waiting.requeue_after_s is not None
    here.now += timedelta(seconds=10)
    assert len(step(here).children) == 1
    end(here, 1)
    step(here)
    assert conditions(here)["Failed"] == ("True", "BackoffLimitExceeded")
    assert job(here).status.failed == 2


def test_a_deadline_ends_what_runs() -> None:
    here = world(activeDeadlineSeconds=5)
    step(here)
    make_ready(here)
    assert (step(here).requeue_after_s or 9) <= 5
    here.now += timedelta(seconds=5)
    late = step(here)
    assert len(late.drops) == 1
    assert conditions(here)["FailureTarget"] == ("True", "DeadlineExceeded")
    step(here)
    assert conditions(here)["Failed"] == ("True", "DeadlineExceeded")


def test_a_queue_of_work() -> None:
    here = world(parallelism=2)
    step(here)
    first, second = pods(here)
    end(here, 0, first)
    assert step(here).children == (), "one found the queue empty"
    assert "Complete" not in conditions(here)
    end(here, 0, second)
    step(here)
    assert "Complete" in conditions(here)


def test_indexes() -> None:
    here = world(completions=3, parallelism=3, completionMode="Indexed")
    made = step(here).children
    assert [pod["metadata"]["annotations"][INDEX] for pod in made] == ["0", "1", "2"]
    assert made[1]["spec"]["hostname"] == "web-1"
    assert made[1]["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    by_index = {pod.metadata.annotations[INDEX]: name for name, pod in pods(here).items()}
    end(here, 0, by_index["0"], by_index["2"])
    step(here)
    assert job(here).status.completed_indexes == "0,2"
    end(here)
    step(here)
    assert job(here).status.completed_indexes == "0-2"
    assert "Complete" in conditions(here)


def test_suspended_and_resumed() -> None:
    here = world(suspend=True)
    assert step(here).children == ()
    assert conditions(here)["Suspended"] == ("True", "JobSuspended")
    assert job(here).status.start_time is None
    raw = here.raw(JOB, "ns", "web") or {}
    here.put(JOB, {**raw, "spec": {**raw["spec"], "suspend": False}, "metadata": raw["metadata"]})
    assert len(step(here).children) == 1
    assert conditions(here)["Suspended"] == ("False", "JobResumed")


def test_gone_after_a_while() -> None:
    here = world(ttlSecondsAfterFinished=30)
    step(here)
    end(here)
    step(here)
    assert 0 < (step(here).requeue_after_s or 0) <= 30
    here.now += timedelta(seconds=30)
    assert [drop.name for drop in step(here).drops] == ["web"]


@pytest.mark.parametrize(
    ("action", "verdict"),
    [("FailJob", ("True", "PodFailurePolicy")), ("Ignore", None), ("Count", None)],
)
def test_rules_for_failures(action: str, verdict: tuple[str, str] | None) -> None:
    rule = {"action": action, "onExitCodes": {"operator": "In", "values": [42]}}
    here = world(podFailurePolicy={"rules": [rule]}, backoffLimit=0 if action == "Ignore" else 3)
    step(here)
    end(here, 42)
    step(here)
    assert conditions(here).get("Failed") == verdict
    assert job(here).status.failed == (0 if action == "Ignore" else 1)


def test_a_pod_condition_may_fail_the_job() -> None:
    pattern = {"type": "DisruptionTarget", "status": "True"}
    rule = {"action": "FailJob", "onPodConditions": [pattern]}
    here = world(podFailurePolicy={"rules": [rule]})
    step(here)
    (name,) = pods(here)
    here.set_status(POD, "ns", name, {"phase": "Failed", "conditions": [pattern]})
    step(here)
    (failed,) = (c for c in job(here).status.conditions if c.type == "Failed")
    assert failed.message == (
        f"Pod ns/{name} has condition DisruptionTarget matching FailJob rule at index 0"
    )


def test_fewer_at_a_time() -> None:
    here = world(completions=4, parallelism=3)
    step(here)
    raw = here.raw(JOB, "ns", "web") or {}
    here.put(JOB, {**raw, "spec": {**raw["spec"], "parallelism": 1}, "metadata": raw["metadata"]})
    assert len(step(here).drops) == 2


@given(st.sets(st.integers(0, 60)))
def test_indexes_as_text(indexes: set[int]) -> None:
    assert read_indexes(show_indexes(indexes)) == indexes


def test_how_runs_are_written() -> None:
    assert show_indexes({0, 1, 2, 4, 6, 7}) == "0-2,4,6,7"

"""Job and CronJob as read."""

from __future__ import annotations

from tanebi.api.core.batch import CronJob, Job


def test_a_job_is_finished_by_its_conditions() -> None:
    def job(type_: str, status: str = "True") -> Job:
        return Job.model_validate({"status": {"conditions": [{"type": type_, "status": status}]}})

    assert job("Complete").finished
    assert job("Failed").finished
    assert not job("Failed", "False").finished
    assert not job("Suspended").finished
    assert CronJob.model_validate({}).spec.job_template.spec.completions is None

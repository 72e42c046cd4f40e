"""CronJobs: a Job for each time of the calendar, and no more of them kept than asked for.

Pure. Rules (k8s.io/kubernetes pkg/controller/cronjob): a Job's name follows from its time, so that none is made twice; of several
times that were missed only the last is made up for, and only within startingDeadlineSeconds.
Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from tanebi.api.core.batch import CronJob, Job
from tanebi.api.core.kinds_workload import CRON_JOB, JOB
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference, parse_time, rfc3339
from tanebi.api.schedule import BadSchedule, BadZone, Schedule, parse
from tanebi.kube.plan import Drop, Invalid, Note, Plan, Reads, Seen

SCHEDULED: Final = "batch.kubernetes.io/cronjob-scheduled-timestamp"
# Where to look for the last missed time: nearby first, for most calendars are dense.
SPANS: Final = tuple(timedelta(hours=h) for h in (1, 24, 32 * 24, 366 * 24))
TICKS_MAX: Final = 5000
DEFAULT_SUCCEEDED: Final = 3
DEFAULT_FAILED: Final = 1


@dataclass(frozen=True, slots=True)
class CronJobReconciler:
    """Reads no clock: `now` is given, and the plan says when to come again."""

    @property
    def kind(self) -> Kind[CronJob]:
        return CRON_JOB

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (JOB,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return ()

    def desired(self, found: CronJob, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = found.metadata
        try:
            schedule = parse(found.spec.schedule, found.spec.time_zone or "")
        except (BadSchedule, BadZone) as error:
            raise Invalid(str(error)) from error
        jobs = [
            job
            for job in seen.list(JOB, meta.namespace)
            if (ref := job.metadata.controller) is not None and ref.uid == meta.uid
        ]
        active = [job for job in jobs if not job.finished and not job.deleting]
        due = None if found.spec.suspend else last_due(found, schedule, now)
        children, drops, notes = self._start(found, seen, due, active)
        status = _status(found, jobs, active, due if children else None, children)
        upcoming = next(schedule.after(now), None)
        wait_s = (upcoming - now).total_seconds() if upcoming else None
        return Plan(
            children=tuple(children),
            drops=(*drops, *_forgotten(found, jobs)),
            status=status,
            events=tuple(notes),
            requeue_after_s=None if found.spec.suspend else wait_s,
            prune=False,
        )

    def _start(
        self, found: CronJob, seen: Seen, due: datetime | None, active: Sequence[Job]
    ) -> tuple[list[Obj], list[Drop], list[Note]]:
        if due is None:
            return [], [], []
        policy = found.spec.concurrency_policy
        if policy == "Forbid" and active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            return [], [], [Note("Normal", "JobAlreadyActive", text)]
        raw = seen.raw(CRON_JOB, found.metadata.namespace, found.metadata.name)
        assert raw is not None, "the engine asks about what it has read"
        made = make_job(found, raw["spec"]["jobTemplate"], due)
        name = made["metadata"]["name"]
        drops = [Drop(JOB, *job.key, job.metadata.uid) for job in active if policy == "Replace"]
        notes = [Note("Normal", "SuccessfulDelete", f"Deleted job {d.name}") for d in drops]
        return [made], drops, [*notes, Note("Normal", "SuccessfulCreate", f"Created job {name}")]


def last_due(found: CronJob, schedule: Schedule, now: datetime) -> datetime | None:
    """The latest time of the calendar that has come and has no Job yet."""
    since = found.status.last_schedule_time or found.metadata.creation_timestamp
    earliest = parse_time(since) if since else now
    if found.spec.starting_deadline_seconds is not None:
        deadline = timedelta(seconds=found.spec.starting_deadline_seconds)
        earliest = max(earliest, now - deadline)
    for span in SPANS:
        begin = max(earliest, now - span)
        due = None
        for tick in islice(schedule.after(begin), TICKS_MAX):
            if tick > now:
                break
            due = tick
        if due is not None or begin == earliest:
            return due
    return None


def make_job(found: CronJob, template: Obj, due: datetime) -> Obj:
    meta = template.get("metadata") or {}
    minutes = int(due.timestamp()) // 60
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": f"{found.metadata.name}-{minutes}",
            "namespace": found.metadata.namespace,
            "labels": dict(meta.get("labels") or {}),
            "annotations": {**(meta.get("annotations") or {}), SCHEDULED: rfc3339(due)},
            "ownerReferences": [owner_reference(found)],
        },
        "spec": template.get("spec") or {},
    }


def _status(
    found: CronJob,
    jobs: Sequence[Job],
    active: Sequence[Job],
    due: datetime | None,
    made: Sequence[Obj],
) -> Obj:
    refs = [
        {
            "apiVersion": JOB.api_version,
            "kind": JOB.kind,
            "namespace": job.metadata.namespace,
            "name": job.metadata.name,
            "uid": job.metadata.uid,
        }
        for job in active
    ]
    ends = [job.status.completion_time for job in jobs if job.status.completion_time]
    last = rfc3339(due) if due else found.status.last_schedule_time
    success = max([*ends, found.status.last_successful_time or ""])
    status: Obj = {"active": refs} if refs else {}
    if last:
        status["lastScheduleTime"] = last
    if success:
        status["lastSuccessfulTime"] = success
    return status


def _forgotten(found: CronJob, jobs: Sequence[Job]) -> list[Drop]:
    """Finished Jobs beyond what is kept, the oldest first."""
    spec, dropped = found.spec, []
    for type_, limit, default in (
        ("Complete", spec.successful_jobs_history_limit, DEFAULT_SUCCEEDED),
        ("Failed", spec.failed_jobs_history_limit, DEFAULT_FAILED),
    ):
        ended = [job for job in jobs if job.status.is_true(type_) and not job.deleting]
        ended.sort(key=lambda job: (job.status.start_time or "", job.metadata.name))
        kept = default if limit is None else limit
        dropped += [Drop(JOB, *j.key, j.metadata.uid) for j in ended[: max(len(ended) - kept, 0)]]
    return dropped

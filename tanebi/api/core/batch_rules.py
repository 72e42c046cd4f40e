"""Job and CronJob: defaults, validation and columns (k8s.io/kubernetes pkg/apis/batch). Pure.

A Job's selector and its pods' labels are made here, from the uid, as Kubernetes makes them at admission.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tanebi.api.core.batch import CronJob, Job, JobSpec
from tanebi.api.core.cells import (
    TEMPLATE_COLUMNS,
    at,
    container_images,
    container_names,
    show_selector,
)
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.pod_defaults import default_pod_spec, fill
from tanebi.api.core.refusals import invalid, not_supported, one_of, required
from tanebi.api.core.workload_rules import not_negative, template_errors
from tanebi.api.durations import human_age
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj, parse_time
from tanebi.api.schedule import BadSchedule, BadZone, parse

UID_LABEL: Final = "batch.kubernetes.io/controller-uid"
NAME_LABEL: Final = "batch.kubernetes.io/job-name"
# What pods carried before the labels had a domain; clients still select by them.
OLD_LABELS: Final = {"controller-uid": UID_LABEL, "job-name": NAME_LABEL}
MODES: Final = ("NonIndexed", "Indexed")
CONCURRENCY: Final = ("Allow", "Forbid", "Replace")
NAME_CHARS_MAX: Final = 52
FIELDS: Final = 5  # of a schedule: CronJobs have no seconds


def default_job(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    _default_job_spec(spec)
    meta, template = obj["metadata"], spec["template"].get("metadata") or {}
    if template.get("labels") and not meta.get("labels"):
        meta["labels"] = dict(template["labels"])
    if old is not None:
        was = old.get("spec") or {}
        fill(spec, {"selector": was.get("selector")})
        if not (spec["template"].get("metadata") or {}).get("labels"):
            kept = (was.get("template") or {}).get("metadata") or {}
            spec["template"].setdefault("metadata", {})["labels"] = kept.get("labels") or {}
    return obj


def select_own_pods(job: Obj) -> None:
    """Give a new Job, in place, a selector by its uid, and its pods the labels for it. Nobody wrote those: nobody owns them.

    A Job whose labels are its pods' has the new ones, too.
    """
    meta, spec = job["metadata"], job["spec"]
    if spec.get("manualSelector"):
        return
    labels = {UID_LABEL: meta.get("uid", ""), NAME_LABEL: meta.get("name", "")}
    labels |= {name: labels[new] for name, new in OLD_LABELS.items()}
    fill(spec, {"selector": {}})
    spec["selector"]["matchLabels"] = {
        UID_LABEL: labels[UID_LABEL],
        **(spec["selector"].get("matchLabels") or {}),
    }
    pods = spec["template"].setdefault("metadata", {})
    before = pods.get("labels") or {}
    pods["labels"] = {**labels, **before}
    if before and meta.get("labels") == before:
        meta["labels"] = dict(pods["labels"])


def _default_job_spec(spec: Obj) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        fill(spec, {"completions": 1, "parallelism": 1})
    fill(spec, {"parallelism": 1, "completionMode": "NonIndexed", "suspend": False})
    fill(spec, {"manualSelector": False})
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1
    policy = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    fill(spec, {"podReplacementPolicy": policy, "template": {}})
    default_pod_spec(spec["template"].setdefault("spec", {}))


def validate_job(job: Job, old: Job | None, admission: Admission) -> list[FieldError]:
    if admission.subresource:
        return []
    errors = [*_job_errors(job.spec)]
    if old is not None:
        errors += _job_changes(job, old)
    return via("spec", errors)


def _job_errors(spec: JobSpec) -> Iterator[FieldError]:
    yield from not_negative(
        (
            ("parallelism", spec.parallelism),
            ("completions", spec.completions),
            ("activeDeadlineSeconds", spec.active_deadline_seconds),
            ("backoffLimit", spec.backoff_limit),
            ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished),
        )
    )
    if spec.completion_mode not in MODES:
        yield one_of("completionMode", spec.completion_mode or "", MODES)
    if spec.completion_mode == "Indexed" and spec.completions is None:
        yield required("completions", "when completion mode is Indexed")
    policy = spec.template.spec.restart_policy
    if policy == "Always":
        yield required("template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    yield from template_errors(spec.template, policies=("Always", "OnFailure", "Never"))
    if spec.pod_failure_policy is not None and policy == "OnFailure":
        yield invalid(
            "template.spec.restartPolicy",
            policy,
            'only "Never" is supported when podFailurePolicy is specified',
        )


def _job_changes(job: Job, old: Job) -> Iterator[FieldError]:
    new, was = job.spec, old.spec
    for path, value, before in (
        ("selector", new.selector, was.selector),
        ("completionMode", new.completion_mode, was.completion_mode),
        ("podFailurePolicy", new.pod_failure_policy, was.pod_failure_policy),
    ):
        if value != before:
            yield invalid(path, str(value), "field is immutable")
    if new.completions != was.completions and (
        new.completion_mode != "Indexed" or new.completions != new.parallelism
    ):
        yield invalid("completions", new.completions, "field is immutable")
    started = old.status.start_time is not None
    if new.template != was.template and (started or not was.suspend):
        shown = new.template.metadata.get("labels") or {}
        yield invalid("template", shown, "field is immutable")


def default_cron_job(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(
        spec,
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {},
        },
    )
    spec["jobTemplate"].setdefault("metadata", {})
    template = spec["jobTemplate"].setdefault("spec", {}).setdefault("template", {})
    default_pod_spec(template.setdefault("spec", {}))
    return obj


def validate_cron_job(
    found: CronJob, old: CronJob | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    errors = via("spec", _cron_errors(found))
    if old is None and len(found.metadata.name) > NAME_CHARS_MAX:
        errors.append(
            invalid(
                "metadata.name",
                found.metadata.name,
                f"must be no more than {NAME_CHARS_MAX} characters",
            )
        )
    return errors


def _cron_errors(found: CronJob) -> Iterator[FieldError]:
    spec = found.spec
    if not spec.schedule:
        yield required("schedule")
    elif (found_fields := _wrong_count(spec.schedule)) is not None:
        detail = f"expected exactly {FIELDS} fields, found {len(found_fields)}: "
        yield invalid("schedule", spec.schedule, f"{detail}[{' '.join(found_fields)}]")
    else:
        yield from _calendar_errors(spec.schedule, spec.time_zone)
    if spec.concurrency_policy not in CONCURRENCY:
        yield not_supported("concurrencyPolicy", spec.concurrency_policy, CONCURRENCY)
    yield from not_negative(
        (
            ("startingDeadlineSeconds", spec.starting_deadline_seconds),
            ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
            ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
        )
    )
    yield from via("jobTemplate.spec", _template_errors(spec.job_template.spec))


def _wrong_count(schedule: str) -> list[str] | None:
    """The fields of a schedule that has too few or too many."""
    fields = [f for f in schedule.split() if not f.startswith(("TZ=", "CRON_TZ="))]
    named = bool(fields) and fields[0].startswith("@")
    return None if named or len(fields) == FIELDS else fields


def _calendar_errors(schedule: str, zone: str | None) -> Iterator[FieldError]:
    if zone == "":
        yield invalid("timeZone", zone, "timeZone must be nil or non-empty string")
    try:
        parse(schedule, zone or "")
    except BadSchedule as error:
        yield invalid("schedule", schedule, str(error))
    except BadZone:
        yield invalid("timeZone", zone, f"unknown time zone {zone}")


def _template_errors(spec: JobSpec) -> Iterator[FieldError]:
    if spec.template.spec.restart_policy == "Always":
        yield required("template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    yield from template_errors(spec.template, policies=("Always", "OnFailure", "Never"))


def _job_status(obj: Obj, now: datetime) -> str:
    status = obj.get("status") or {}
    true = {c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"}
    if "Complete" in true:
        return "Complete"
    if "Failed" in true:
        return "Failed"
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return "Terminating"
    if "Suspended" in true:
        return "Suspended"
    if "FailureTarget" in true:
        return "FailureTarget"
    if "SuccessCriteriaMet" in true:
        return "SuccessCriteriaMet"
    return "Running"


def _completions(obj: Obj, now: datetime) -> str:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    done = status.get("succeeded") or 0
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism") or 0
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(obj: Obj, now: datetime) -> str:
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return ""
    end = status.get("completionTime")
    until = parse_time(end) if end else now
    return human_age((until - parse_time(status["startTime"])).total_seconds())


def _last_schedule(obj: Obj, now: datetime) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return human_age((now - parse_time(last)).total_seconds()) if last else NONE


def _job_selector(obj: Obj, now: datetime) -> str:
    return show_selector((obj.get("spec") or {}).get("selector"))


def _of_template(obj: Obj) -> Obj:
    return {"spec": ((obj.get("spec") or {}).get("jobTemplate") or {}).get("spec") or {}}


JOB_COLUMNS: Final = (
    Column("Status", cell=_job_status),
    Column("Completions", cell=_completions),
    Column("Duration", cell=_duration),
    AGE,
    *TEMPLATE_COLUMNS[:2],
    Column("Selector", priority=1, cell=_job_selector),
)
CRON_JOB_COLUMNS: Final = (
    Column("Schedule", ".spec.schedule"),
    Column("Timezone", cell=at("spec.timeZone", NONE)),
    Column(
        "Suspend",
        type="boolean",
        cell=lambda obj, now: str(bool((obj.get("spec") or {}).get("suspend"))),
    ),
    Column(
        "Active",
        type="integer",
        cell=lambda obj, now: len((obj.get("status") or {}).get("active") or ()),
    ),
    Column("Last Schedule", cell=_last_schedule),
    AGE,
    Column("Containers", priority=1, cell=lambda o, now: container_names(_of_template(o), now)),
    Column("Images", priority=1, cell=lambda o, now: container_images(_of_template(o), now)),
    Column("Selector", priority=1, cell=lambda o, now: NONE),
)

"""Jobs: pods until enough have succeeded, too many have failed, or time is up.

Pure. Rules (k8s.io/kubernetes pkg/controller/job): at most `parallelism` pods at a time and no more than are still needed; after
a failure the next pod waits 10 s, doubled each time; a Job that ends says first what decided it (SuccessCriteriaMet,
FailureTarget) and is Complete or Failed when no pod runs any more. Pods that ended stay until the Job goes.

Not here: backoffLimitPerIndex and successPolicy, which are stored. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from tanebi.api.core.batch import Job, PodFailureRule
from tanebi.api.core.batch_rules import UID_LABEL
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_workload import JOB
from tanebi.api.core.pod import Pod
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, parse_time, rfc3339
from tanebi.api.selectors import Selector, from_labels, from_object
from tanebi.kube.plan import Drop, Note, Plan, Reads, Seen
from tanebi.kubelet.adopting import claimants, claims
from tanebi.kubelet.podsets import (
    drop,
    foreign_to,
    is_living,
    make_pod,
    new_names,
    nobody,
    owned_pods,
)
from tanebi.kubelet.scheduling import place

INDEX: Final = "batch.kubernetes.io/job-completion-index"
BACKOFF_FIRST_S: Final = 10.0
BACKOFF_MAX_S: Final = 600.0
PODS_A_PASS: Final = 100  # a Job of thousands is begun in steps


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a Job ends."""

    succeeded: bool
    reason: str
    message: str


ENOUGH: Final = Verdict(True, "CompletionsReached", "Reached expected number of succeeded pods")
TOO_LATE: Final = Verdict(
    False, "DeadlineExceeded", "Job was active longer than specified deadline"
)
TOO_OFTEN: Final = Verdict(
    False, "BackoffLimitExceeded", "Job has reached the specified backoff limit"
)


@dataclass(frozen=True, slots=True)
class Count:
    """A Job's pods by what became of them. `failed` leaves out those that a rule ignores."""

    active: tuple[Pod, ...]
    succeeded: tuple[Pod, ...]
    failed: tuple[Pod, ...]
    terminating: int
    verdict: Verdict | None  # of a rule that fails the Job


@dataclass(frozen=True, slots=True)
class JobReconciler:
    """`node` is the name of the one machine there is."""

    node: str

    @property
    def kind(self) -> Kind[Job]:
        return JOB

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (POD,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(NODE, nobody), Reads(POD, claimants(JOB, _chosen)))

    def desired(self, job: Job, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if job.finished:
            return _after_the_end(job, now)
        meta = job.metadata
        chosen = _chosen(job)
        if moved := claims(job, POD, seen, chosen):
            return Plan(patches=moved, prune=False)
        pods = owned_pods((meta.uid,), seen.list(POD, meta.namespace, chosen))
        count = tally(job, pods)
        if verdict := judge(job, count, now):
            return _ending(job, count, verdict, now)
        if job.spec.suspend:
            return _suspended(job, count, now)
        raw = seen.raw(JOB, meta.namespace, meta.name)
        assert raw is not None, "the engine asks about what it has read"
        wait_s = backoff_s(count, now)
        wanted = [] if wait_s > 0 else next_pods(job, count, pods, foreign_to(job, seen))
        template = raw["spec"]["template"]
        node = place(seen, self.node, template)
        children = tuple(_make(job, template, name, index, node) for name, index in wanted)
        status = _status(job, count, now)
        surplus = _too_many(job, count)
        deadline = _deadline_s(job, now)
        notes = (
            Note("Normal", "SuccessfulCreate", f"Created pod: {child['metadata']['name']}")
            for child in children
        )
        return Plan(
            children=children,
            drops=tuple(map(drop, surplus)),
            status=status,
            events=tuple(notes),
            requeue_after_s=min((s for s in (wait_s, deadline) if s and s > 0), default=None),
            prune=False,
        )


def _chosen(job: Job) -> Selector:
    if job.spec.selector:
        return from_object(job.spec.selector.model_dump(by_alias=True))
    return from_labels({UID_LABEL: job.metadata.uid})


# --- counting -----------------------------------------------------------------------------------


def tally(job: Job, pods: Sequence[Pod]) -> Count:
    failed, verdict = [], None
    for pod in pods:
        if pod.status.phase != "Failed":
            continue
        rule = _rule_of(job, pod)
        action = rule[1].action if rule else "Count"
        if action == "FailJob" and rule is not None:
            verdict = verdict or _by_rule(pod, *rule)
        if action != "Ignore":
            failed.append(pod)
    return Count(
        active=tuple(pod for pod in pods if is_living(pod)),
        succeeded=tuple(pod for pod in pods if pod.status.phase == "Succeeded"),
        failed=tuple(failed),
        terminating=sum(
            pod.deleting and pod.status.phase not in ("Succeeded", "Failed") for pod in pods
        ),
        verdict=verdict,
    )


def judge(job: Job, count: Count, now: datetime) -> Verdict | None:
    """Whether the Job ends now."""
    if count.verdict:
        return count.verdict
    if is_enough(job, count):
        return ENOUGH
    if (limit := _deadline_s(job, now)) is not None and limit <= 0:
        return TOO_LATE
    retries = _restarts(job, count.active) + len(count.failed)
    return (
        TOO_OFTEN
        if retries > (6 if job.spec.backoff_limit is None else job.spec.backoff_limit)
        else None
    )


def is_enough(job: Job, count: Count) -> bool:
    wanted = job.spec.completions
    if wanted is None:  # a queue of work: one that found it empty is enough, once all are done
        return bool(count.succeeded) and not count.active
    if job.spec.completion_mode == "Indexed":
        return len(done_indexes(job, count)) >= wanted
    return succeeded(job, count) >= wanted


def succeeded(job: Job, count: Count) -> int:
    """A pod that succeeded and was deleted has succeeded all the same."""
    return max(len(count.succeeded), job.status.succeeded)


def done_indexes(job: Job, count: Count) -> set[int]:
    below = job.spec.completions or 0
    found = {index_of(pod) for pod in count.succeeded} | read_indexes(job.status.completed_indexes)
    return {index for index in found if index is not None and index < below}


def index_of(pod: Pod) -> int | None:
    text = pod.metadata.annotations.get(INDEX, "")
    return int(text) if text.isdecimal() else None


def show_indexes(indexes: Iterable[int]) -> str:
    """`0-2,5`, as Kubernetes writes them."""
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a},{b}" if b == a + 1 else f"{a}-{b}" for a, b in runs)


def read_indexes(text: str) -> set[int]:
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


# --- what to do ---------------------------------------------------------------------------------


def next_pods(
    job: Job,
    count: Count,
    pods: Sequence[Pod],
    foreign: Callable[[str], bool] = lambda name: False,
) -> list[tuple[str, int | None]]:
    """Names of the pods to create now, and their indexes."""
    parallel = 1 if job.spec.parallelism is None else job.spec.parallelism
    waiting = count.terminating if job.spec.pod_replacement_policy != "Failed" else 0
    free = min(parallel - len(count.active) - waiting, PODS_A_PASS)
    taken = {pod.metadata.name for pod in pods}
    name = job.metadata.name
    if job.spec.completion_mode == "Indexed":
        busy = {index_of(pod) for pod in count.active} | done_indexes(job, count)
        open_ = [i for i in range(job.spec.completions or 0) if i not in busy][: max(free, 0)]
        return [(new_names(job, f"{name}-{i}", 1, taken, foreign)[0], i) for i in open_]
    if job.spec.completions is None:
        wanted = 0 if count.succeeded else free
    else:
        left = job.spec.completions - succeeded(job, count) - len(count.active)
        wanted = min(free, left)
    return [(found, None) for found in new_names(job, name, max(wanted, 0), taken, foreign)]


def backoff_s(count: Count, now: datetime) -> float:
    """How long the next pod has to wait; 0 when nothing has failed since a pod ran."""
    ends = [end for pod in count.failed if (end := _ended_at(pod)) is not None]
    if not ends:
        return 0.0
    delay = min(BACKOFF_FIRST_S * 2.0 ** min(len(ends) - 1, 60), BACKOFF_MAX_S)
    return max(delay - (now - max(ends)).total_seconds(), 0.0)


def _too_many(job: Job, count: Count) -> Sequence[Pod]:
    parallel = 1 if job.spec.parallelism is None else job.spec.parallelism
    return count.active[parallel:]


def _make(job: Job, template: Obj, name: str, index: int | None, node: str) -> Obj:
    if index is None:
        return make_pod(job, template, name, node=node)
    known = {INDEX: str(index)}
    variable = {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {
            "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{INDEX}']"}
        },
    }
    spec: dict[str, Any] = {"hostname": f"{job.metadata.name}-{index}"}
    for field in ("initContainers", "containers"):
        if template["spec"].get(field):
            spec[field] = [
                {**each, "env": [*(each.get("env") or ()), variable]}
                for each in template["spec"][field]
            ]
    return make_pod(job, template, name, node=node, labels=known, annotations=known, spec=spec)


# --- endings ------------------------------------------------------------------------------------


def _ending(job: Job, count: Count, verdict: Verdict, now: datetime) -> Plan:
    """What still runs goes; then the Job is over."""
    target = "SuccessCriteriaMet" if verdict.succeeded else "FailureTarget"
    status = _status(job, replace(count, active=()), now)
    conditions = _without(status["conditions"], "Suspended")
    conditions = _with(conditions, target, "True", verdict.reason, verdict.message, now)
    over = not count.active and not count.terminating
    notes: tuple[Note, ...] = ()
    if over:
        final = "Complete" if verdict.succeeded else "Failed"
        conditions = _with(conditions, final, "True", verdict.reason, verdict.message, now)
        if verdict.succeeded:
            status["completionTime"] = rfc3339(now)
            notes = (Note("Normal", "Completed", "Job completed"),)
        else:
            notes = (Note("Warning", verdict.reason, verdict.message),)
    status["conditions"] = conditions
    status["terminating"] = len(count.active) + count.terminating
    return Plan(
        drops=tuple(map(drop, count.active)),
        status=status,
        events=notes,
        requeue_after_s=_ttl_s(job, now, now) if over else None,
        prune=False,
    )


def _suspended(job: Job, count: Count, now: datetime) -> Plan:
    status = _status(job, replace(count, active=()), now)
    status.pop("startTime", None)
    status["conditions"] = _with(
        status["conditions"], "Suspended", "True", "JobSuspended", "Job suspended", now
    )
    return Plan(drops=tuple(map(drop, count.active)), status=status, prune=False)


def _after_the_end(job: Job, now: datetime) -> Plan:
    ends = (
        c.last_transition_time for c in job.status.conditions if c.type in ("Complete", "Failed")
    )
    ended = next((stamp for stamp in ends if stamp), None)
    wait_s = _ttl_s(job, parse_time(ended) if ended else now, now)
    if wait_s is None or wait_s > 0:
        return Plan(requeue_after_s=wait_s, prune=False)
    return Plan(drops=(Drop(JOB, *job.key, job.metadata.uid),), prune=False)


def _ttl_s(job: Job, ended: datetime, now: datetime) -> float | None:
    """Seconds until the finished Job is deleted."""
    ttl = job.spec.ttl_seconds_after_finished
    return None if ttl is None else (ended + timedelta(seconds=ttl) - now).total_seconds()


# --- status -------------------------------------------------------------------------------------


def _status(job: Job, count: Count, now: datetime) -> Obj:
    conditions = [c.model_dump(by_alias=True, exclude_defaults=True) for c in job.status.conditions]
    if job.status.is_true("Suspended") and not job.spec.suspend:
        conditions = _with(conditions, "Suspended", "False", "JobResumed", "Job resumed", now)
    found: Obj = {
        "startTime": job.status.start_time or rfc3339(now),
        "active": len(count.active),
        "succeeded": succeeded(job, count),
        "failed": max(len(count.failed), job.status.failed),
        "ready": sum(pod.status.is_ready for pod in count.active),
        "terminating": count.terminating,
        "uncountedTerminatedPods": {},
        "conditions": conditions,
    }
    if job.spec.completion_mode == "Indexed":
        done = done_indexes(job, count)
        found |= {"completedIndexes": show_indexes(done), "succeeded": len(done)}
    return {
        k: v
        for k, v in found.items()
        if v or k in ("ready", "terminating", "uncountedTerminatedPods", "conditions")
    }


def _with(
    conditions: Sequence[Mapping[str, Any]],
    type_: str,
    status: str,
    reason: str,
    message: str,
    now: datetime,
) -> list[Obj]:
    stamp = rfc3339(now)
    old = next((c for c in conditions if c["type"] == type_), None)
    if old is not None and old.get("status") == status:
        return [dict(c) for c in conditions]
    made = {"type": type_, "status": status, "reason": reason, "message": message}
    made |= {"lastProbeTime": stamp, "lastTransitionTime": stamp}
    return [*_without(conditions, type_), made]


def _without(conditions: Sequence[Mapping[str, Any]], type_: str) -> list[Obj]:
    return [dict(c) for c in conditions if c["type"] != type_]


def _deadline_s(job: Job, now: datetime) -> float | None:
    """Seconds left. None: there is no deadline, or the Job has not begun."""
    limit, began = job.spec.active_deadline_seconds, job.status.start_time
    if limit is None or began is None or job.spec.suspend:
        return None
    return (parse_time(began) + timedelta(seconds=limit) - now).total_seconds()


def _restarts(job: Job, active: Sequence[Pod]) -> int:
    if job.spec.template.spec.restart_policy != "OnFailure":
        return 0
    return sum(c.restart_count for pod in active for c in pod.status.container_statuses)


def _ended_at(pod: Pod) -> datetime | None:
    stamps = [
        each.state.terminated.finished_at
        for each in pod.status.container_statuses
        if each.state.terminated is not None and each.state.terminated.finished_at
    ]
    return parse_time(max(stamps)) if stamps else None


# --- rules for failures -------------------------------------------------------------------------


def _rule_of(job: Job, pod: Pod) -> tuple[int, PodFailureRule] | None:
    policy = job.spec.pod_failure_policy
    for i, rule in enumerate(policy.rules if policy else ()):
        if _exit_code(rule, pod) is not None or _has_condition(rule, pod):
            return i, rule
    return None


def _exit_code(rule: PodFailureRule, pod: Pod) -> tuple[str, int] | None:
    """The container that the rule matches, and its exit code."""
    wanted = rule.on_exit_codes
    if wanted is None:
        return None
    for each in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        ended = each.state.terminated
        if ended is None or ended.exit_code == 0 or wanted.container_name not in (None, each.name):
            continue
        if (ended.exit_code in wanted.values) == (wanted.operator == "In"):
            return each.name, ended.exit_code
    return None


def _has_condition(rule: PodFailureRule, pod: Pod) -> bool:
    return any(
        (found := pod.status.condition(wanted.type)) is not None
        and found.status == (wanted.status or "True")
        for wanted in rule.on_pod_conditions
    )


def _by_rule(pod: Pod, index: int, rule: PodFailureRule) -> Verdict:
    found = _exit_code(rule, pod)
    what = (
        f"Container {found[0]} for pod {pod.key} failed with exit code {found[1]}"
        if found
        else f"Pod {pod.key} has condition {rule.on_pod_conditions[0].type}"
    )
    return Verdict(
        False, "PodFailurePolicy", f"{what} matching {rule.action} rule at index {index}"
    )

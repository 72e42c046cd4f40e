"""The demo's steps: each plays one promise on a stage and says what was measured. Raises StepFailed when it did not hold."""

from __future__ import annotations

import json
import statistics
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from tanebi.cli import timing
from tanebi.cli.demo_stage import Load, Stage, StepFailed, samples

SERVICE_LABEL: Final = "serving.knative.dev/service"
WINDOW: Final = "6s"  # Knative's shortest, so that scaling to zero fits a demo
CLIENTS: Final = 24
PODS_WANTED: Final = 3
WARM_REQUESTS: Final = 300
CRASH_EVENTS: Final = 60
NOTHING_WRITTEN: Final = "is kept in namespace"

QUICK_CONFIG: Final = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "config-autoscaler", "namespace": "knative-serving"},
    "data": {"scale-to-zero-grace-period": "1s", "allow-zero-initial-scale": "true"},
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a step has to tell. `took_s`: what it measured, when that is not the step's own time."""

    lines: list[str] = field(default_factory=list)
    took_s: float | None = None


def up(stage: Stage) -> Said:
    """And, by a live edit of a ConfigMap, a shorter grace period and services that start with nothing running."""
    started = timing.monotonic()
    endpoints = stage.up()
    took_s = timing.monotonic() - started
    stage.command("apply", "-f", "-", stdin=json.dumps(QUICK_CONFIG))
    return Said([f"gateway {endpoints['gateway']}   API {endpoints['api']}"], took_s)


def deploy(stage: Stage) -> Said:
    """With an initial scale of zero: nothing runs until somebody asks."""
    return Said([_deploy(stage, "hello", "--concurrency-limit", "5", "--scale-max", "8")])


def first_request(stage: Stage) -> Said:
    if running := _pods(stage, "hello"):
        raise StepFailed(f"{len(running)} pods run already, this would be no cold start")
    answer = stage.request("hello")
    if answer.status != 200:
        raise StepFailed(f"the first request was answered with {answer.status}", hint=answer.text)
    return Said([answer.text.strip()], answer.took_s)


def warm_requests(stage: Stage) -> Said:
    times = sorted(stage.warm_requests("hello", WARM_REQUESTS))
    p99 = times[int(len(times) * 0.99)]
    said = f"median of {len(times)}, one after the other; p99 {p99 * 1000:.1f} ms"
    return Said([said], statistics.median(times))


def scale_out(stage: Stage) -> Said:
    """More people than one pod may serve at once: 5 by its concurrency limit."""
    load = Load(stage, "hello", "/?ms=200", clients=CLIENTS)
    started = timing.monotonic()
    load.start()
    try:
        ready = stage.until(
            lambda: (
                len(found) >= PODS_WANTED and found if (found := _ready(stage, "hello")) else []
            ),
            30.0,
            f"{PODS_WANTED} pods were ready",
        )
        took_s = timing.monotonic() - started
        timing.pause(1.0)
        why = _why(stage, "hello")
    finally:
        load.stop()
    if load.failed:
        first = load.failed[0]
        raise StepFailed(f"{len(load.failed)} of {load.answered} requests failed: {first}")
    said = f"{CLIENTS} clients, 1 → {len(ready)} pods; {load.answered} requests, none failed"
    return Said([said, why], took_s)


def scale_to_zero(stage: Stage) -> Said:
    stage.until(lambda: not _pods(stage, "hello"), 40.0, "no pod was left")
    return Said(["silence; no container is left", _why(stage, "hello")])


def eventing(stage: Stage) -> Said:
    where = samples()
    _deploy(stage, "order")
    book = f"AUDIT_FILE={stage.book}"
    _deploy(stage, "audit", "--env", "FAIL_TYPES=order.poison", "--env", book)
    for name in ("broker.yaml", "trigger.yaml"):
        stage.command("apply", "-f", str(where / name))
    stage.command("wait", "broker/default", "--for=condition=Ready")
    for name in ("order", "audit"):
        stage.command("wait", f"trigger/{name}", "--for=condition=Ready")
    return Said([f"POST events to {stage.address}/default/default"])


def event(stage: Stage) -> Said:
    """order.created wakes `order`; its reply, order.accepted, wakes `audit`."""
    if awake := _pods(stage, "order") + _pods(stage, "audit"):
        raise StepFailed(f"{len(awake)} pods run already, nobody is left to wake")
    started = timing.monotonic()
    if (status := stage.post_event("first", "order.created", b'{"item": "lamp"}')) != 202:
        raise StepFailed(f"the broker answered with {status}")
    stage.until(lambda: "accepted-first" in _ids_booked(stage), 30.0, "the reply was written down")
    took_s = timing.monotonic() - started
    accepted = _audited(stage, "event", type="order.accepted")
    said = "order.created → order (from zero) → order.accepted → audit (from zero)"
    return Said([said, f"in its log: {accepted['data']}" if accepted else ""], took_s)


def dead_letter(stage: Stage) -> Said:
    stage.command(
        "send", "--type", "order.poison", "--source", "/shop", "--id", "poison", "--data", "{}"
    )
    found = stage.until(
        lambda: _audited(stage, "dead letter", id="poison"), 30.0, "the dead letter arrived"
    )
    code = found.get("knativeerrorcode")
    refused = len(_all_audited(stage, "refused", id="poison"))
    return Said([f"refused {refused} times with {code}, then sent to the dead letter sink"])


def ping(stage: Stage) -> Said:
    stage.command("apply", "-f", str(samples() / "ping.yaml"))
    stage.command("wait", "pingsource/beat", "--for=condition=Ready")
    beat = stage.until(
        lambda: _audited(stage, "event", type="dev.knative.sources.ping"), 20.0, "a ping arrived"
    )
    stage.command("delete", "pingsource", "beat")
    return Said([f"{beat['type']} {beat['data']}"])


def crash(stage: Stage) -> Said:
    """Every event that was acknowledged before the kill is delivered after it."""
    run = uuid.uuid4().hex[:6]
    acknowledged = []
    for number in range(CRASH_EVENTS):
        id_ = f"{run}-{number}"
        if stage.post_event(id_, "order.created", b'{"item": "wick"}') == 202:
            acknowledged.append(id_)
    stage.kill()
    if len(acknowledged) != CRASH_EVENTS:
        raise StepFailed(f"only {len(acknowledged)} of {CRASH_EVENTS} events were accepted")
    started = timing.monotonic()
    stage.up()
    ready_s = timing.monotonic() - started
    wanted = set(acknowledged)
    stage.until(lambda: wanted <= _ids_booked(stage), 40.0, "every acknowledged event arrived")
    said = (
        f"{len(acknowledged)} events acknowledged, killed, ready again after {ready_s:.2f} s, "
        "every one delivered"
    )
    return Said([said], timing.monotonic() - started)


def served_again(stage: Stage) -> Said:
    answer = stage.request("hello")
    if answer.status != 200:
        raise StepFailed(f"hello was answered with {answer.status}", hint=answer.text)
    return Said([answer.text.strip()], answer.took_s)


def _deploy(stage: Stage, name: str, *more: str) -> str:
    """Returns the URL that `tanebi deploy` printed last."""
    said = stage.command(
        "deploy", str(samples() / name), "--scale-init", "0", "--scale-window", WINDOW, *more
    )
    return said.strip().splitlines()[-1]


def _pods(stage: Stage, service: str) -> list[dict[str, Any]]:
    return stage.objects("pods", "-l", f"{SERVICE_LABEL}={service}")


def _ready(stage: Stage, service: str) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in _pods(stage, service)
        for one in pod.get("status", {}).get("conditions", ())
        if (one["type"], one["status"]) == ("Ready", "True")
    ]


def _why(stage: Stage, service: str) -> str:
    """The autoscaler's reason, as `tanebi get revisions` shows it."""
    for revision in stage.objects("revisions", "-l", f"{SERVICE_LABEL}={service}"):
        notes = revision.get("status", {}).get("annotations", {})
        if why := notes.get("tanebi.dev/why"):
            return f"why: {why}"
    return ""


def _all_audited(stage: Stage, what: str, **wanted: str) -> list[dict[str, str]]:
    """What the audit service wrote about events with these attributes; its pods may be gone by now."""
    found = []
    for line in stage.command("logs", "audit", "--no-prefix").splitlines():
        entry = json.loads(line).get(what) if line.startswith("{") else None
        if entry and all(entry.get(name) == value for name, value in wanted.items()):
            found.append(entry)
    return found


def _audited(stage: Stage, what: str, **wanted: str) -> dict[str, str] | None:
    try:
        found = _all_audited(stage, what, **wanted)
    except StepFailed as error:
        if NOTHING_WRITTEN in error.hint:  # nobody has been woken yet
            return None
        raise
    return found[0] if found else None


def _ids_booked(stage: Stage) -> set[str]:
    """From the audit's own book, not from its log: a platform killed with -9 takes lines along that it had not kept yet."""
    lines = stage.book.read_text().splitlines() if stage.book.exists() else []
    entries = (json.loads(line).get("event") for line in lines)
    return {entry["id"] for entry in entries if entry}

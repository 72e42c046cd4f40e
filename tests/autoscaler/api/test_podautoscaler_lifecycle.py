from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from autoscaler.api import POD_AUTOSCALER
from autoscaler.api import podautoscaler_lifecycle as lifecycle
from tanebi.api.conditions import Conditions
from tanebi.api.meta import Obj, rfc3339

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(*marks: Callable[[Conditions], None]) -> dict[str, Obj]:
    conditions = lifecycle.CONDITIONS.manage([], now=NOW)
    for mark in marks:
        mark(conditions)
    return {c["type"]: c for c in conditions.dump()}


ALL_GOOD = (
    lifecycle.mark_active,
    lifecycle.mark_scale_target_initialized,
    lifecycle.mark_sks_ready,
)


def test_ready_needs_all_three() -> None:
    assert {name: c["status"] for name, c in after().items()} == dict.fromkeys(
        ("Active", "Ready", "SKSReady", "ScaleTargetInitialized"), "Unknown"
    )
    assert after(*ALL_GOOD)["Ready"]["status"] == "True"


@pytest.mark.parametrize(
    ("mark", "type_", "status", "reason", "message"),
    [
        (
            lifecycle.mark_activating,
            "Active",
            "Unknown",
            "Queued",
            "Requests to the target are being buffered as resources are provisioned.",
        ),
        (
            lifecycle.mark_inactive,
            "Active",
            "False",
            "NoTraffic",
            "The target is not receiving traffic.",
        ),
        (
            lifecycle.mark_timed_out,
            "Active",
            "False",
            "TimedOut",
            "The target could not be activated.",
        ),
        (
            lambda c: lifecycle.mark_sks_not_ready(c, "No Private Service Name"),
            "SKSReady",
            "Unknown",
            "NotReady",
            "No Private Service Name",
        ),
        (
            lambda c: lifecycle.mark_not_owned(c, "ServerlessService", "r"),
            "SKSReady",
            "False",
            "NotOwned",
            'There is an existing ServerlessService "r" that we do not own.',
        ),
    ],
)
def test_marks(
    mark: Callable[[Conditions], None], type_: str, status: str, reason: str, message: str
) -> None:
    found = after(*ALL_GOOD, mark)
    for name in (type_, "Ready"):
        condition = found[name]
        assert (condition["status"], condition["reason"], condition["message"]) == (
            status,
            reason,
            message,
        )


def test_age_of_a_phase() -> None:
    def status(since: str | None) -> Obj:
        return {"conditions": [{"type": "Active", "status": "True", "lastTransitionTime": since}]}

    def age(of: Obj) -> float:
        return lifecycle.phase_age_s(POD_AUTOSCALER.view({"status": of}).status, NOW)

    assert age({}) == 0
    assert age(status(None)) == 0
    assert age(status(rfc3339(NOW - timedelta(seconds=7)))) == 7
    assert age(status(rfc3339(NOW + timedelta(seconds=7)))) == 0  # a clock that went back


def test_a_class_that_nobody_drives() -> None:
    said = after(lambda conditions: lifecycle.mark_unsupported(conditions, "hpa.x") and None)
    assert said["Ready"]["reason"] == "UnsupportedClass"
    assert "class hpa.x" in said["Ready"]["message"]

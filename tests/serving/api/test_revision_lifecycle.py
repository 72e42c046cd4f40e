"""Conditions of a Revision: every mark."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import REVISION
from serving.api import revision_lifecycle as mark
from tanebi.api.meta import ConditionView


@pytest.fixture
def conditions(now: Any) -> Any:
    return mark.LIVING.manage([], now=now)


MARKS: list[tuple[Any, str, tuple[str, str, str]]] = [
    (
        lambda c: mark.mark_image_missing(c, "i", "no"),
        "ContainerHealthy",
        ("False", "ContainerMissing", 'Unable to fetch image "i": no'),
    ),
    (mark.mark_resolving_digests, "ContainerHealthy", ("Unknown", "ResolvingDigests", "")),
    (mark.mark_deploying, "ResourcesAvailable", ("Unknown", "Deploying", "")),
    (mark.mark_resources_deploying, "ResourcesAvailable", ("Unknown", "Deploying", "")),
    (mark.mark_container_deploying, "ContainerHealthy", ("Unknown", "Deploying", "")),
    (
        lambda c: mark.mark_not_owned(c, "Deployment", "d"),
        "ResourcesAvailable",
        ("False", "NotOwned", 'There is an existing Deployment "d" that we do not own.'),
    ),
    (mark.mark_resources_available, "ResourcesAvailable", ("True", "", "")),
    (
        lambda c: mark.mark_resources_unknown(c, "Paused", "p"),
        "ResourcesAvailable",
        ("Unknown", "Paused", "p"),
    ),
    (
        lambda c: mark.mark_resources_unavailable(c, "FailedCreate", "q"),
        "ResourcesAvailable",
        ("False", "FailedCreate", "q"),
    ),
    (
        mark.mark_initial_scale_missed,
        "ResourcesAvailable",
        ("False", "ProgressDeadlineExceeded", "Initial scale was never achieved"),
    ),
    (mark.mark_container_healthy, "ContainerHealthy", ("True", "", "")),
    (
        lambda c: mark.mark_container_exited(c, 7, "boom"),
        "ContainerHealthy",
        ("False", "ExitCode7", "Container failed with: boom"),
    ),
    (
        lambda c: mark.mark_container_exited(c, 3, ""),
        "ContainerHealthy",
        ("False", "ExitCode3", "Container failed with: exit code 3, without a word"),
    ),
    (
        lambda c: mark.mark_container_exited(c, 0, ""),
        "ContainerHealthy",
        ("False", "ExitCode0", "Container failed with: container exited with no error"),
    ),
    (
        lambda c: mark.mark_container_waiting(c, "ImagePullBackOff", "w"),
        "ResourcesAvailable",
        ("False", "ImagePullBackOff", "w"),
    ),
]


@pytest.mark.parametrize(("change", "type_", "said"), MARKS)
def test_marks(conditions: Any, change: Any, type_: str, said: Any) -> None:
    change(conditions)
    found = conditions.get(type_)
    assert (found["status"], found.get("reason", ""), found.get("message", "")) == said


def test_ready_needs_both(conditions: Any) -> None:
    mark.mark_resources_available(conditions)
    assert conditions.status("Ready") == "Unknown"
    mark.mark_container_healthy(conditions)
    assert conditions.status("Ready") == "True"
    mark.mirror_active(conditions, ConditionView(type="Ready", status="False", reason="NoTraffic"))
    assert conditions.status("Ready") == "True", "asleep is not unready"


@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
def test_active_mirrors(conditions: Any, status: str) -> None:
    mark.mirror_active(conditions, ConditionView(type="Ready", status=status, reason="R"))
    assert conditions.status("Active") == status
    assert conditions.get("Active")["severity"] == "Info"


@pytest.mark.parametrize(
    ("observed", "ready", "is_ready", "is_failed"),
    [
        (1, "True", True, False),
        (0, "True", False, False),
        (1, "False", False, True),
        (1, "Unknown", False, False),
    ],
)
def test_judged_in_its_present_generation(
    observed: int, ready: str, is_ready: Any, is_failed: Any
) -> None:
    said = [{"type": "Ready", "status": ready}]
    revision = REVISION.view(
        {
            "metadata": {"generation": 1},
            "status": {"observedGeneration": observed, "conditions": said},
        }
    )
    assert (mark.is_ready(revision), mark.is_failed(revision)) == (is_ready, is_failed)

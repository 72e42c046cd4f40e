"""The condition of a Configuration: every mark."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import configuration_lifecycle as mark


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (mark.mark_ready, ("True", "", "")),
        (mark.mark_waiting, ("Unknown", "", "")),
        (
            lambda c: mark.mark_latest_failed(c, "r", "boom"),
            ("False", "RevisionFailed", 'Revision "r" failed with message: boom.'),
        ),
        (
            lambda c: mark.mark_creation_failed(c, "boom"),
            ("False", "RevisionFailed", "Revision creation failed with message: boom."),
        ),
        (
            lambda c: mark.mark_latest_ready_deleted(c, "r"),
            ("False", "RevisionDeleted", 'Revision "r" was deleted.'),
        ),
    ],
)
def test_marks(now: Any, change: Any, said: Any) -> None:
    conditions = mark.LIVING.manage([], now=now)
    change(conditions)
    found = conditions.get("Ready") or {}
    assert (found["status"], found.get("reason", ""), found.get("message", "")) == said

"""The one condition of a Configuration and the only ways to change it (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from typing import Final

from tanebi.api.conditions import READY, Conditions, ConditionSet

LIVING: Final = ConditionSet(())

REVISION_FAILED: Final = "RevisionFailed"
REVISION_DELETED: Final = "RevisionDeleted"


def mark_ready(conditions: Conditions) -> None:
    conditions.mark_true(READY)


def mark_waiting(conditions: Conditions) -> None:
    """The latest revision has not said yet whether it can run."""
    conditions.mark_unknown(READY, "")


def mark_latest_failed(conditions: Conditions, revision: str, message: str) -> None:
    text = f'Revision "{revision}" failed with message: {message}.'
    conditions.mark_false(READY, REVISION_FAILED, text)


def mark_creation_failed(conditions: Conditions, message: str) -> None:
    conditions.mark_false(
        READY, REVISION_FAILED, f"Revision creation failed with message: {message}."
    )


def mark_latest_ready_deleted(conditions: Conditions, revision: str) -> None:
    conditions.mark_false(READY, REVISION_DELETED, f'Revision "{revision}" was deleted.')

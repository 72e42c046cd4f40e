"""Why a patch was refused.

PatchError
├── BadPatch        the patch itself is wrong, or does not fit the object
└── ApplyConflict   another field manager owns fields that an apply wants to change

The server turns them into Status answers; `code` and `reason` say which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_REASONS: Final = {413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid"}


class PatchError(Exception):
    """Base. `code` is the HTTP status, `reason` the Status reason, `causes` the details' causes."""

    code = 400
    reason = "BadRequest"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def causes(self) -> list[dict[str, Any]]:
        return []


class BadPatch(PatchError):
    """400 for malformed input, 413 for too much of it, 415 for a type the kind does not take, 422 for what does not fit,
    500 where Kubernetes answers so."""

    def __init__(self, message: str, *, code: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.reason = _REASONS.get(code, "BadRequest" if code < 500 else "")


@dataclass(frozen=True, slots=True, order=True)
class FieldConflict:
    """One contested field: who owns it (as Kubernetes prints it) and where it is (`.spec.replicas`)."""

    manager: str
    field: str


class ApplyConflict(PatchError):
    """Server-side apply without force would take fields from others (409)."""

    code = 409
    reason = "Conflict"

    def __init__(self, conflicts: tuple[FieldConflict, ...]) -> None:
        self.conflicts = conflicts
        super().__init__(_sentence(conflicts))

    @property
    def causes(self) -> list[dict[str, Any]]:
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {c.manager}",
                "field": c.field,
            }
            for c in self.conflicts
        ]


def _sentence(conflicts: tuple[FieldConflict, ...]) -> str:
    """Kubernetes' wording (apimachinery managedfields internal/conflict.go)."""
    if len(conflicts) == 1:
        found = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {found.manager}: {found.field}"
    lines = [f"Apply failed with {len(conflicts)} conflicts:"]
    for manager in dict.fromkeys(c.manager for c in conflicts):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {c.field}" for c in conflicts if c.manager == manager]
    return " ".join([lines[0], "\n".join(lines[1:])])

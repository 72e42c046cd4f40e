"""Errors that reach a person.

    TanebiError
    ├── UserError      the caller's input is wrong; nothing was changed
    ├── Unavailable    we cannot now; trying again later may work
    ├── PeerError      somebody we talk to misbehaved
    └── Bug            we broke our own rule

A message says what and where; the hint says what to do. The cause is chained, never pasted into the text.
Codes are listed in docs/reference/errors.md (tested).
"""

from __future__ import annotations


class TanebiError(Exception):
    """Base of the tree. `code` is stable and kebab-case; `hint` may be empty."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UserError(TanebiError):
    """Bad input: say what is wrong, where, and what to do."""


class Unavailable(TanebiError):
    """A part is not ready, full, or failed; `retry_after_s` is our best guess."""

    def __init__(
        self, code: str, message: str, *, hint: str = "", retry_after_s: float = 1.0
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.retry_after_s = retry_after_s


class PeerError(TanebiError):
    """A program we talk to broke its side of the protocol."""


class Bug(TanebiError):
    """An invariant of ours does not hold."""

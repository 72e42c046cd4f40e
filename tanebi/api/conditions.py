"""The algebra of Knative conditions.

A living set has one happy condition (Ready or Succeeded) and the dependents it is derived from. Marks move one condition and
the happy one with it; conditions outside the set have severity Info and never move it. lastTransitionTime changes only when
something besides it changes. Rules: knative.dev/pkg apis/condition_set.go, as described in reference/knative-serving.md §1.1.

Kinds do not call `mark_*` directly: their `*_lifecycle.py` wraps each mark in a named function with a constant reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.api.meta import ConditionView, Obj, rfc3339

READY: Final = "Ready"
NEW_GENERATION: Final = "NewObservedGenFailure"


@dataclass(frozen=True, slots=True)
class ConditionSet:
    """The living set of one kind."""

    dependents: tuple[str, ...]
    happy: str = READY

    def manage(self, existing: Sequence[ConditionView], *, now: datetime) -> Conditions:
        """Begin from what a status says; missing members of the set start as Unknown."""
        conditions = Conditions(self, existing, now)
        conditions.initialize()
        return conditions


class Conditions:
    """One status's conditions while a reconciler works on them."""

    def __init__(
        self, living: ConditionSet, existing: Sequence[ConditionView], now: datetime
    ) -> None:
        self._living = living
        self._now = rfc3339(now)
        self._by_type: dict[str, Obj] = {
            c.type: c.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
            for c in existing
        }
        self._before: dict[str, Obj] = {
            name: _without_blanks(condition) for name, condition in self._by_type.items()
        }

    def initialize(self) -> None:
        happy = self._by_type.get(self._living.happy)
        for type_ in self._living.dependents:
            if type_ not in self._by_type:
                self._set(type_, "True" if happy and happy["status"] == "True" else "Unknown")
        if happy is None:
            self._set(self._living.happy, "Unknown")

    def status(self, type_: str) -> str:
        """ "True", "False" or "Unknown"; Unknown when absent."""
        found = self._by_type.get(type_)
        return found["status"] if found else "Unknown"

    def get(self, type_: str) -> Obj | None:
        return self._by_type.get(type_)

    def clear(self, type_: str) -> None:
        """Drop a condition that is not in the living set."""
        assert type_ not in (self._living.happy, *self._living.dependents), type_
        self._by_type.pop(type_, None)

    def mark_true(self, type_: str, reason: str = "", message: str = "") -> None:
        self._set(type_, "True", reason, message)
        self._recompute(type_)

    def mark_unknown(self, type_: str, reason: str, message: str = "") -> None:
        self._set(type_, "Unknown", reason, message)
        for name in self._living.dependents:
            if self.status(name) == "False":
                self._copy_to_happy(self._by_type[name])
                return
        if type_ in self._living.dependents:
            self._set(self._living.happy, "Unknown", reason, message)

    def mark_false(self, type_: str, reason: str, message: str = "") -> None:
        self._set(type_, "False", reason, message)
        if type_ in self._living.dependents:
            self._set(self._living.happy, "False", reason, message)

    def reset_for_generation(self) -> None:
        """The generation moved and nothing has been judged yet: a happy condition is no longer known."""
        self._set(
            self._living.happy,
            "Unknown",
            NEW_GENERATION,
            "unsuccessfully observed a new generation",
        )

    def dump(self) -> list[Obj]:
        """For a status, sorted by type.

        A condition that moved and came back to what it was keeps its old time, so that a reconcile which changes nothing
        gives an equal status.
        """
        return [self._settled(name) for name in sorted(self._by_type)]

    def _settled(self, type_: str) -> Obj:
        condition = _without_blanks(self._by_type[type_])
        before = self._before.get(type_)
        if before and "lastTransitionTime" in before:
            back = {**condition, "lastTransitionTime": before["lastTransitionTime"]}
            if back == before:
                return back
        return condition

    def _recompute(self, changed: str) -> None:
        unhappy = self._unhappy_dependent()
        if unhappy is not None:
            self._copy_to_happy(unhappy)
        elif changed != self._living.happy:
            self._set(self._living.happy, "True")

    def _unhappy_dependent(self) -> Obj | None:
        newest_first = sorted(
            (self._by_type[n] for n in self._living.dependents if n in self._by_type),
            key=lambda c: str(c.get("lastTransitionTime", "")),
            reverse=True,
        )
        for status in ("False", "Unknown"):
            for condition in newest_first:
                if condition["status"] == status:
                    return condition
        return None

    def _copy_to_happy(self, unhappy: Obj) -> None:
        self._set(
            self._living.happy,
            unhappy["status"],
            unhappy.get("reason", ""),
            unhappy.get("message", ""),
        )

    def _set(self, type_: str, status: str, reason: str = "", message: str = "") -> None:
        new: dict[str, Any] = {"type": type_, "status": status}
        if type_ not in (self._living.happy, *self._living.dependents):
            new["severity"] = "Info"
        if reason:
            new["reason"] = reason
        if message:
            new["message"] = message
        old = dict(self._by_type.get(type_, {}))
        before = old.pop("lastTransitionTime", None)
        new["lastTransitionTime"] = before if old == new and before else self._now
        self._by_type[type_] = new


def _without_blanks(condition: Obj) -> Obj:
    return {key: value for key, value in condition.items() if value != ""}

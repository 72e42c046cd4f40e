"""What `go test -v` said, as outcomes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Result = Literal["passed", "failed", "skipped"]

_ENDED = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)")
_BEGUN = re.compile(r"^=== RUN\s+(\S+)")
_SAID = re.compile(r"^\s+\S+\.go:\d+: (.*)")
_RESULTS: dict[str, Result] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}


@dataclass(frozen=True, slots=True)
class Outcome:
    suite: str
    test: str
    result: Result
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.suite}/{self.test}"


def outcomes(suite: str, lines: Iterable[str]) -> Iterator[Outcome]:
    """Tests and subtests; a test that has subtests is counted by them alone, and one that did not end has failed."""
    begun: dict[str, None] = {}
    ended: dict[str, Result] = {}
    notes: dict[str, str] = {}
    last = ""
    for line in lines:
        if match := _BEGUN.match(line):
            begun[match[1]] = None
            last = match[1]
        elif match := _ENDED.match(line):
            ended[match[2]] = _RESULTS[match[1]]
            last = match[2]
        elif (match := _SAID.match(line)) and "skip" in match[1].lower():
            notes.setdefault(last, match[1])
    for test in begun:
        if any(other.startswith(f"{test}/") for other in begun) and not _own_fault(test, ended):
            continue
        result = ended.get(test, "failed")
        note = notes.get(test, "") if result == "skipped" else ""
        yield Outcome(suite, test, result, note)


def _own_fault(test: str, ended: dict[str, Result]) -> bool:
    """It failed, and none of its subtests did."""
    below = [result for other, result in ended.items() if other.startswith(f"{test}/")]
    return ended.get(test, "failed") == "failed" and "failed" not in below

"""What of a directory is not sent to a build: .containerignore or .dockerignore, by Docker's rules. Pure.

One pattern a line; `#` begins a comment, `!` takes back what an earlier line left out, the last line that fits decides. `*` and
`?` stay within a name, `**` is any number of folders, and a pattern that fits a folder fits all that is in it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FILES: Final = (".containerignore", ".dockerignore")


@dataclass(frozen=True, slots=True)
class Rule:
    wanted: bool  # `!`: it is sent after all
    form: re.Pattern[str]


def rules(text: str) -> tuple[Rule, ...]:
    """Lines that are no pattern are passed over, as Docker does."""
    found = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        wanted = line.startswith("!")
        pattern = posixpath.normpath(line[wanted:].strip()).lstrip("/")
        if pattern != ".":
            found.append(Rule(wanted, re.compile(_expression(pattern))))
    return tuple(found)


def is_ignored(path: str, known: Iterable[Rule]) -> bool:
    """`path` is relative, with `/`. Asked of a folder, it says nothing of what a later `!` takes back from inside it."""
    ignored = False
    for rule in known:
        if rule.form.match(path):
            ignored = not rule.wanted
    return ignored


def may_be_skipped(known: Iterable[Rule]) -> bool:
    """Whether an ignored folder need not be looked into: no rule takes anything back."""
    return not any(rule.wanted for rule in known)


def _expression(pattern: str) -> str:
    """The pattern, or anything below it."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif pattern[at] == "?":
            out, at = out + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            inside = pattern[at + 1 : end].replace("\\", "\\\\")
            out, at = f"{out}[{inside}]", end + 1
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            out, at = out + re.escape(pattern[at + 1]), at + 2
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return f"(?:{out})(?:/.*)?\\Z"

"""What no two servers answer alike is put out of sight: versions, times, identities, addresses. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

_PATTERNS: Final = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"(too old resource version|Too large resource version): .*"), r"\1: <n>"),
    (
        re.compile(r'(?<=is invalid: patch: )Invalid value: "(?:[^"\\]|\\.)*"'),
        "Invalid value: <patch>",
    ),
    (re.compile(r"\b10\.\d+\.\d+\.\d+\b"), "<address>"),
)
_PATCH: Final = re.compile(r'Invalid value: "(?:[^"\\]|\\.)*"')
_OPAQUE: Final = frozenset({"continue", "storageVersionHash"})
_VERSIONS: Final = frozenset({"resourceVersion"})
_AGE: Final = re.compile(r"\d+[smhd](\d+[smhd])?")
_GENERATED: Final = 5  # characters that the server adds to a generateName


def masked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return _map(value)
    if isinstance(value, list):
        if name == "managedFields":
            return sorted((masked(entry) for entry in value), key=_entry_order)
        if name == "resources" and all(isinstance(v, dict) and "name" in v for v in value):
            return sorted((masked(item) for item in value), key=lambda item: str(item["name"]))
        if name == "cells":
            return [
                "<age>" if isinstance(v, str) and _AGE.fullmatch(v) else masked(v) for v in value
            ]
        return [masked(item) for item in value]
    if isinstance(value, str):
        return _text(value, name)
    if name in ("nodePort", "healthCheckNodePort") and isinstance(value, int) and value:
        return "<port>"
    return value


def _map(value: dict[str, Any]) -> dict[str, Any]:
    # A null says no more than absence: Go writes some and reads both alike.
    found = {name: masked(member, name) for name, member in value.items() if member is not None}
    if value.get("field") == "patch":
        found["message"] = _PATCH.sub("Invalid value: <patch>", found["message"])
    if isinstance(value.get("causes"), list):
        causes = [c for n, c in enumerate(found["causes"]) if c not in found["causes"][:n]]
        if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
            causes.sort(
                key=lambda cause: (cause["field"], cause["message"])
            )  # Go's maps have no order
        found["causes"] = causes
    if value.keys() >= {"format", "priority", "description"}:
        del found["description"]  # of a column: the documentation of Go's types
    prefix, own = value.get("generateName"), value.get("name")
    if prefix and isinstance(own, str) and own.startswith(prefix):
        found["name"] = prefix + "?" * min(len(own) - len(prefix), _GENERATED)
    return found


def _text(value: str, name: str) -> str:
    if name in _VERSIONS and value.isdigit() and value != "0":
        return "<version>"
    if name in _OPAQUE and value:
        return f"<{name}>"
    for pattern, instead in _PATTERNS:
        value = pattern.sub(instead, value)
    return value


def _entry_order(entry: dict[str, Any]) -> tuple[str, ...]:
    """Entries of one second come in any order of their times."""
    keys = ("operation", "manager", "subresource", "apiVersion")
    return tuple(str(entry.get(key, "")) for key in keys)


def differences(ours: Any, theirs: Any, at: str = "") -> list[str]:
    """Each place where two masked answers differ, as a line."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in sorted(ours.keys() | theirs.keys()):
            here = f"{at}.{name}"
            if name not in ours:
                found.append(f"{here}: absent, recorded {theirs[name]!r}")
            elif name not in theirs:
                found.append(f"{here}: {ours[name]!r}, recorded absent")
            else:
                found += differences(ours[name], theirs[name], here)
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for n, (a, b) in pairs for line in differences(a, b, f"{at}[{n}]")]
    return (
        []
        if ours == theirs and type(ours) is type(theirs)
        else [f"{at}: {ours!r}, recorded {theirs!r}"]
    )

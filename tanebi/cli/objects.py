"""Reading objects as the JSON they are. No models: importing pydantic would cost every command 60 ms."""

from __future__ import annotations

from typing import Any


def dig(value: Any, *path: str) -> Any:
    """The member at `path`, or None where something is missing."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def condition(obj: dict[str, Any], type_: str) -> dict[str, Any]:
    """The condition of an object's status, or an empty one. Upper and lower case are the same, as for kubectl."""
    for found in dig(obj, "status", "conditions") or ():
        if str(found.get("type")).lower() == type_.lower():
            result: dict[str, Any] = found
            return result
    return {}


def generation_seen(obj: dict[str, Any]) -> bool:
    """The status speaks of the object's newest generation."""
    observed = dig(obj, "status", "observedGeneration")
    return observed is None or observed >= (dig(obj, "metadata", "generation") or 0)

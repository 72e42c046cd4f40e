"""Objects along their schema: what is unknown goes, what is missing and has a default comes. Pure; in place.

Behaviour: k8s.io/apiextensions-apiserver pkg/apiserver/schema pruning and defaulting.
Caller: tanebi.apiserver.structural.structure.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from tanebi.api.meta import Obj

HEAD: Final = frozenset(("apiVersion", "kind", "metadata"))
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"


def below(schema: Obj, value: Any, path: str) -> Iterator[tuple[Obj, Any, str]]:
    """Schema, value and path of each member of `value` that the schema knows."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        for name, member in value.items():
            if name in properties:
                yield properties[name], member, f"{path}.{name}" if path else name
            elif isinstance(extra, dict):
                yield extra, member, f"{path}.{name}" if path else name
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        for index, item in enumerate(value):
            yield items, item, f"{path}[{index}]"


def prune(schema: Obj, value: Any, path: str = "", *, root: bool = False) -> list[str]:
    """Remove unknown members; returns their paths."""
    found: list[str] = []
    whole = root or bool(schema.get(EMBEDDED))
    if isinstance(value, dict) and not schema.get(PRESERVE):
        extra = schema.get("additionalProperties")
        known = schema.get("properties") or {}
        free = isinstance(extra, dict) or extra is True
        unknown = [n for n in value if not (free or n in known or (whole and n in HEAD))]
        for name in unknown:
            del value[name]
            found.append(f"{path}.{name}" if path else name)
    for inner, member, where in below(schema, value, path):
        if not (whole and where.rpartition(".")[2] in HEAD):
            found += prune(inner, member, where)
    return found


def complete(schema: Obj, value: Any) -> None:
    """Fill in defaults, and drop nulls where there may be none: a default takes their place if there is one."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        for name in [n for n, member in value.items() if member is None]:
            inner = properties.get(name, extra)
            if isinstance(inner, dict) and not inner.get("nullable"):
                del value[name]
        for name, inner in properties.items():
            if "default" in inner and name not in value:
                value[name] = copy.deepcopy(inner["default"])
    for inner, member, _ in below(schema, value, ""):
        complete(inner, member)

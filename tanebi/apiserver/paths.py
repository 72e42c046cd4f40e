"""Which resource a path means. Pure; the grammar of Kubernetes' RequestInfo for `/api` and `/apis`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

_PROXY: Final = re.compile(
    r"(/api/v1/(?:nodes/[^/]+|namespaces/[^/]+/(?:pods|services)/[^/]+)/proxy)(/.*)?$"
)


@dataclass(frozen=True, slots=True)
class Target:
    """`name` empty means the collection; `namespace` None means all namespaces (or a cluster-scoped kind).

    `below` is what follows the subresource `proxy`: the path of what is behind it, as it came. Empty: not even a slash.
    """

    group: str
    version: str
    plural: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    below: str = ""


def target(path: str) -> Target | None:
    """The resource that `path` names, or None when its form is no resource's."""
    found = _PROXY.match(path)
    if found is not None and found[2]:
        inner = target(found[1])
        return replace(inner, below=found[2]) if inner is not None else None
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    if not rest or not all(rest):
        return None
    # /namespaces/NAME[/status|/finalize] is the Namespace itself; anything longer or else is inside of it.
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        return _below(group, version, rest[1], rest[2:])
    return _below(group, version, None, rest)


def _below(group: str, version: str, namespace: str | None, rest: list[str]) -> Target | None:
    if len(rest) > 3:
        return None
    plural, name, subresource = [*rest, "", ""][:3]
    return Target(group, version, plural, namespace, name, subresource)

"""Which lists are keyed, which are sets, which maps are one value: what patches must know of the types.

Pure. Kubernetes says it with struct tags (patchMergeKey, listType, listMapKey, structType); here is the same for the kinds we
have, found by the last names of a field's path. Kinds of CRDs have keyed lists only where their schema says so, and Knative's
say so nowhere: their lists are single values. ObjectMeta is the same everywhere.
Source: k8s.io/api core/v1, apps/v1, discovery/v1 types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api.kind import AnyKind
from tanebi.apiserver.patch.errors import BadPatch

Path = tuple[str, ...]  # field names; list items add none
Names = Mapping[Path, "ListRule"]


@dataclass(frozen=True, slots=True)
class ListRule:
    """A list whose items have identity: by the values of `keys`, or by themselves when there are none (a set).

    `merge_key` is what a strategic merge goes by: fewer than `keys` where Kubernetes' older algorithm has only one.
    """

    keys: tuple[str, ...] = ()
    merge_key: str = ""
    defaults: tuple[tuple[str, Any], ...] = ()

    def key_of(self, item: Any, where: str) -> tuple[tuple[str, Any], ...]:
        """The identity of an item of a keyed list. Raises BadPatch when the item lacks it."""
        if not isinstance(item, dict):
            raise BadPatch(f"{where}: expected an object, got {item!r}", code=422)
        values = dict(self.defaults) | {k: item[k] for k in self.keys if k in item}
        if missing := [k for k in self.keys if k not in values]:
            raise BadPatch(
                f"{where}: associative list with keys has an element that omits key field {missing[0]!r}",
                code=422,
            )
        return tuple((k, values[k]) for k in sorted(self.keys))


def _by(*keys: str, **defaults: Any) -> ListRule:
    return ListRule(keys, keys[0], tuple(defaults.items()))


_SET: Final = ListRule()

_METADATA: Final[Names] = {
    ("metadata", "ownerReferences"): _by("uid"),
    ("metadata", "finalizers"): _SET,
}

_BUILTIN: Final[Names] = {
    **_METADATA,
    ("containers",): _by("name"),
    ("initContainers",): _by("name"),
    ("ephemeralContainers",): _by("name"),
    ("env",): _by("name"),
    ("volumes",): _by("name"),
    ("volumeMounts",): _by("mountPath"),
    ("volumeDevices",): _by("devicePath"),
    ("imagePullSecrets",): _by("name"),
    ("hostAliases",): _by("ip"),
    ("resourceClaims",): _by("name"),
    ("schedulingGates",): _by("name"),
    ("topologySpreadConstraints",): _by("topologyKey", "whenUnsatisfiable"),
    ("containers", "ports"): _by("containerPort", "protocol", protocol="TCP"),
    ("initContainers", "ports"): _by("containerPort", "protocol", protocol="TCP"),
    ("ephemeralContainers", "ports"): _by("containerPort", "protocol", protocol="TCP"),
    ("resources", "claims"): _by("name"),
    ("spec", "ports"): _by("port", "protocol", protocol="TCP"),
    ("status", "conditions"): _by("type"),
    ("status", "podIPs"): _by("ip"),
}

_ATOMIC_MAPS: Final[frozenset[Path]] = frozenset(
    (
        ("spec", "selector"),
        ("nodeSelector",),
        ("labelSelector",),
        ("secretKeyRef",),
        ("configMapKeyRef",),
        ("fieldRef",),
        ("resourceFieldRef",),
        ("involvedObject",),
        ("targetRef",),
        ("related",),
    )
)


@dataclass(frozen=True, slots=True)
class Schema:
    """What one kind's patches go by."""

    lists: Names
    atomic_maps: frozenset[Path]

    def list_rule(self, path: Path) -> ListRule | None:
        """None: the list at `path` is one value."""
        for length in (2, 1):
            if len(path) >= length and (found := self.lists.get(path[-length:])) is not None:
                return found
        return None

    def is_atomic_map(self, path: Path) -> bool:
        return path[-2:] in self.atomic_maps or path[-1:] in self.atomic_maps


BUILTIN: Final = Schema(_BUILTIN, _ATOMIC_MAPS)
CUSTOM: Final = Schema(_METADATA, frozenset())


def schema_of(kind: AnyKind) -> Schema:
    return BUILTIN if kind.builtin else CUSTOM

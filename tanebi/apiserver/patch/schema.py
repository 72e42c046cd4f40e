"""Which lists are keyed, which are sets, which maps are one value: what patches must know of the types.

Pure. Kubernetes says it with struct tags (patchMergeKey, listType, listMapKey, structType); here is the same for the kinds we
have, found by the last names of a field's path. Kinds of CRDs have keyed lists only where their schema says so, and Knative's
say so nowhere: their lists are single values. ObjectMeta is the same everywhere.
Source: k8s.io/api core/v1, apps/v1, discovery/v1 types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

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

    def key_of(self, item: Any) -> tuple[tuple[str, Any], ...]:
        """The identity of an item of a keyed list. Raises BadPatch when the item lacks it."""
        if not isinstance(item, dict):
            raise BadPatch(f"expected map, got {item!r}")
        values = dict(self.defaults) | {k: item[k] for k in self.keys if k in item}
        if missing := [k for k in self.keys if k not in values]:
            raise BadPatch(
                f'associative list with keys has an element that omits key field "{missing[0]}" '
                "(and doesn't have default value)"
            )
        return tuple((k, values[k]) for k in sorted(self.keys))


_NUMBERS: Final = frozenset({"port", "containerPort"})


def _by(*keys: str, **defaults: Any) -> ListRule:
    """A key that a built-in kind's item lacks has its type's zero value."""
    zeros = {key: 0 if key in _NUMBERS else "" for key in keys}
    return ListRule(keys, keys[0], tuple((zeros | defaults).items()))


_SET: Final = ListRule()

_OWNERS: Final = ("metadata", "ownerReferences")  # each is one value
_METADATA: Final[Names] = {
    _OWNERS: _by("uid"),
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
    ("status", "addresses"): _by("type"),
    ("status", "conditions"): _by("type"),
    ("status", "resourceClaimStatuses"): _by("name"),
    ("secrets",): _by("name"),
    ("podCIDRs",): _SET,
    ("uncountedTerminatedPods", "failed"): _SET,
    ("uncountedTerminatedPods", "succeeded"): _SET,
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
        ("roleRef",),
        ("secretRef",),
        ("controllerExpandSecretRef",),
        ("controllerPublishSecretRef",),
        ("nodeExpandSecretRef",),
        ("nodePublishSecretRef",),
        ("nodeStageSecretRef",),
        ("defaultBackend", "resource"),
        ("nodeAffinity", "required"),
        ("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
        ("service", "port"),
        ("spec", "dataSource"),
        ("spec", "podSelector"),
        ("spec", "scopeSelector"),
        # Of these, each item is one value.
        ("imagePullSecrets",),
        ("secrets",),
        _OWNERS,
    )
)


class Schema(Protocol):
    """What one kind's patches go by."""

    def list_rule(self, path: Path) -> ListRule | None:
        """None: the list at `path` is one value."""

    def is_atomic_map(self, path: Path) -> bool: ...

    def is_entry(self, path: Path) -> bool:
        """Whether the map that `path` leads into has keys of the writer's choice, which are owned as such."""


@dataclass(frozen=True, slots=True)
class NamedRules:
    """Rules found by the last names of a path: the kinds of Kubernetes and ours."""

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

    def is_entry(self, path: Path) -> bool:
        return False  # their free maps hold single values


BUILTIN: Final = NamedRules(_BUILTIN, _ATOMIC_MAPS)
# Where the same name is another thing in one kind.
_OF_KIND: Final = {
    "ControllerRevision": NamedRules(_BUILTIN, _ATOMIC_MAPS | {("data",)}),
    "ServiceAccount": NamedRules(
        {path: rule for path, rule in _BUILTIN.items() if path != ("imagePullSecrets",)},
        _ATOMIC_MAPS,
    ),
}
CUSTOM: Final = NamedRules(_METADATA, frozenset({_OWNERS}))


@dataclass(frozen=True, slots=True)
class StructuralRules:
    """Rules of a user-defined kind, as its schema says: `x-kubernetes-list-type`, `-list-map-keys` and `-map-type`."""

    schema: Mapping[str, Any]

    def list_rule(self, path: Path) -> ListRule | None:
        if path[:1] == ("metadata",):
            return CUSTOM.list_rule(path)
        at = self._at(path)
        match at.get("x-kubernetes-list-type"):
            case "set":
                return _SET
            case "map":
                return _of_keys(tuple(at.get("x-kubernetes-list-map-keys") or ()), at)
        return None

    def is_atomic_map(self, path: Path) -> bool:
        if path[:1] == ("metadata",):
            return CUSTOM.is_atomic_map(path)
        return bool(self._at(path).get("x-kubernetes-map-type") == "atomic")

    def is_entry(self, path: Path) -> bool:
        if path[:1] == ("metadata",) or len(path) < 2:
            return False
        above = self._at(path[:-1])
        while isinstance(above.get("items"), Mapping):
            above = above["items"]
        return path[-1] not in (above.get("properties") or {})

    def _at(self, path: Path) -> Mapping[str, Any]:
        at: Any = self.schema
        for name in path:
            while isinstance(at, Mapping) and isinstance(at.get("items"), Mapping):
                at = at["items"]
            known = (at.get("properties") or {}) if isinstance(at, Mapping) else {}
            at = known[name] if name in known else at.get("additionalProperties")
            if not isinstance(at, Mapping):
                return {}
        found: Mapping[str, Any] = at
        return found


def _of_keys(keys: tuple[str, ...], at: Mapping[str, Any]) -> ListRule:
    properties = (at.get("items") or {}).get("properties") or {}
    defaults = [(k, properties[k]["default"]) for k in keys if "default" in properties.get(k, {})]
    return ListRule(keys, keys[0], tuple(defaults))


def schema_of(kind: AnyKind) -> Schema:
    if kind.structure is not None:
        return StructuralRules(kind.structure.schema)
    return _OF_KIND.get(kind.kind, BUILTIN) if kind.builtin else CUSTOM

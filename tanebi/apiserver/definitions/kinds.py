"""The kinds that a definition makes, and which of its names it may have. Pure.

Caller: tanebi.apiserver.definitions.registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api.kind import AnyKind, Column, Kind, ScalePaths
from tanebi.api.meta import Obj, Resource
from tanebi.apiserver.structural.structure import Structural


class CustomResource(Resource):
    """An object of a user-defined kind: what it holds is the schema's business."""


# Kubernetes' order of versions: stable ones first, the highest first.
_STAGES: Final = {"": 2, "beta": 1, "alpha": 0}


@dataclass(frozen=True, slots=True)
class Names:
    """A definition's names within its group."""

    plural: str
    singular: str
    kind: str
    list_kind: str
    short_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, definition: Obj) -> Names:
        called = definition["spec"]["names"]
        return cls(
            called["plural"],
            called["singular"],
            called["kind"],
            called["listKind"],
            tuple(called.get("shortNames") or ()),
        )

    @classmethod
    def of_kind(cls, kind: AnyKind) -> Names:
        return cls(kind.plural, kind.singular, kind.kind, kind.list_kind, kind.short_names)

    @property
    def resources(self) -> set[str]:
        return {self.plural, self.singular, *self.short_names}

    @property
    def kinds(self) -> set[str]:
        return {self.kind, self.list_kind}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a definition's names. An empty `reason`: it has all of them."""

    reason: str = ""
    message: str = ""


def accept(wanted: Names, taken: Iterable[Names]) -> Acceptance:
    """May a definition have these names beside the others of its group?"""
    others = list(taken)
    resources = set[str]().union(*(one.resources for one in others))
    kinds = set[str]().union(*(one.kinds for one in others))
    for reason, name, used in (
        ("PluralConflict", wanted.plural, resources),
        ("SingularConflict", wanted.singular, resources),
        ("KindConflict", wanted.kind, kinds),
        ("ListKindConflict", wanted.list_kind, kinds),
    ):
        if name in used:
            return Acceptance(reason, f'"{name}" is already in use')
    if clashing := sorted(set(wanted.short_names) & resources):
        return Acceptance("ShortNamesConflict", f'"{clashing[0]}" is already in use')
    return Acceptance()


def kinds_of(definition: Obj) -> tuple[AnyKind, ...]:
    """One Kind for each served version, the most stable first."""
    spec = definition["spec"]
    stored = next(v["name"] for v in spec["versions"] if v.get("storage"))
    served = sorted((v for v in spec["versions"] if v.get("served")), key=priority)
    return tuple(_kind(definition, version, stored) for version in served)


def priority(version: Mapping[str, Any]) -> tuple[int, int, int, str]:
    """Sorts v2 before v1 before v1beta2 before v1alpha1 before anything else."""
    name = str(version["name"])
    for stage, rank in _STAGES.items():
        head, _, tail = name.removeprefix("v").partition(stage) if stage else (name[1:], "", "")
        if name.startswith("v") and head.isdigit() and (tail.isdigit() if stage else True):
            return (-1, -rank, -int(head) * 10_000 - int(tail or 0), "")
    return (0, 0, 0, name)


def _kind(definition: Obj, version: Obj, stored: str) -> AnyKind:
    spec, subresources = definition["spec"], version.get("subresources") or {}
    called = spec["names"]
    return Kind(
        spec["group"],
        version["name"],
        called["kind"],
        called["plural"],
        CustomResource,
        short_names=tuple(called.get("shortNames") or ()),
        categories=tuple(called.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced",
        status="status" in subresources,
        scale=_scale(subresources.get("scale")),
        columns=tuple(_column(c) for c in version.get("additionalPrinterColumns") or ()),
        singular_name=called["singular"],
        list_name=called["listKind"],
        structure=Structural(version["schema"]["openAPIV3Schema"]),
        stored_as=f"{spec['group']}/{stored}",
        converter=_converter(spec.get("conversion") or {}),
        fields=tuple(
            one["jsonPath"].removeprefix(".") for one in version.get("selectableFields") or ()
        ),
        deprecation=_deprecation(spec["group"], called["kind"], version),
    )


def _converter(conversion: Obj) -> Obj | None:
    if conversion.get("strategy") != "Webhook":
        return None
    found: Obj = conversion["webhook"]["clientConfig"]
    return found


def _scale(paths: Obj | None) -> ScalePaths | None:
    if paths is None:
        return None
    return ScalePaths(
        paths["specReplicasPath"], paths["statusReplicasPath"], paths.get("labelSelectorPath") or ""
    )


def _column(column: Obj) -> Column:
    return Column(
        column["name"],
        column["jsonPath"],
        type=column["type"],
        priority=int(column.get("priority") or 0),
        description=str(column.get("description") or ""),
    )


def _deprecation(group: str, kind: str, version: Obj) -> str:
    if not version.get("deprecated"):
        return ""
    told = f"{group}/{version['name']} {kind} is deprecated"
    return str(version.get("deprecationWarning") or told)

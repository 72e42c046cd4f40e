"""Finds importers: classes that the entry-point group `tanebi.importers` names, ours and everybody's.

Nothing is loaded at import; `tanebi.up` and `tanebi importers` call `load`. Tests hand over the classes they mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from importers.api.importer import Importer
from tanebi.api.kind import AnyKind
from tanebi.base.errors import UserError

GROUP: Final = "tanebi.importers"


@dataclass(frozen=True, slots=True)
class Installed:
    """One importer and where it comes from."""

    name: str
    importer: type[Importer]
    distribution: str
    version: str


def load(allowed: str | None = None, found: Iterable[EntryPoint] | None = None) -> list[Installed]:
    """Importers by name. `allowed` is a comma-separated list of names (None: all); `found` defaults to what is installed.

    Raises UserError when an allowed name is not installed, two have one name or one kind, or a class cannot be loaded.
    """
    points = sorted(entry_points(group=GROUP) if found is None else found, key=lambda p: p.name)
    if allowed is not None:
        points = _allowed(points, [name.strip() for name in allowed.split(",") if name.strip()])
    installed = [_load(point) for point in _unique(points)]
    _one_per_kind(installed)
    return installed


def kinds_of(installed: Iterable[Installed]) -> tuple[AnyKind, ...]:
    """The kinds that installed importers serve."""
    return tuple(one.importer.kind for one in installed)


def _unique(points: Sequence[EntryPoint]) -> list[EntryPoint]:
    """An editable install may list one entry point twice; two different ones may not share a name."""
    by_name: dict[str, EntryPoint] = {}
    for point in points:
        other = by_name.setdefault(point.name, point)
        if other.value != point.value:
            raise UserError(
                "importer-twice",
                f"two importers are called {point.name}: {other.value} and {point.value}",
                hint="uninstall one of them",
            )
    return list(by_name.values())


def _allowed(points: Sequence[EntryPoint], names: Sequence[str]) -> list[EntryPoint]:
    known = {point.name for point in points}
    for name in names:
        if name not in known:
            raise UserError(
                "importer-unknown",
                f"TANEBI_IMPORTERS names {name!r}, but no such importer is installed",
                hint=f"installed: {', '.join(sorted(known)) or 'none'}",
            )
    return [point for point in points if point.name in names]


def _load(point: EntryPoint) -> Installed:
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise UserError(
            "importer-broken",
            f"the importer {point.name} ({point.value}) cannot be loaded",
            hint="reinstall its package, or leave it out with TANEBI_IMPORTERS",
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Importer)):
        raise UserError("importer-broken", f"{point.value} is not a subclass of Importer")
    dist = point.dist
    return Installed(
        name=point.name,
        importer=loaded,
        distribution=dist.name if dist else "",
        version=dist.version if dist else "",
    )


def _one_per_kind(installed: Iterable[Installed]) -> None:
    by_kind: dict[str, str] = {}
    for one in installed:
        resource = one.importer.kind.resource
        other = by_kind.setdefault(resource, one.name)
        if other != one.name:
            raise UserError("importer-twice", f"{other} and {one.name} both serve {resource}")

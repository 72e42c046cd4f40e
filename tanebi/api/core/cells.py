"""Cells of printed tables that several of Kubernetes' kinds share (pkg/printers/internalversion). Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from tanebi.api import selectors
from tanebi.api.core.pod_columns import NONE
from tanebi.api.kind import Column
from tanebi.api.meta import Obj

Cell = Callable[[Obj, datetime], Any]


def at(path: str, default: Any = "") -> Cell:
    """The value at a dotted path, or `default` where there is none."""
    steps = path.split(".")

    def cell(obj: Obj, now: datetime) -> Any:
        value: Any = obj
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        return default if value in (None, "") else value

    return cell


def text_at(path: str, default: str) -> Cell:
    """The same, as text: of what may be a number or a share."""
    value = at(path, default)
    return lambda obj, now: str(value(obj, now))


def status_count(field: str) -> Cell:
    return at(f"status.{field}", 0)


def spec_count(field: str, default: int = 0) -> Cell:
    return at(f"spec.{field}", default)


def containers(obj: Obj) -> list[Obj]:
    """The containers of the object's pod template."""
    template = (obj.get("spec") or {}).get("template") or {}
    return (template.get("spec") or {}).get("containers") or []


def container_names(obj: Obj, now: datetime) -> str:
    return ",".join(c.get("name", "") for c in containers(obj))


def container_images(obj: Obj, now: datetime) -> str:
    return ",".join(c.get("image", "") for c in containers(obj))


def selector(obj: Obj, now: datetime) -> str:
    return show_selector((obj.get("spec") or {}).get("selector"))


def show_selector(found: Any) -> str:
    """A LabelSelector as kubectl writes it."""
    try:
        return str(selectors.from_object(found or {})) or NONE
    except ValueError:
        return "<error>"


def pairs(path: str) -> Cell:
    """A map of labels as `a=b,c=d`."""
    value = at(path, {})

    def cell(obj: Obj, now: datetime) -> str:
        return ",".join(f"{k}={v}" for k, v in sorted(value(obj, now).items())) or NONE

    return cell


TEMPLATE_COLUMNS: Final = (
    Column("Containers", priority=1, cell=container_names),
    Column("Images", priority=1, cell=container_images),
    Column("Selector", priority=1, cell=selector),
)

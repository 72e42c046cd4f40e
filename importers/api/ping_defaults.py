"""Defaults of PingSource."""

from __future__ import annotations

from importers.api.ping_types import EVERY_MINUTE
from importers.api.source_defaults import default_sink_namespace
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj


def defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    if isinstance(spec, dict) and not spec.get("schedule"):
        spec["schedule"] = EVERY_MINUTE
    return default_sink_namespace(obj)

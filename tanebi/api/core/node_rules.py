"""Node: validation and columns (k8s.io/kubernetes pkg/apis/core, pkg/printers/internalversion). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tanebi.api.core.cells import at
from tanebi.api.core.node import Node
from tanebi.api.core.pod_columns import AGE, NONE
from tanebi.api.core.refusals import duplicate, not_supported, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

ROLE_LABEL: Final = "node-role.kubernetes.io/"
EFFECTS: Final = ("NoSchedule", "PreferNoSchedule", "NoExecute")
UNKNOWN: Final = "<unknown>"


def validate_node(node: Node, old: Node | None, admission: Admission) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _taint_errors(node))


def _taint_errors(node: Node) -> Iterator[FieldError]:
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(node.spec.taints):
        if not taint.key:
            yield required(f"taints[{i}].key")
        if taint.effect not in EFFECTS:
            yield not_supported(f"taints[{i}].effect", taint.effect, EFFECTS)
        if (taint.key, taint.effect) in seen:
            yield duplicate(f"taints[{i}]", taint.model_dump(by_alias=True, exclude_none=True))
        seen.add((taint.key, taint.effect))


def node_status(obj: Obj, now: datetime) -> str:
    conditions = {c.get("type"): c for c in (obj.get("status") or {}).get("conditions") or ()}
    ready = conditions.get("Ready")
    shown = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return f"{shown},SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else shown


def _roles(obj: Obj, now: datetime) -> str:
    labels = (obj.get("metadata") or {}).get("labels") or {}
    roles = [n.removeprefix(ROLE_LABEL) for n in labels if n.startswith(ROLE_LABEL)]
    return ",".join(sorted(filter(None, roles))) or NONE


def _address(kind: str) -> Column:
    def cell(obj: Obj, now: datetime) -> str:
        found = (obj.get("status") or {}).get("addresses") or ()
        return next((a.get("address", "") for a in found if a.get("type") == kind), NONE)

    return Column(f"{kind.removesuffix('IP')}-IP", priority=1, cell=cell)


def _info(name: str, field: str, priority: int = 1) -> Column:
    return Column(name, priority=priority, cell=at(f"status.nodeInfo.{field}", UNKNOWN))


NODE_COLUMNS: Final = (
    Column("Status", cell=node_status),
    Column("Roles", cell=_roles),
    AGE,
    _info("Version", "kubeletVersion", 0),
    _address("InternalIP"),
    _address("ExternalIP"),
    _info("OS-Image", "osImage"),
    _info("Kernel-Version", "kernelVersion"),
    _info("Container-Runtime", "containerRuntimeVersion"),
)

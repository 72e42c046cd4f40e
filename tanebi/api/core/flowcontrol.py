"""FlowSchema and PriorityLevelConfiguration (flowcontrol.apiserver.k8s.io/v1): stored for clients that manage them. Pure.

This server bounds the requests in flight by one number; nothing is queued by these.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from tanebi.api.core.refusals import invalid, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Model, Obj, Resource

PRECEDENCE: Final = 1000
SHARES: Final = 30


class LevelReference(Model):
    name: str = ""


class FlowSchemaSpec(Model):
    priority_level_configuration: LevelReference = Field(default_factory=LevelReference)
    matching_precedence: int = 0
    distinguisher_method: dict[str, Any] | None = None
    rules: list[dict[str, Any]] = Field(default_factory=list)


class FlowStatus(Model):
    conditions: list[dict[str, Any]] = Field(default_factory=list)


class FlowSchema(Resource):
    spec: FlowSchemaSpec = Field(default_factory=FlowSchemaSpec)
    status: FlowStatus = Field(default_factory=FlowStatus)


class LevelSpec(Model):
    type: str = ""
    limited: dict[str, Any] | None = None
    exempt: dict[str, Any] | None = None


class PriorityLevelConfiguration(Resource):
    spec: LevelSpec = Field(default_factory=LevelSpec)
    status: FlowStatus = Field(default_factory=FlowStatus)


def default_flow_schema(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    if not spec.get("matchingPrecedence"):
        spec["matchingPrecedence"] = PRECEDENCE
    return obj


def validate_flow_schema(
    found: FlowSchema, old: FlowSchema | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    if not 1 <= found.spec.matching_precedence <= 10_000:
        text = "must be a value between 1 and 10000"
        errors.append(invalid("matchingPrecedence", found.spec.matching_precedence, text))
    if not found.spec.priority_level_configuration.name:
        errors.append(required("priorityLevelConfiguration.name"))
    return [] if admission.subresource else via("spec", errors)


def default_priority_level(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    if isinstance(limited := spec.get("limited"), dict):
        limited.setdefault("nominalConcurrencyShares", SHARES)
        limited.setdefault("lendablePercent", 0)
        queuing = (limited.get("limitResponse") or {}).get("queuing")
        if isinstance(queuing, dict):
            for name, amount in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
                queuing[name] = queuing.get(name) or amount
    if spec.get("type") == "Exempt":
        exempt = spec.setdefault("exempt", {})
        exempt.setdefault("nominalConcurrencyShares", 0)
        exempt.setdefault("lendablePercent", 0)
    return obj


def validate_priority_level(
    found: PriorityLevelConfiguration, old: PriorityLevelConfiguration | None, admission: Admission
) -> list[FieldError]:
    spec = found.spec
    errors: list[FieldError] = []
    if spec.type not in ("Exempt", "Limited"):
        errors.append(invalid("type", spec.type, 'must be "Exempt" or "Limited"'))
    elif spec.type == "Limited" and spec.limited is None:
        errors.append(required("limited"))
    return [] if admission.subresource else via("spec", errors)


FLOW_SCHEMA_COLUMNS: Final = (
    Column("PriorityLevel", ".spec.priorityLevelConfiguration.name"),
    Column("MatchingPrecedence", ".spec.matchingPrecedence", type="integer"),
    Column("DistinguisherMethod", ".spec.distinguisherMethod.type"),
)
PRIORITY_LEVEL_COLUMNS: Final = (
    Column("Type", ".spec.type"),
    Column("NominalConcurrencyShares", ".spec.limited.nominalConcurrencyShares"),
    Column("Queues", ".spec.limited.limitResponse.queuing.queues"),
    Column("HandSize", ".spec.limited.limitResponse.queuing.handSize"),
    Column("QueueLengthLimit", ".spec.limited.limitResponse.queuing.queueLengthLimit"),
)

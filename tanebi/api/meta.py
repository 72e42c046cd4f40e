"""Objects and their metadata.

An object travels as the JSON it is (`Obj`); a `Resource` model is a typed, frozen view of it for code that reads.
Models keep unknown fields (`model_extra`), so that a view never loses what a newer client wrote.
Writers build `Obj` literals. Nulls mean "absent", as in Kubernetes, and are dropped at the API's edge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Obj = dict[str, Any]

_TIME: Final = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


class Key(NamedTuple):
    """What a work queue holds. `namespace` is empty for cluster-scoped objects."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Model(BaseModel):
    """Base of every API type: camelCase outside, frozen, strict types, unknown fields kept."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        frozen=True,
        strict=True,
        # Validators are built when first used: most models are only ever used inside another.
        defer_build=True,
    )


class OwnerReference(Model):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Model):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list)
    owner_references: list[OwnerReference] = Field(default_factory=list)
    managed_fields: list[dict[str, Any]] = Field(default_factory=list)
    self_link: str = ""

    @property
    def key(self) -> Key:
        return Key(self.namespace, self.name)

    @property
    def controller(self) -> OwnerReference | None:
        return next((ref for ref in self.owner_references if ref.controller), None)


class Resource(Model):
    """What every kind has."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)

    @property
    def key(self) -> Key:
        return self.metadata.key

    @property
    def deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None


class KReference(Model):
    """Knative's reference to an object (reference/knative-eventing.md §1.1)."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    api_version: str = ""
    group: str = ""
    address: str = ""


class Destination(Model):
    """Where an event goes: an addressable object, a URI, or a URI relative to the object's."""

    ref: KReference | None = None
    uri: str = ""
    ca_certs: str = Field(default="", alias="CACerts")
    audience: str = ""


class ConditionView(Model):
    """One condition of a status, as read. Writers use tanebi.api.conditions."""

    type: str
    status: str = "Unknown"
    severity: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class KStatus(Model):
    """What every Knative status has."""

    observed_generation: int = 0
    conditions: list[ConditionView] = Field(default_factory=list)
    annotations: dict[str, str] = Field(default_factory=dict)

    def condition(self, type_: str) -> ConditionView | None:
        return next((c for c in self.conditions if c.type == type_), None)

    def is_true(self, type_: str) -> bool:
        found = self.condition(type_)
        return found is not None and found.status == "True"

    def is_false(self, type_: str) -> bool:
        found = self.condition(type_)
        return found is not None and found.status == "False"


def key_of(obj: Mapping[str, Any]) -> Key:
    meta = obj.get("metadata") or {}
    return Key(meta.get("namespace") or "", meta.get("name") or "")


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def controller_of(obj: Mapping[str, Any]) -> Obj | None:
    """The owner reference with `controller: true`, if any."""
    for ref in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if ref.get("controller"):
            found: Obj = ref
            return found
    return None


def owner_reference(owner: Resource) -> Obj:
    """The reference that makes `owner` the controller of a child."""
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def drop_nulls(value: Any) -> Any:
    """A copy without null members of objects; nulls inside lists stay."""
    if isinstance(value, dict):
        return {k: drop_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [drop_nulls(v) for v in value]
    return value


def unknown_fields(model: BaseModel, path: str = "") -> list[str]:
    """Paths (`spec.containers[0].foo`) of members that the types do not know, in order of appearance."""
    found = [f"{path}{name}" for name in (model.model_extra or {})]
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        found += _unknown_below(value, f"{path}{info.alias or name}")
    return found


def _unknown_below(value: Any, path: str) -> list[str]:
    if isinstance(value, BaseModel):
        return unknown_fields(value, f"{path}.")
    if isinstance(value, list):
        return [p for i, item in enumerate(value) for p in _unknown_below(item, f"{path}[{i}]")]
    if isinstance(value, dict):
        return [
            p
            for k, item in value.items()
            if isinstance(item, BaseModel)
            for p in _unknown_below(item, f"{path}.{k}")
        ]
    return []


def rfc3339(stamp: datetime, *, micro: bool = False) -> str:
    """The form of metav1.Time (seconds) or metav1.MicroTime."""
    stamp = stamp.astimezone(UTC)
    return stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time. Raises ValueError."""
    if not _TIME.match(text):
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return datetime.fromisoformat(text)

"""The kind CustomResourceDefinition itself (apiextensions.k8s.io/v1), typed. Pure."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from tanebi.api.core.cells import at
from tanebi.api.kind import Column, Kind
from tanebi.api.meta import Model, Resource
from tanebi.apiserver.definitions.rules import default_definition, definition_problems

CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"


class Names(Model):
    """How a kind is called."""

    plural: str = ""
    singular: str = ""
    short_names: list[str] = Field(default_factory=list)
    kind: str = ""
    list_kind: str = ""
    categories: list[str] = Field(default_factory=list)


class PrinterColumn(Model):
    name: str = ""
    type: str = ""
    format: str = ""
    description: str = ""
    priority: int = 0
    json_path: str = ""


class ScalePath(Model):
    spec_replicas_path: str = ""
    status_replicas_path: str = ""
    label_selector_path: str = ""


class Subresources(Model):
    status: dict[str, Any] | None = None
    scale: ScalePath | None = None


class VersionSchema(Model):
    """The schema is kept as it is: it describes itself."""

    open_api_v3_schema: dict[str, Any] = Field(default_factory=dict, alias="openAPIV3Schema")


class SelectableField(Model):
    json_path: str = ""


class Version(Model):
    """One version of a kind. Exactly one is stored."""

    name: str = ""
    served: bool = False
    storage: bool = False
    deprecated: bool = False
    deprecation_warning: str | None = None
    schema_: VersionSchema | None = Field(default=None, alias="schema")
    subresources: Subresources | None = None
    additional_printer_columns: list[PrinterColumn] = Field(default_factory=list)
    selectable_fields: list[SelectableField] = Field(default_factory=list)


class Conversion(Model):
    strategy: str = ""
    webhook: dict[str, Any] | None = None


class DefinitionSpec(Model):
    group: str = ""
    names: Names = Field(default_factory=Names)
    scope: str = ""
    versions: list[Version] = Field(default_factory=list)
    conversion: Conversion | None = None
    preserve_unknown_fields: bool = False


class DefinitionCondition(Model):
    type: str = ""
    status: str = ""
    last_transition_time: str | None = None
    reason: str = ""
    message: str = ""
    observed_generation: int | None = None


class DefinitionStatus(Model):
    conditions: list[DefinitionCondition] = Field(default_factory=list)
    accepted_names: Names = Field(default_factory=Names)
    stored_versions: list[str] = Field(default_factory=list)
    observed_generation: int | None = None


class CustomResourceDefinition(Resource):
    """What kinds beyond Kubernetes' own this server has."""

    spec: DefinitionSpec = Field(default_factory=DefinitionSpec)
    status: DefinitionStatus = Field(default_factory=DefinitionStatus)


CRD: Final = Kind(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    CustomResourceDefinition,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    columns=(
        Column("Name", ".metadata.name"),
        Column("Created At", type="date", cell=at("metadata.creationTimestamp")),
    ),
    builtin=True,
    defaults=default_definition,
    problems=definition_problems,
)

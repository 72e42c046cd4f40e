"""Makes a Kind of an importer's model: the names, columns and labels that all source kinds share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from importers.api.source_defaults import default_sink_namespace
from importers.api.source_types import Source
from importers.api.source_validation import validate_sink
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column, Kind
from tanebi.api.meta import Obj

SourceT = TypeVar("SourceT", bound=Source)

SINK_COLUMN: Final = Column("Sink", ".status.sinkUri")
STANDARD_COLUMNS: Final = (
    Column("Age", ".metadata.creationTimestamp", "date"),
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
)
LABELS: Final = {
    "duck.knative.dev/source": "true",
    "eventing.knative.dev/source": "true",
    "knative.dev/crd-install": "true",
}


def sink_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    return default_sink_namespace(obj)


def sink_rules(source: Source, old: Source | None, admission: Admission) -> list[FieldError]:
    return via("spec", validate_sink(source.spec.sink))


def source_kind(
    kind: str,
    model: type[SourceT],
    *,
    plural: str = "",
    group: str = "sources.knative.dev",
    version: str = "v1",
    columns: tuple[Column, ...] = (),
    defaults: Callable[[Obj, Obj | None, Admission], Obj] = sink_defaults,
    validate: Callable[[SourceT, SourceT | None, Admission], list[FieldError]] = sink_rules,
) -> Kind[SourceT]:
    """`columns` stand between Sink and Age. `plural` is `kind` in lower case with an s unless given."""
    return Kind(
        group=group,
        version=version,
        kind=kind,
        plural=plural or f"{kind.lower()}s",
        model=model,
        categories=("all", "knative", "sources"),
        columns=(SINK_COLUMN, *columns, *STANDARD_COLUMNS),
        labels=LABELS,
        webhook="validation.webhook.eventing.knative.dev",
        defaults=defaults,
        validate=validate,
    )

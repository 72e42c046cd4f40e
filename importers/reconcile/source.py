"""What a source's status should say: its sink's address, what it emits, and its conditions. One reconciler a source kind.

Sources have no children here: importers.manager runs them inside the platform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from importers.api import source_lifecycle as lifecycle
from importers.api.importer import Importer
from importers.api.source_types import Source
from tanebi.api.addressable import Addressable, Unresolved, resolve
from tanebi.api.kind import AnyKind, Configs, Kind, Kinds
from tanebi.api.meta import Key, Obj, key_of
from tanebi.kube.plan import Note, Plan, Reads, Seen

SINK_NOT_FOUND_EVENT = "SinkNotFound"


class SourceReconciler:
    """Implements tanebi.kube.plan.Reconciler for `importer.kind`. `addressables`: kinds whose objects can be sinks."""

    def __init__(
        self, importer: type[Importer], *, kinds: Kinds, addressables: Iterable[AnyKind]
    ) -> None:
        self._importer = importer
        self._kinds = kinds
        self._reads = tuple(Reads(kind, _users(importer.kind, kind)) for kind in addressables)

    @property
    def kind(self) -> Kind[Source]:
        return self._importer.kind

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return self._reads

    def desired(self, resource: Source, seen: Seen, configs: Configs, now: datetime) -> Plan:
        namespace = resource.metadata.namespace
        readable = {reads.kind for reads in self._reads}

        def raw(kind: AnyKind, ns: str, name: str) -> Obj | None:
            return seen.raw(kind, ns, name) if kind in readable else None

        sink = resolve(resource.spec.sink, namespace=namespace, kinds=self._kinds, raw=raw)
        status = _status(resource, sink, self._importer.attributes(resource), now)
        notes: tuple[Note, ...] = ()
        if isinstance(sink, Unresolved):
            notes = (Note("Warning", SINK_NOT_FOUND_EVENT, f"Sink not found: {sink.message}"),)
        return Plan(status=status, events=notes)


def _status(
    source: Source,
    sink: Addressable | Unresolved,
    attributes: Iterable[tuple[str, str]],
    now: datetime,
) -> Obj:
    conditions = lifecycle.SOURCE_CONDITIONS.manage(source.status.conditions, now=now)
    status: dict[str, Any] = {"observedGeneration": source.metadata.generation}
    if isinstance(sink, Unresolved):
        lifecycle.mark_no_sink(conditions, sink.message)
        lifecycle.mark_waiting_for_sink(conditions)
    else:
        lifecycle.mark_sink(conditions)
        lifecycle.mark_deployed(conditions)
        status["sinkUri"] = sink.url
        if sink.ca_certs:
            status["sinkCACerts"] = sink.ca_certs
        if sink.audience:
            status["sinkAudience"] = sink.audience
    lifecycle.mark_oidc_disabled(conditions)
    status["ceAttributes"] = [{"type": type_, "source": name} for type_, name in attributes]
    status["conditions"] = conditions.dump()
    return status


def _users(source_kind: AnyKind, sink_kind: AnyKind) -> Callable[[Obj, Seen], Iterable[Key]]:
    """Sources that name an object of `sink_kind` as their sink."""

    def keys(obj: Obj, seen: Seen) -> Iterable[Key]:
        sink = key_of(obj)
        for source in seen.list(source_kind, None):
            ref = source.spec.sink.ref
            if ref is None or (ref.api_version, ref.kind) != (
                sink_kind.api_version,
                sink_kind.kind,
            ):
                continue
            namespace = ref.namespace or source.metadata.namespace
            if Key(namespace if sink_kind.namespaced else "", ref.name) == sink:
                yield source.key

    return keys

"""Which fields a field selector may name, by kind. Pure.

Every kind has metadata.name, and metadata.namespace if it has a namespace; user-defined kinds say theirs in selectableFields.
Source: k8s.io/kubernetes pkg/apis conversion functions (AddFieldLabelConversionFunc). Caller: tanebi.apiserver.rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tanebi.api.kind import AnyKind
from tanebi.api.selectors import FieldSelector
from tanebi.kube.errors import BadRequest

_INVOLVED: Final = (
    "kind",
    "namespace",
    "name",
    "uid",
    "apiVersion",
    "resourceVersion",
    "fieldPath",
)
_BUILTIN: Final[Mapping[str, tuple[str, ...]]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "events": (
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "events.events.k8s.io": (
        *(f"regarding.{name}" for name in _INVOLVED),
        *(f"involvedObject.{name}" for name in _INVOLVED),
        "reason",
        "reportingController",
        "type",
    ),
    "secrets": ("type",),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "services": ("spec.clusterIP", "spec.type"),
    "jobs.batch": ("status.successful",),
    "replicasets.apps": ("status.replicas",),
    "replicationcontrollers": ("status.replicas",),
    "certificatesigningrequests.certificates.k8s.io": ("spec.signerName",),
}
# Where a field's value is, if the selector calls it by another name.
_PLACES: Final[Mapping[str, str]] = {"source": "source.component"}
# Where it is when it is not there.
_INSTEAD: Final[Mapping[str, str]] = {"source.component": "reportingComponent"}
# What a field that is absent means to a selector, if it is not the empty text.
_ABSENT: Final[Mapping[str, str]] = {
    "spec.hostNetwork": "false",
    "spec.unschedulable": "false",
    "status.successful": "0",
    "status.replicas": "0",
}


def supported(kind: AnyKind) -> tuple[str, ...]:
    own = _BUILTIN.get(kind.resource, ()) if kind.builtin else kind.fields
    return ("metadata.name", *(("metadata.namespace",) if kind.namespaced else ()), *own)


def for_kind(kind: AnyKind, selector: FieldSelector) -> FieldSelector:
    """The selector as it is asked of stored objects. Raises BadRequest for a field that cannot be selected."""
    if not selector.terms:
        return selector
    known = supported(kind)
    for path, _, _ in selector.terms:
        # Kubernetes accepts metadata.namespace of cluster-scoped kinds, where it is empty.
        if path not in known and path != "metadata.namespace":
            names = ", ".join(f'"{name}"' for name in known)
            plain = set(known) <= {"metadata.name", "metadata.namespace"}
            raise BadRequest(
                f'"{path}" is not a known field selector: only {names}'
                if plain
                else f"field label not supported: {path}"
            )
    terms = tuple((_PLACES.get(path, path), equal, value) for path, equal, value in selector.terms)
    return FieldSelector(terms, absent=_ABSENT, instead=_INSTEAD)

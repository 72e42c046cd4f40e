"""How many pods of a Service are ready, according to its EndpointSlices.

Pure: `ready_of` reads a cached world, `ReadyCounts` follows changes so that asking costs nothing. An endpoint that is terminating
does not count, whatever its readiness says. Callers: autoscaler.loop and the reconcilers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autoscaler.api.private_service import LABEL_SERVICE_NAME, revision_of_slice
from tanebi.api.core.kinds import ENDPOINT_SLICE
from tanebi.api.meta import Key, Obj, key_of
from tanebi.api.selectors import from_labels
from tanebi.kube.plan import Seen


def ready_of(seen: Seen, namespace: str, service: str) -> int:
    """Ready pods of one Service."""
    slices = seen.list(ENDPOINT_SLICE, namespace, from_labels({LABEL_SERVICE_NAME: service}))
    return sum(
        bool(endpoint.conditions.ready) and not endpoint.conditions.terminating
        for each in slices
        for endpoint in each.endpoints
    )


def ready_in_slice(obj: Obj) -> int:
    endpoints: Iterable[Obj] = obj.get("endpoints") or ()
    return sum(_is_ready(endpoint.get("conditions") or {}) for endpoint in endpoints)


def _is_ready(conditions: dict[str, Any]) -> bool:
    return bool(conditions.get("ready")) and not conditions.get("terminating")


class ReadyCounts:
    """Ready pods of each revision, kept up to date by `changed`."""

    def __init__(self) -> None:
        self._by_revision: dict[Key, dict[str, int]] = {}

    def changed(self, old: Obj | None, new: Obj | None) -> Key | None:
        """Take in one slice's change. The revision whose number changed, or None."""
        slice_ = new or old or {}
        revision = revision_of_slice(slice_)
        if revision is None:
            return None
        before = self.ready(revision)
        name = key_of(slice_).name
        counts = self._by_revision.setdefault(revision, {})
        if new is None:
            counts.pop(name, None)
        else:
            counts[name] = ready_in_slice(new)
        if not counts:
            del self._by_revision[revision]
        return revision if self.ready(revision) != before else None

    def ready(self, revision: Key) -> int:
        return sum(self._by_revision.get(revision, {}).values())

"""Configuration → one Revision for each generation; knows the newest made and the newest ready. Pure.

Revisions are never changed. Those that are deleted are chosen in gc.py, never by leaving them out (`prune=False`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from serving.api import configuration_lifecycle as mark
from serving.api.config_gc import CONFIG_GC
from serving.api.configuration_types import Configuration
from serving.api.kinds import CONFIGURATION, REVISION, ROUTE
from serving.api.names import LABEL_CONFIGURATION, LABEL_CONFIGURATION_GENERATION
from serving.api.revision_lifecycle import is_ready
from serving.api.revision_types import Revision
from serving.reconcile.byo import name_is_taken
from serving.reconcile.gc import collect
from serving.reconcile.labeler import configurations_of, routing_patches
from serving.reconcile.resources.revisions import make_revision, name_for
from serving.reconcile.statuses import begin, finish, is_controlled_by
from tanebi.api.conditions import READY, Conditions
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj
from tanebi.api.selectors import from_labels
from tanebi.kube.plan import Drop, Note, Plan, Reads, Seen


@dataclass(frozen=True, slots=True)
class ConfigurationReconciler:
    """Implements tanebi.kube.plan.Reconciler. Also tells revisions which routes use them (labeler.py)."""

    kind: Kind[Configuration] = CONFIGURATION
    owns: tuple[AnyKind, ...] = (REVISION,)
    reads: tuple[Reads, ...] = (Reads(ROUTE, configurations_of),)

    def desired(self, resource: Configuration, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        revisions = _revisions(resource, seen)
        work = _Work(resource, revisions, begin(resource, resource.status, mark.LIVING, now=now))
        work.judge(seen, now)
        collection = collect(resource, revisions, configs.get(CONFIG_GC), now)
        return Plan(
            children=tuple(work.children),
            status=work.status(),
            events=tuple(work.events),
            patches=tuple(routing_patches(resource, revisions, seen, now=now)),
            requeue_after_s=collection.again_after_s,
            prune=False,
            drops=tuple(_drop(revision) for revision in collection.gone),
        )


def _drop(revision: Revision) -> Drop:
    meta = revision.metadata
    return Drop(REVISION, meta.namespace, meta.name, meta.uid)


def _revisions(configuration: Configuration, seen: Seen) -> list[Revision]:
    selector = from_labels({LABEL_CONFIGURATION: configuration.metadata.name})
    found = seen.list(REVISION, configuration.metadata.namespace, selector)
    return [revision for revision in found if is_controlled_by(revision, configuration)]


@dataclass(slots=True)
class _Work:
    """One run: what is being decided."""

    configuration: Configuration
    revisions: Sequence[Revision]
    conditions: Conditions
    children: list[Obj] = field(default_factory=list)
    events: list[Note] = field(default_factory=list)
    latest_created: str = ""
    latest_ready: str = ""

    def judge(self, seen: Seen, now: datetime) -> None:
        status = self.configuration.status
        self.latest_created = status.latest_created_revision_name
        self.latest_ready = status.latest_ready_revision_name
        name = name_for(self.configuration)
        revision = self._of_this_generation() or seen.get(
            REVISION, self.configuration.metadata.namespace, name
        )
        if revision is None:
            self._create(name, now)
        elif name_is_taken(self.configuration, revision):
            text = f'revisions.serving.knative.dev "{name}" already exists'
            mark.mark_creation_failed(self.conditions, text)
        else:
            self._follow(revision)

    def status(self) -> Obj:
        fields = {
            "annotations": self.configuration.status.annotations,
            "latestCreatedRevisionName": self.latest_created,
            "latestReadyRevisionName": self.latest_ready,
        }
        return finish(self.configuration, self.conditions, fields)

    def _of_this_generation(self) -> Revision | None:
        """Without a name of the author's, the label decides: whatever the revision is called."""
        if self.configuration.spec.template.metadata.name:
            return None
        generation = self.configuration.metadata.generation
        return next((r for r in self.revisions if generation_of(r) == generation), None)

    def _create(self, name: str, now: datetime) -> None:
        self.children.append(make_revision(self.configuration, now=now))
        self.events.append(Note("Normal", "Created", f'Created Revision "{name}"'))
        self.latest_created = name
        mark.mark_waiting(self.conditions)

    def _follow(self, revision: Revision) -> None:
        self.latest_created = revision.metadata.name
        before = self.latest_ready
        self.latest_ready = _newest_ready(self.configuration, self.revisions, revision) or before
        ready = revision.status.condition(READY)
        if ready is not None and ready.status == "False":
            self._report_failure(revision, ready.message)
        elif self.latest_ready == self.latest_created:
            mark.mark_ready(self.conditions)
        else:
            mark.mark_waiting(self.conditions)
        self._report_ready(before)

    def _report_failure(self, revision: Revision, message: str) -> None:
        name = revision.metadata.name
        known = self.configuration.status.condition(READY)
        mark.mark_latest_failed(self.conditions, name, message)
        if known is not None and known.status == "False" and known.message == self._message():
            return
        which = "ready" if name == self.latest_ready else "created"
        reason = f"Latest{which.capitalize()}Failed"
        self.events.append(Note("Warning", reason, f'Latest {which} revision "{name}" has failed'))

    def _message(self) -> str:
        return str((self.conditions.get(READY) or {}).get("message", ""))

    def _report_ready(self, before: str) -> None:
        if self.latest_ready == before:
            return
        if not before:
            self.events.append(Note("Normal", "ConfigurationReady", "Configuration becomes ready"))
        text = f'LatestReadyRevisionName updated to "{self.latest_ready}"'
        self.events.append(Note("Normal", "LatestReadyUpdate", text))


def generation_of(revision: Revision) -> int:
    """The generation of the configuration that it was made from; 0 when its label does not say."""
    text = revision.metadata.labels.get(LABEL_CONFIGURATION_GENERATION, "")
    return int(text) if text.isdecimal() else 0


def _newest_ready(
    configuration: Configuration, revisions: Iterable[Revision], latest_created: Revision
) -> str:
    """The newest ready revision not older than the latest ready one; one that the author named comes first."""
    chosen = configuration.spec.template.metadata.name
    by_name = {r.metadata.name: r for r in (*revisions, latest_created)}
    known = by_name.get(configuration.status.latest_ready_revision_name)
    oldest = generation_of(known) if known else 0
    in_range = [
        r
        for r in by_name.values()
        if oldest <= generation_of(r) <= configuration.metadata.generation
        or r.metadata.name == chosen
    ]
    in_range.sort(key=lambda r: (r.metadata.name == chosen, generation_of(r)), reverse=True)
    return next((r.metadata.name for r in in_range if is_ready(r)), "")

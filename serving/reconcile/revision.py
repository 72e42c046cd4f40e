"""Revision → Deployment, PodAutoscaler and Image caches; says whether it can run, and why not. Pure.

Not here: finding images (the facts are given), scaling (autoscaler), running pods (kubelet).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from autoscaler.api import POD_AUTOSCALER
from autoscaler.api.podautoscaler_types import PodAutoscaler
from serving.api import revision_lifecycle as mark
from serving.api.caching import IMAGE
from serving.api.config_deployment import CONFIG_DEPLOYMENT
from serving.api.config_observability import CONFIG_OBSERVABILITY
from serving.api.images import ImageFacts, Missing, Resolved
from serving.api.kinds import REVISION
from serving.api.names import LABEL_REVISION, WHY, deployment_name
from serving.api.revision_types import Revision
from serving.reconcile import workload
from serving.reconcile.resources.deployments import make_deployment
from serving.reconcile.resources.image_caches import make_image_caches
from serving.reconcile.resources.podautoscalers import make_podautoscaler
from serving.reconcile.statuses import begin, finish, is_controlled_by
from serving.reconcile.strangers import same_name, suffixed
from tanebi.api.conditions import READY, Conditions
from tanebi.api.core.kinds import DEPLOYMENT, POD, SECRET
from tanebi.api.core.kinds_identity import SERVICE_ACCOUNT
from tanebi.api.core.plain import Secret
from tanebi.api.core.workload import Deployment
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, labels_of, parse_time
from tanebi.api.selectors import from_labels
from tanebi.kube.plan import Note, Plan, Reads, Seen

DEFAULT: Final = "default"  # the account of pods that name none
IMAGE_FIRST_RETRY_S: Final = 6.0
IMAGE_RETRY_S: Final = 30.0
"""An image that is missing is looked for again after this time at the latest, even if nobody says that it has come; at first
sooner."""


def nobody(obj: Obj, seen: Seen) -> Iterable[Key]:
    """What is only looked at, for the next try at an image that was refused."""
    return ()


def revision_of(obj: Obj, seen: Seen) -> Iterable[Key]:
    """The revision that a pod belongs to."""
    name = labels_of(obj).get(LABEL_REVISION)
    return [Key((obj.get("metadata") or {}).get("namespace") or "", name)] if name else []


@dataclass(frozen=True, slots=True)
class RevisionReconciler:
    """Implements tanebi.kube.plan.Reconciler. Whoever fills `images` enqueues the revisions that an answer concerns."""

    images: ImageFacts
    kind: Kind[Revision] = REVISION
    owns: tuple[AnyKind, ...] = (DEPLOYMENT, POD_AUTOSCALER, IMAGE)
    reads: tuple[Reads, ...] = (
        Reads(POD, revision_of),
        same_name(REVISION, POD_AUTOSCALER),
        suffixed(REVISION, DEPLOYMENT, "-deployment"),
        Reads(SERVICE_ACCOUNT, nobody),
        Reads(SECRET, nobody),
    )

    def desired(self, resource: Revision, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if resource.deleting:
            return Plan(prune=False)
        work = _Work(
            resource, seen, configs, begin(resource, resource.status, mark.LIVING, now=now), now
        )
        retry = work.run(self.images)
        return Plan(
            children=tuple(work.children),
            status=work.status(),
            events=tuple(work.events()),
            requeue_after_s=retry,
            prune=False,
        )


@dataclass(slots=True)
class _Work:
    """One run: what is being decided."""

    revision: Revision
    seen: Seen
    configs: Configs
    conditions: Conditions
    now: datetime
    digests: dict[str, str] = field(default_factory=dict)
    children: list[Obj] = field(default_factory=list)
    autoscaler: PodAutoscaler | None = None

    def run(self, images: ImageFacts) -> float | None:
        """Seconds after which to look again, if any."""
        verdict = self._resolve(images)
        if verdict is not None:
            return verdict
        if self._foreign():
            return None
        meta = self.revision.metadata
        deployment = self.seen.get(DEPLOYMENT, meta.namespace, deployment_name(meta.name))
        self.children = [
            make_deployment(
                self.revision,
                digests=self.digests,
                exists=deployment is not None,
                configs=self.configs,
            ),
            make_podautoscaler(self.revision, deployment),
            *make_image_caches(self.revision, self.digests),
        ]
        self._judge(deployment)
        return None

    def _resolve(self, images: ImageFacts) -> float | None:
        """Fill `digests`. A number: some image is not known; look again after so many seconds."""
        known = self.revision.status
        resolved = (*known.container_statuses, *known.init_container_statuses)
        self.digests = {status.name: status.image_digest for status in resolved}
        settings = self.configs.get(CONFIG_DEPLOYMENT)
        secrets = self._pull_secrets()
        unknown = False
        for container in (*self.revision.spec.containers, *self.revision.spec.init_containers):
            if self.digests.get(container.name):
                continue
            if settings.takes_as_given(container.image):
                self.digests[container.name] = container.image
                continue
            match images.lookup(container.image, secrets, container.image_pull_policy):
                case Resolved(digest):
                    self.digests[container.name] = digest
                case Missing(message):
                    mark.mark_image_missing(self.conditions, container.image, message)
                    self.digests = {}
                    return self._image_retry_s()
                case None:
                    unknown = True
        if unknown:
            self.digests = {}
            mark.mark_resolving_digests(self.conditions)
            return IMAGE_RETRY_S
        return None

    def _image_retry_s(self) -> float:
        """As long again as it has been missing, within bounds."""
        before = self.revision.status.condition(mark.CONTAINER_HEALTHY)
        if before is None or before.reason != mark.CONTAINER_MISSING:
            return IMAGE_FIRST_RETRY_S
        since = before.last_transition_time
        missing_s = (self.now - parse_time(since)).total_seconds() if since else 0.0
        return min(max(IMAGE_FIRST_RETRY_S, missing_s), IMAGE_RETRY_S)

    def _pull_secrets(self) -> list[Secret]:
        """Those that the revision names, else its account's, as far as they are there."""
        spec, namespace = self.revision.spec, self.revision.metadata.namespace
        names = [one.name for one in spec.image_pull_secrets]
        if not names:
            account = self.seen.get(
                SERVICE_ACCOUNT, namespace, spec.service_account_name or DEFAULT
            )
            names = [one.get("name", "") for one in account.image_pull_secrets] if account else []
        found = (self.seen.get(SECRET, namespace, name) for name in names)
        return [secret for secret in found if secret is not None]

    def _foreign(self) -> bool:
        """Somebody else's object has a name that we need."""
        meta = self.revision.metadata
        kinds: tuple[tuple[AnyKind, str], ...] = (
            (DEPLOYMENT, deployment_name(meta.name)),
            (POD_AUTOSCALER, meta.name),
        )
        for kind, name in kinds:
            found = self.seen.get(kind, meta.namespace, name)
            if found is not None and not is_controlled_by(found, self.revision):
                mark.mark_not_owned(self.conditions, kind.kind, name)
                return True
        return False

    def _judge(self, deployment: Deployment | None) -> None:
        meta = self.revision.metadata
        self.autoscaler = self.seen.get(POD_AUTOSCALER, meta.namespace, meta.name)
        if deployment is None:
            mark.mark_deploying(self.conditions)
        else:
            self._judge_deployment(deployment)
        workload.judge_autoscaler(self.conditions, self.autoscaler)

    def _judge_deployment(self, deployment: Deployment) -> None:
        status = deployment.status
        if self._deployment_counts():
            workload.judge_deployment(self.conditions, deployment)
        if status.ready_replicas > 0:
            mark.mark_container_healthy(self.conditions)
        elif deployment.spec.replicas and not status.available_replicas:
            settings = self.configs.get(CONFIG_DEPLOYMENT)
            pods = self.seen.list(
                POD,
                self.revision.metadata.namespace,
                from_labels({LABEL_REVISION: self.revision.metadata.name}),
            )
            workload.judge_pods(
                self.conditions,
                self.revision,
                pods,
                always_schedulable=settings.always_schedulable,
            )

    def _deployment_counts(self) -> bool:
        """A sleeping or waking revision keeps what was known of it: its Deployment has not much to say."""
        active = self.conditions.get(mark.ACTIVE)
        if active is None or active["status"] == "True":
            return True
        waking = active["status"] == "Unknown"
        return waking and self.conditions.status(mark.RESOURCES_AVAILABLE) != "True"

    def status(self) -> Obj:
        scale = self.autoscaler.status if self.autoscaler else None
        init = {c.name for c in self.revision.spec.init_containers}
        digests = [{"name": n, "imageDigest": d} for n, d in self.digests.items()]
        fields = {
            "annotations": self._annotations(),
            "logUrl": self.configs.get(CONFIG_OBSERVABILITY).log_url(self.revision.metadata.uid),
            "containerStatuses": [d for d in digests if d["name"] not in init],
            "initContainerStatuses": [d for d in digests if d["name"] in init],
            "actualReplicas": _count(scale.actual_scale if scale else None),
            "desiredReplicas": _count(scale.desired_scale if scale else None),
        }
        return finish(self.revision, self.conditions, fields)

    def _annotations(self) -> dict[str, str]:
        annotations = dict(self.revision.status.annotations)
        if self.autoscaler and (why := self.autoscaler.status.annotations.get(WHY)):
            annotations[WHY] = why
        return annotations

    def events(self) -> Iterable[Note]:
        was_ready = self.revision.status.is_true(READY)
        if self.conditions.status(READY) == "True" and not was_ready:
            yield Note(
                "Normal", "RevisionReady", "Revision becomes ready upon all resources being ready"
            )


def _count(scale: int | None) -> int | None:
    """A scale as replicas; what is not known yet (absent or -1) is left out."""
    return scale if scale is not None and scale >= 0 else None

"""Which reconcilers run, and in which order their passes start when one event concerns several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from activator.role import Activator
from autoscaler.loop import Autoscaler
from autoscaler.reconcile.metric import MetricReconciler
from autoscaler.reconcile.podautoscaler import PodAutoscalerReconciler
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler
from eventing.reconcile.broker import BrokerReconciler
from eventing.reconcile.references import addressable_kinds
from eventing.reconcile.trigger import TriggerReconciler
from importers.reconcile.source import SourceReconciler
from importers.registry import Installed
from serving.api import REVISION
from serving.reconcile.configuration import ConfigurationReconciler
from serving.reconcile.domainclaim import DomainClaimReconciler
from serving.reconcile.domainmapping import DomainMappingReconciler
from serving.reconcile.domains import HTTPS_PORT
from serving.reconcile.issuing import CertificateReconciler, Issuer
from serving.reconcile.revision import RevisionReconciler
from serving.reconcile.route import RouteReconciler
from serving.reconcile.service import ServiceReconciler
from tanebi.api.core.kinds_workload import REPLICA_SET, REPLICATION_CONTROLLER
from tanebi.api.kind import Kinds
from tanebi.kube.cache import Cache
from tanebi.kube.engine import Engine
from tanebi.kube.plan import Reconciler
from tanebi.kubelet.binding import BindingReconciler
from tanebi.kubelet.claims import ClaimReconciler, VolumeReconciler
from tanebi.kubelet.cronjobs import CronJobReconciler
from tanebi.kubelet.daemonsets import DaemonSetReconciler
from tanebi.kubelet.deployments import DeploymentReconciler
from tanebi.kubelet.endpointmirror import EndpointsReconciler, MirrorReconciler
from tanebi.kubelet.endpoints import EndpointReconciler
from tanebi.kubelet.engine.images import EngineImages
from tanebi.kubelet.images import ImageStore, ImageWatch
from tanebi.kubelet.jobs import JobReconciler
from tanebi.kubelet.podclaims import EphemeralReconciler
from tanebi.kubelet.policies import AutoscalerReconciler, BudgetReconciler
from tanebi.kubelet.quotas import QuotaReconciler
from tanebi.kubelet.replicasets import ReplicaReconciler
from tanebi.kubelet.statefulsets import StatefulSetReconciler
from tanebi.up.pods import KnownImages

NODE: Final = "tanebi"


class Adds(Protocol):
    """What of tanebi.kube.engine.Engine is needed to add a reconciler."""

    def add(self, reconciler: Reconciler[Any], *, patient: bool = False) -> None: ...


def revision_reconciler(
    engine: Engine,
    cache: Cache,
    *,
    images: ImageStore,
    watch: ImageWatch,
    foreign: EngineImages | None,
) -> RevisionReconciler:
    """Revisions are looked at again whenever an image came or went, here or (`foreign`) in the engine."""

    def images_changed() -> None:
        for key in cache.keys(REVISION):
            engine.enqueue(REVISION, key)

    watch.subscribe(images_changed)
    if foreign is not None:
        foreign.subscribe(images_changed)
    return RevisionReconciler(KnownImages(images, foreign))


def add_controllers(
    engine: Adds,
    *,
    kinds: Kinds,
    plane: Activator,
    scaler: Autoscaler,
    installed: Iterable[Installed],
    revisions: RevisionReconciler,
    volumes: str,
    issuer: Issuer | None = None,
) -> None:
    """What a waiting request needs comes first, and what only tells how it went comes after. `issuer`: of certificates, where
    https is served."""
    addressables = addressable_kinds(kinds)
    urgent: tuple[Reconciler[Any], ...] = (
        EndpointReconciler(),
        plane.ingress_reconciler,
        BrokerReconciler(kinds),
        TriggerReconciler(kinds),
        *(
            SourceReconciler(one.importer, kinds=kinds, addressables=addressables)
            for one in installed
        ),
    )
    patient: tuple[Reconciler[Any], ...] = (
        DeploymentReconciler(NODE),
        ReplicaReconciler(NODE, REPLICA_SET),
        ReplicaReconciler(NODE, REPLICATION_CONTROLLER),
        BindingReconciler(NODE),
        JobReconciler(NODE),
        CronJobReconciler(),
        StatefulSetReconciler(NODE),
        DaemonSetReconciler(NODE),
        BudgetReconciler(),
        AutoscalerReconciler(),
        QuotaReconciler(),
        EphemeralReconciler(),
        ClaimReconciler(volumes),
        VolumeReconciler(),
        PodAutoscalerReconciler(scaler),
        ServerlessServiceReconciler(),
        MetricReconciler(),
        revisions,
        ConfigurationReconciler(),
        RouteReconciler(
            external_port=plane.public_port(), tls_port=plane.gateway.tls_port or HTTPS_PORT
        ),
        CertificateReconciler(issuer),
        ServiceReconciler(),
        DomainMappingReconciler(kinds, addressables),
        DomainClaimReconciler(),
        EndpointsReconciler(),
        MirrorReconciler(),
    )
    for reconciler in urgent:
        engine.add(reconciler)
    for reconciler in patient:
        engine.add(reconciler, patient=True)

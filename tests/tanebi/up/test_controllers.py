from pathlib import Path
from typing import Any

from activator.api.ingress import INGRESS
from activator.role import Activator
from autoscaler.loop import Autoscaler
from importers.registry import load
from serving.api import REVISION, SERVICE
from serving.reconcile.revision import RevisionReconciler
from tanebi.api.kind import Kinds
from tanebi.base.rng import system_rng
from tanebi.kube.plan import Reconciler
from tanebi.kubelet.images import ImageStore
from tanebi.testing.clock import FakeClock
from tanebi.testing.world import StandingConfigs, World
from tanebi.up.controllers import add_controllers
from tanebi.up.kinds import KINDS
from tanebi.up.pods import KnownImages


class Added:
    def __init__(self) -> None:
        self.patient: dict[str, bool] = {}
        self.order: list[bool] = []

    def add(self, reconciler: Reconciler[Any], *, patient: bool = False) -> None:
        """Services have two: what tells of them in the older form comes after."""
        assert self.patient.setdefault(reconciler.kind.resource, patient) <= patient
        self.order.append(patient)


def test_what_a_waiting_request_needs_comes_before_what_only_tells(tmp_path: Path) -> None:
    clock, world, added = FakeClock(), World(), Added()
    scaler = Autoscaler(world, StandingConfigs(), clock=clock, on_change=lambda key: None)
    add_controllers(
        added,
        kinds=Kinds(KINDS),
        plane=Activator("127.0.0.1", 0, cache=world, sink=scaler, clock=clock, rng=system_rng(1)),
        scaler=scaler,
        installed=load(),
        revisions=RevisionReconciler(KnownImages(ImageStore(tmp_path, clock=clock), None)),
        volumes="/volumes",
    )
    order = list(added.patient)
    assert order.index(INGRESS.resource) < order.index(SERVICE.resource)
    assert not added.patient[INGRESS.resource]
    assert added.patient[REVISION.resource]
    assert added.order == sorted(added.order)

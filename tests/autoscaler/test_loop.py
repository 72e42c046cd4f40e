"""The running part: who is told what, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

import autoscaler.api
import serving.api
from autoscaler.api import CONFIG_AUTOSCALER, POD_AUTOSCALER
from autoscaler.api.podautoscaler_types import PodAutoscaler
from autoscaler.api.stat import Stat
from autoscaler.loop import TICK_S, Autoscaler
from autoscaler.reconcile.podautoscaler import PodAutoscalerReconciler
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, SERVICE
from tanebi.api.meta import Key, Obj
from tanebi.base.metrics import exposition
from tanebi.kube.cache import Cache
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.engine import Engine
from tanebi.testing.clock import FakeClock
from tanebi.testing.control import control_plane
from tanebi.testing.waiting import wait_until
from tanebi.testing.world import StandingConfigs, World

pytestmark = pytest.mark.anyio

KEY = Key("n", "r")


@dataclass
class Stage:
    """An autoscaler, its world, and what it said."""

    world: World = field(default_factory=World)
    configs: StandingConfigs = field(default_factory=StandingConfigs)
    clock: FakeClock = field(default_factory=FakeClock)
    changed: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.autoscaler = Autoscaler(
            self.world, self.configs, clock=self.clock, on_change=self.changed.append
        )

    def pa(self, *, name: str = "r", status: Obj | None = None, **annotations: str) -> None:
        self.world.put(
            POD_AUTOSCALER,
            {
                "metadata": {
                    "namespace": "n",
                    "name": name,
                    "annotations": {
                        f"autoscaling.knative.dev/{k.replace('_', '-')}": v
                        for k, v in annotations.items()
                    },
                },
                "spec": {"containerConcurrency": 1},
                "status": status or {},
            },
        )

    def ready(self, count: int, *, name: str = "r") -> None:
        self.world.put(
            ENDPOINT_SLICE,
            {
                "metadata": {
                    "namespace": "n",
                    "name": f"{name}-abc",
                    "labels": {"kubernetes.io/service-name": f"{name}-private"},
                },
                "endpoints": [
                    {"addresses": ["127.0.0.1"], "conditions": {"ready": True}}
                    for _ in range(count)
                ],
            },
        )

    def report(self, concurrency: float) -> None:
        self.autoscaler.report([Stat(KEY, concurrency, concurrency)], self.clock.now())

    def pass_time(self, seconds: float, *, load: float | None = None) -> None:
        """Second by second, with a report each if there is load, and a tick every other."""
        for i in range(int(seconds)):
            self.clock.advance(1)
            if load is not None:
                self.report(load)
            if i % 2:
                self.autoscaler.tick(self.clock.now())

    @property
    def want(self) -> int | None:
        standing = self.autoscaler.lookup(KEY)
        assert standing is not None
        return standing.decision.want if standing.decision else None


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_poke_decides_before_it_returns(stage: Stage) -> None:
    stage.pa(target="1", target_utilization_percentage="100")
    assert (stage.want, stage.changed) == (None, [])
    stage.autoscaler.poke(KEY, stage.clock.now())
    assert stage.want == 1
    assert stage.changed == [KEY]


async def test_a_poke_before_its_revision_is_known_is_not_lost(stage: Stage) -> None:
    stage.autoscaler.poke(KEY, stage.clock.now())
    assert stage.changed == []
    stage.pa(target="1", target_utilization_percentage="100")
    assert stage.changed == [KEY]
    assert stage.want == 1


async def test_a_burst_gets_its_pods_with_the_first_report(stage: Stage) -> None:
    stage.pa()
    stage.autoscaler.poke(KEY, stage.clock.now())
    stage.clock.advance(1)
    stage.report(14.0)
    assert stage.want == 20  # 14 at once at 0.7 a pod
    assert stage.changed == [KEY, KEY]


async def test_silence_leads_to_zero_and_then_to_rest(stage: Stage) -> None:
    stage.pa(window="6s")
    stage.autoscaler.poke(KEY, stage.clock.now())
    stage.ready(1)
    stage.pass_time(10, load=0.5)
    assert stage.want == 1
    assert stage.autoscaler.unsettled == {KEY}
    stage.pass_time(10)
    assert stage.want == 0
    assert stage.changed[-1] == KEY
    assert stage.autoscaler.unsettled == frozenset()
    stage.ready(0)
    assert stage.autoscaler.unsettled == {KEY}  # another number of pods: decide once more
    stage.pass_time(2)
    assert stage.autoscaler.unsettled == frozenset()


async def test_an_equal_decision_tells_nobody(stage: Stage) -> None:
    stage.pa(target="10")
    stage.ready(1)
    stage.pass_time(20, load=5)
    told = len(stage.changed)
    stage.pass_time(40, load=5)
    assert len(stage.changed) == told


async def test_new_settings_count_from_the_next_decision(stage: Stage) -> None:
    stage.pa()
    stage.ready(1)
    stage.pass_time(20, load=0.7)
    assert stage.want == 1
    stage.configs.set(CONFIG_AUTOSCALER, container_concurrency_target_percentage="10")
    stage.pass_time(2, load=0.7)
    assert stage.want == 7


async def test_new_annotations_count_from_the_next_decision(stage: Stage) -> None:
    stage.pa()
    stage.ready(1)
    stage.pass_time(20, load=0.7)
    stage.pa(target_utilization_percentage="10")
    stage.pass_time(2, load=0.7)
    assert stage.want == 7


async def test_other_classes_are_left_alone(stage: Stage) -> None:
    stage.pa(**{"class": "hpa.autoscaling.knative.dev"})
    stage.autoscaler.poke(KEY, stage.clock.now())
    stage.report(5)
    assert stage.autoscaler.lookup(KEY) is None
    assert stage.changed == []


async def test_a_deleted_revision_is_forgotten(stage: Stage) -> None:
    stage.pa()
    stage.autoscaler.poke(KEY, stage.clock.now())
    assert b'tanebi_autoscaler_desired_pods{namespace="n",revision="r"}' in exposition()[1]
    stage.world.drop(POD_AUTOSCALER, "n", "r")
    assert stage.autoscaler.lookup(KEY) is None
    assert stage.autoscaler.unsettled == frozenset()
    assert b'tanebi_autoscaler_desired_pods{namespace="n",revision="r"}' not in exposition()[1]
    stage.report(5)
    stage.autoscaler.tick(stage.clock.now())


async def test_a_restart_keeps_what_was_wanted_for_a_stable_window(stage: Stage) -> None:
    status: dict[str, Any] = {
        "desiredScale": 3,
        "conditions": [{"type": "ScaleTargetInitialized", "status": "True"}],
    }
    stage.pa(status=status, window="10s")
    stage.ready(1)
    stage.pass_time(8)
    assert stage.want == 3
    stage.pass_time(6)
    assert stage.want == 0


async def test_before_any_data_the_initial_scale_tells_the_spare_burst(stage: Stage) -> None:
    stage.pa(target_burst_capacity="0")
    standing = stage.autoscaler.lookup(KEY)
    assert standing is not None
    assert (standing.decision, standing.spare) == (None, 0)
    assert standing.since == stage.clock.wall()


async def test_it_ticks_only_while_there_is_something_to_decide(stage: Stage) -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(stage.autoscaler.run)
        stage.clock.advance(10 * TICK_S)
        stage.pa(window="6s")
        stage.autoscaler.poke(KEY, stage.clock.now())
        assert stage.want == 2

        async def settled() -> bool:
            stage.clock.advance(TICK_S)
            await anyio.lowlevel.checkpoint()
            return not stage.autoscaler.unsettled

        await wait_until(settled, 5)
        assert stage.want == 0
        tasks.cancel_scope.cancel()


async def test_a_poke_reaches_the_deployment(tmp_path: Path) -> None:
    """The real server, cache and engine: from the first request to replicas 1, without a tick (no `run`)."""
    kinds = (*serving.api.KINDS, *autoscaler.api.KINDS)
    configs = (*serving.api.CONFIGS, *autoscaler.api.CONFIGS)
    async with control_plane(tmp_path, kinds=kinds, configs=configs) as plane:
        cache = Cache(plane.kube, plane.clock)
        live = LiveConfigs(cache, configs)
        engine = Engine(plane.kube, cache, live, plane.clock, plane.rng)
        scaler = Autoscaler(
            cache,
            live,
            clock=plane.clock,
            on_change=lambda key: engine.enqueue(POD_AUTOSCALER, key),
        )
        engine.add(PodAutoscalerReconciler(scaler))
        engine.add(ServerlessServiceReconciler())
        await plane.tasks.start(cache.run)
        await plane.tasks.start(engine.run)
        await plane.kube.create(DEPLOYMENT, deployment())
        await plane.kube.create(POD_AUTOSCALER, pod_autoscaler())

        def pa() -> PodAutoscaler | None:
            return cache.get(POD_AUTOSCALER, "default", "r")

        await wait_until(lambda: (found := pa()) and found.status.service_name == "r")
        scaler.poke(Key("default", "r"), plane.clock.now())

        def replicas() -> bool:
            found = cache.get(DEPLOYMENT, "default", "r-deployment")
            return found is not None and found.spec.replicas == 1

        await wait_until(replicas)
        await wait_until(lambda: (found := pa()) and found.status.desired_scale == 1)
        found = pa()
        assert found is not None
        assert found.status.phase == "activating"
        assert found.status.annotations["tanebi.dev/why"] == (
            "1.00 at once over 60 s at 70 a pod needs 1 pod"
        )
        services = await plane.kube.list(SERVICE, "default")
        assert [s["metadata"]["name"] for s in services.items] == ["r", "r-private"]


def deployment() -> Obj:
    labels = {"app": "r"}
    pod = {"containers": [{"name": "user-container", "image": "dev.local/x"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "default", "name": "r-deployment"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def pod_autoscaler() -> Obj:
    return {
        "apiVersion": POD_AUTOSCALER.api_version,
        "kind": "PodAutoscaler",
        "metadata": {"namespace": "default", "name": "r"},
        "spec": {
            "protocolType": "http1",
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "r-deployment",
            },
        },
    }

"""The autoscaler whole, in virtual time: loop, decisions and both reconcilers over a world of objects, with pods that follow.

Nothing sleeps: a day passes in a second. What is played here is the data plane (pokes and reports), the kubelet (pods that take
their time or never come) and the engine (plans carried out, timers kept). The rest is the code that runs in production.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.api import CONFIG_AUTOSCALER, POD_AUTOSCALER, SERVERLESS_SERVICE
from autoscaler.api.stat import Stat
from autoscaler.loop import TICK_S, Autoscaler
from autoscaler.reconcile.podautoscaler import PodAutoscalerReconciler
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE
from tanebi.api.meta import Key, Obj
from tanebi.kube.plan import Plan
from tanebi.testing.clock import FakeClock
from tanebi.testing.world import StandingConfigs, World

KEY = Key("n", "r")
NEVER = 1e9


@dataclass
class Day:
    """One revision through its life. `load(t)`: requests at once, t seconds after the beginning."""

    load: Callable[[float], float] = lambda t: 0.0
    start_s: float = 1.0
    annotations: dict[str, str] = field(default_factory=dict)
    limit: int = 10
    configs: StandingConfigs = field(default_factory=StandingConfigs)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.began = self.clock.now()
        self.world = World()
        self._make_objects()
        self._restart()
        self._timers: dict[str, float] = {}
        self._pods: list[float] = []  # when each becomes ready
        self._busy = False
        self.history: list[tuple[float, int, int, str]] = []
        self.live(0)

    # --- what a test asks ---
    @property
    def t(self) -> float:
        return self.clock.now() - self.began

    @property
    def status(self) -> Any:
        found = self.world.get(POD_AUTOSCALER, *KEY)
        assert found is not None
        return found.status

    @property
    def replicas(self) -> int:
        found = self.world.get(DEPLOYMENT, "n", "r-deployment")
        assert found is not None
        return found.spec.replicas or 0

    @property
    def ready(self) -> int:
        return sum(at <= self.clock.now() for at in self._pods)

    def live(self, until_s: float) -> Day:
        """Second by second up to `until_s`."""
        while True:
            self._second()
            if self.t >= until_s:
                return self
            self.clock.advance(1)

    def crash(self) -> None:
        """The process dies with its pods; the objects stay."""
        self._restart()
        self._pods = [self.clock.now() + self.start_s for _ in self._pods]
        self._show_endpoints()
        self.live(self.t)

    # --- the parts around ---
    def _restart(self) -> None:
        self._queue: list[Key] = []
        self.autoscaler = Autoscaler(
            self.world, self.configs, clock=self.clock, on_change=self._queue.append
        )
        self._pa = PodAutoscalerReconciler(self.autoscaler)
        self._sks = ServerlessServiceReconciler()
        self._tick_at = self.clock.now() + TICK_S

    def _second(self) -> None:
        now, load = self.clock.now(), self.load(self.t)
        if load > 0 and not self._busy:
            self.autoscaler.poke(KEY, now)
        elif self._busy:
            self.autoscaler.report([Stat(KEY, load, load)], now)
        self._busy = load > 0
        if now >= self._tick_at:
            self._tick_at = now + TICK_S
            self.autoscaler.tick(now)
        self._show_endpoints()
        self._engine()
        self.history.append((self.t, self.replicas, self.ready, self.status.phase))

    def _engine(self) -> None:
        """Run both reconcilers until nothing changes: events, timers and level-triggering in one."""
        for _ in range(10):
            before = self._snapshot()
            self._carry_out(SERVERLESS_SERVICE, self._sks)
            self._carry_out(POD_AUTOSCALER, self._pa)
            self._kubelet()
            if self._snapshot() == before:
                return
        raise AssertionError("the reconcilers do not settle")

    def _snapshot(self) -> tuple[Any, ...]:
        kinds = (POD_AUTOSCALER, SERVERLESS_SERVICE)
        objects = [self.world.raw(kind, *KEY) for kind in kinds]
        return (*objects, self.replicas, self.ready)

    def _carry_out(self, kind: Any, reconciler: Any) -> None:
        resource = self.world.get(kind, *KEY)
        if resource is None:
            return
        plan: Plan = reconciler.desired(resource, self.world, self.configs, self.clock.wall())
        for child in plan.children:
            if child["kind"] == "ServerlessService":
                old = self.world.raw(SERVERLESS_SERVICE, *KEY) or {}
                kept = {"uid": "sks", **child["metadata"]}
                self.world.put(
                    SERVERLESS_SERVICE,
                    {**child, "metadata": kept, "status": old.get("status") or {}},
                )
        for patch in plan.patches:
            assert (patch.subresource, patch.type) == ("scale", "json")
            self._scale(patch.body[0]["value"])
        if plan.status is not None:
            raw = self.world.raw(kind, *KEY)
            assert raw is not None
            self.world.put(kind, {**raw, "status": plan.status})

    def _kubelet(self) -> None:
        while len(self._pods) > self.replicas:
            self._pods.pop()
        while len(self._pods) < self.replicas:
            self._pods.append(self.clock.now() + self.start_s)
        self._show_endpoints()

    def _show_endpoints(self) -> None:
        slice_ = {
            "metadata": {
                "namespace": "n",
                "name": "r-private-1",
                "labels": {"kubernetes.io/service-name": "r-private"},
            },
            "endpoints": [{"conditions": {"ready": True}} for _ in range(self.ready)],
        }
        seen = self.world.raw(ENDPOINT_SLICE, "n", "r-private-1") or {}
        if seen.get("endpoints") != slice_["endpoints"]:
            self.world.put(ENDPOINT_SLICE, slice_)

    def _scale(self, replicas: int) -> None:
        deployment: Obj = {
            "metadata": {"namespace": "n", "name": "r-deployment", "uid": "d"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "r"}}},
        }
        self.world.put(DEPLOYMENT, deployment)

    def _make_objects(self) -> None:
        self._scale(1)
        self.world.put(
            POD_AUTOSCALER,
            {
                "metadata": {
                    "namespace": "n",
                    "name": "r",
                    "uid": "pa",
                    "generation": 1,
                    "annotations": {
                        f"autoscaling.knative.dev/{k.replace('_', '-')}": v
                        for k, v in self.annotations.items()
                    },
                },
                "spec": {
                    "containerConcurrency": self.limit,
                    "protocolType": "http1",
                    "scaleTargetRef": {
                        "apiVersion": "apps/v1",
                        "kind": "Deployment",
                        "name": "r-deployment",
                    },
                },
            },
        )


def test_a_new_revision_that_nobody_calls_is_active_for_a_window_and_then_gone() -> None:
    day = Day().live(30)
    assert (day.replicas, day.ready, day.status.phase) == (1, 1, "active")
    assert day.status.initialized
    assert day.status.desired_scale == 1
    day.live(75)
    assert (day.replicas, day.ready, day.status.phase) == (0, 0, "inactive")
    assert day.status.is_false("Ready")
    assert day.status.initialized  # for good


def test_a_request_wakes_it_within_its_second_and_silence_lets_it_sleep() -> None:
    day = Day(lambda t: 1.0 if 1000 <= t < 1005 else 0.0).live(999)
    assert day.replicas == 0
    day.live(1000)
    assert (day.replicas, day.status.phase) == (1, "activating")
    assert day.status.annotations["tanebi.dev/why"].startswith("1.00 at once")
    day.live(1002)
    assert day.status.phase == "active"
    day.live(1050)
    assert day.replicas == 1
    day.live(1080)
    assert (day.replicas, day.status.phase) == (0, "inactive")
    day.live(5000)
    assert day.autoscaler.unsettled == frozenset()  # and nothing ticks


def test_a_working_day_is_followed() -> None:
    """A day of 2400 seconds: work from 800 to 1700, most of it in the middle."""

    def office(t: float) -> float:
        return 70.0 * max(0.0, 1 - abs(t - 1250) / 450)

    day = Day(office).live(2400)
    peak = max(replicas for _, replicas, _, _ in day.history)
    assert 10 <= peak <= 12  # 70 at once at 7 a pod
    noon = [ready for t, _, ready, _ in day.history if 1200 <= t <= 1300]
    assert min(noon) >= 9
    night = {replicas for t, replicas, _, _ in day.history if t > 1800 or 200 < t < 800}
    assert night == {0}
    # Never more asked than the pods take, the first seconds after waking aside.
    assert [t for t, _, ready, _ in day.history if ready * 10 < office(t) and t > 810] == []


def test_pods_that_never_come_are_given_up_when_nobody_waits() -> None:
    day = Day(start_s=NEVER).live(600)
    assert (day.replicas, day.status.phase) == (1, "activating")
    day.live(640)
    assert (day.replicas, day.status.phase) == (0, "inactive")
    ready = day.status.condition("Ready")
    assert (ready.status, ready.reason) == ("False", "TimedOut")


def test_pods_that_never_come_are_not_given_up_while_somebody_waits() -> None:
    day = Day(lambda t: 3.0, start_s=NEVER).live(1000)
    assert day.replicas >= 1
    assert day.status.phase == "activating"


def test_minimum_and_maximum_hold_all_day() -> None:
    day = Day(
        lambda t: 500.0 if 600 < t < 900 else 0.0, annotations={"min_scale": "2", "max_scale": "4"}
    ).live(2000)
    seen = {replicas for t, replicas, _, _ in day.history if t > 3}
    assert seen <= {2, 3, 4}
    assert {2, 4} <= seen


def test_initial_scale_is_reached_before_it_counts_as_active() -> None:
    day = Day(annotations={"initial_scale": "3"}, start_s=5).live(3)
    assert (day.replicas, day.status.phase) == (3, "activating")
    day.live(10)
    active = [ready for _, _, ready, phase in day.history if phase == "active"]
    assert active[0] == 3
    day.live(200)
    assert day.replicas == 0


def test_starting_with_none() -> None:
    configs = StandingConfigs().set(CONFIG_AUTOSCALER, allow_zero_initial_scale="true")
    day = Day(
        lambda t: 1.0 if t >= 100 else 0.0, annotations={"initial_scale": "0"}, configs=configs
    )
    assert day.status.phase == "inactive"
    assert day.status.initialized
    day._scale(0)  # as the revision makes its Deployment
    day.live(99)
    assert day.replicas == 0
    day.live(102)
    assert (day.replicas, day.status.phase) == (1, "active")


def test_retention_keeps_the_last_pod() -> None:
    day = Day(annotations={"scale_to_zero_pod_retention_period": "5m"}).live(300)
    assert (day.replicas, day.status.phase) == (1, "inactive")
    day.live(380)
    assert day.replicas == 0


def test_a_crash_in_the_middle_of_load_keeps_the_pods() -> None:
    day = Day(lambda t: 35.0).live(300)
    before = day.replicas
    assert before >= 5
    day.crash()
    day.live(330)
    assert day.replicas >= before
    assert day.status.phase == "active"


def test_a_crash_in_silence_keeps_the_pod_for_one_more_window() -> None:
    day = Day(lambda t: 1.0 if t < 100 else 0.0).live(130)
    assert day.replicas == 1
    day.crash()
    day.live(185)
    assert day.replicas == 1
    day.live(210)
    assert day.replicas == 0


def test_a_crash_at_zero_leaves_it_at_zero() -> None:
    day = Day().live(200)
    day.crash()
    day.live(2000)
    assert (day.replicas, day.status.phase, day.status.desired_scale) == (0, "inactive", 0)


loads = st.lists(st.sampled_from([0.0, 0.0, 0.2, 3.0, 40.0]), min_size=1, max_size=12)


@settings(max_examples=12, deadline=None)
@given(loads, st.sampled_from([0.5, 3.0, 20.0]), st.sampled_from([None, 35, 100]))
def test_whatever_happens(steps: list[float], start_s: float, crash_at: int | None) -> None:
    """Whoever asks gets a pod, and in the end everything sleeps."""

    def load(t: float) -> float:
        return steps[int(t // 20)] if t // 20 < len(steps) else 0.0

    day = Day(load, start_s=start_s, annotations={"window": "10s"})
    if crash_at is not None:
        day.live(crash_at)
        day.crash()
    day.live(len(steps) * 20 + 200)
    for t, replicas, _, _ in day.history:
        assert not load(t) or replicas >= 1, t
        assert replicas <= 60
    assert (day.replicas, day.ready, day.status.phase) == (0, 0, "inactive")
    assert day.autoscaler.unsettled == frozenset()

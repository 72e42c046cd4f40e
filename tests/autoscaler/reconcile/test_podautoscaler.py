"""From decision to replicas: given objects and a decision, the whole Plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from autoscaler.api import CONFIG_AUTOSCALER, POD_AUTOSCALER, SERVERLESS_SERVICE
from autoscaler.decide import Decision
from autoscaler.reconcile.podautoscaler import PodAutoscalerReconciler, Standing
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE
from tanebi.api.meta import Key, Obj, rfc3339
from tanebi.kube.plan import Patch, Plan
from tanebi.testing.world import StandingConfigs, World

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
KEY = Key("n", "r-00001")


def ago(seconds: float) -> str:
    return rfc3339(NOW - timedelta(seconds=seconds))


def condition(type_: str, status: str, since_s: float, **more: str) -> Obj:
    return {"type": type_, "status": status, "lastTransitionTime": ago(since_s), **more}


@dataclass
class Stage:
    """A revision with its Deployment and ServerlessService, as they look mid-life."""

    world: World = field(default_factory=World)
    configs: StandingConfigs = field(default_factory=StandingConfigs)
    standing: Standing | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)

    def lookup(self, key: Key) -> Standing | None:
        assert key == KEY
        return self.standing

    def wants(
        self, want: int, *, spare: int = -1, why: str = "because", mode: Any = "stable"
    ) -> None:
        self.standing = Standing(Decision(want, spare, mode, (why,)), spare, LONG_AGO)

    def phase(self, active: str, since_s: float, *, initialized: bool = True, **more: Any) -> None:
        self.status = {
            "serviceName": "r-00001",
            "conditions": [
                condition("Active", active, since_s),
                condition("ScaleTargetInitialized", "True" if initialized else "Unknown", since_s),
            ],
            **more,
        }

    def deployment(self, replicas: int | None) -> None:
        self.world.put(
            DEPLOYMENT,
            {
                "metadata": {"namespace": "n", "name": "r-00001-deployment", "uid": "d"},
                "spec": {"replicas": replicas},
            },
        )

    def sks(self, *, mode: str = "Proxy", ready: str = "True", since_s: float = 9999) -> None:
        self.world.put(
            SERVERLESS_SERVICE,
            {
                "metadata": {
                    "namespace": "n",
                    "name": "r-00001",
                    "ownerReferences": [
                        {
                            "apiVersion": POD_AUTOSCALER.api_version,
                            "kind": "PodAutoscaler",
                            "name": "r-00001",
                            "uid": "pa-uid",
                            "controller": True,
                        }
                    ],
                },
                "spec": {"mode": mode},
                "status": {
                    "serviceName": "r-00001",
                    "privateServiceName": "r-00001-private",
                    "conditions": [
                        condition("Ready", ready, since_s, message="K8s Service is not ready"),
                        condition("ActivatorEndpointsPopulated", "True", since_s, severity="Info"),
                    ],
                },
            },
        )

    def ready(self, count: int) -> None:
        self.world.put(
            ENDPOINT_SLICE,
            {
                "metadata": {
                    "namespace": "n",
                    "name": "r-00001-private-x",
                    "labels": {"kubernetes.io/service-name": "r-00001-private"},
                },
                "endpoints": [{"conditions": {"ready": True}} for _ in range(count)],
            },
        )

    def pa(self) -> Obj:
        return {
            "apiVersion": POD_AUTOSCALER.api_version,
            "kind": "PodAutoscaler",
            "metadata": {
                "namespace": "n",
                "name": "r-00001",
                "uid": "pa-uid",
                "generation": 3,
                "labels": {"app": "r-00001"},
                "annotations": {
                    f"autoscaling.knative.dev/{k}": v for k, v in self.annotations.items()
                },
            },
            "spec": {
                "containerConcurrency": 10,
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "r-00001-deployment",
                },
                "protocolType": "http1",
                **self.spec,
            },
            "status": self.status,
        }

    def plan(self) -> Plan:
        reconciler = PodAutoscalerReconciler(self)
        return reconciler.desired(POD_AUTOSCALER.view(self.pa()), self.world, self.configs, NOW)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.deployment(1)
    stage.sks()
    stage.ready(1)
    stage.phase("True", 300)
    return stage


def status_of(plan: Plan) -> Obj:
    assert plan.status is not None
    return plan.status


def active(plan: Plan) -> tuple[str, str]:
    found = next(c for c in status_of(plan)["conditions"] if c["type"] == "Active")
    return found["status"], found.get("reason", "")


def scaled_to(plan: Plan) -> int | None:
    if not plan.patches:
        return None
    (patch,) = plan.patches
    value: int = patch.body[0]["value"]
    return value


def test_first_the_services_are_made() -> None:
    stage = Stage()
    stage.deployment(1)
    plan = stage.plan()
    child, metric = plan.children
    assert metric["kind"] == "Metric"
    assert child["kind"] == "ServerlessService"
    assert child["metadata"]["name"] == "r-00001"
    assert child["metadata"]["labels"] == {"app": "r-00001"}
    assert child["metadata"]["ownerReferences"][0]["uid"] == "pa-uid"
    assert child["spec"] == {
        "mode": "Proxy",
        "objectRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-00001-deployment"},
        "protocolType": "http1",
        "numActivators": 2,
    }
    assert plan.patches == ()
    status = status_of(plan)
    assert (status["desiredScale"], status["actualScale"], status["observedGeneration"]) == (
        -1,
        0,
        3,
    )
    assert active(plan) == ("Unknown", "Queued")
    assert {c["type"]: c.get("message") for c in status["conditions"]}["SKSReady"] == (
        "No Private Service Name"
    )


def test_a_foreign_serverlessservice_is_not_touched(stage: Stage) -> None:
    stage.world.put(SERVERLESS_SERVICE, {"metadata": {"namespace": "n", "name": "r-00001"}})
    plan = stage.plan()
    assert plan.children == plan.patches == ()
    ready = next(c for c in status_of(plan)["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NotOwned")


def test_scaling_goes_through_the_scale_subresource(stage: Stage) -> None:
    stage.wants(3)
    plan = stage.plan()
    assert plan.patches == (
        Patch(
            DEPLOYMENT,
            "n",
            "r-00001-deployment",
            [{"op": "add", "path": "/spec/replicas", "value": 3}],
            type="json",
            subresource="scale",
        ),
    )
    status = status_of(plan)
    assert (status["desiredScale"], status["actualScale"]) == (3, 1)
    assert active(plan) == ("True", "")


def test_nothing_to_do_is_no_patch(stage: Stage) -> None:
    stage.wants(1)
    assert stage.plan().patches == ()
    stage.deployment(None)  # Kubernetes' default is one
    assert stage.plan().patches == ()


@pytest.mark.parametrize(
    ("annotations", "want", "expected"),
    [
        ({"min-scale": "2"}, 0, 2),
        ({"min-scale": "2"}, 5, 5),
        ({"max-scale": "4"}, 9, 4),
        ({"min-scale": "2", "max-scale": "4"}, 0, 2),
    ],
)
def test_bounds(stage: Stage, annotations: dict[str, str], want: int, expected: int) -> None:
    stage.annotations = annotations
    stage.wants(want)
    assert scaled_to(stage.plan()) == expected


def test_min_scale_does_not_count_without_a_route(stage: Stage) -> None:
    stage.annotations = {"min-scale": "2"}
    stage.spec = {"reachability": "Unreachable"}
    stage.phase("False", 300)
    stage.wants(0)
    assert scaled_to(stage.plan()) == 0


def test_initial_scale_holds_until_it_was_reached(stage: Stage) -> None:
    stage.annotations = {"initial-scale": "4"}
    stage.phase("Unknown", 5, initialized=False)
    stage.wants(1)
    plan = stage.plan()
    assert scaled_to(plan) == 4
    assert active(plan) == ("Unknown", "Queued")
    stage.ready(4)
    stage.deployment(4)
    plan = stage.plan()
    assert plan.patches == ()
    assert active(plan) == ("True", "")
    types = {c["type"]: c["status"] for c in status_of(plan)["conditions"]}
    assert types["ScaleTargetInitialized"] == types["Ready"] == "True"


# --- zero ---
def test_zero_waits_for_a_stable_window_of_activity(stage: Stage) -> None:
    stage.phase("True", 20)
    stage.wants(0)
    plan = stage.plan()
    assert (scaled_to(plan), plan.requeue_after_s) == (None, 40)
    assert status_of(plan)["desiredScale"] == 1
    stage.deployment(2)
    assert scaled_to(stage.plan()) == 1


def test_then_it_becomes_inactive_with_its_pod(stage: Stage) -> None:
    stage.phase("True", 60)
    stage.wants(0)
    plan = stage.plan()
    assert (scaled_to(plan), plan.requeue_after_s) == (None, 3)
    assert active(plan) == ("False", "NoTraffic")
    assert status_of(plan)["desiredScale"] == 0


def test_then_the_pod_goes(stage: Stage) -> None:
    stage.phase("False", 1)
    stage.wants(0)
    assert scaled_to(stage.plan()) == 0


def test_the_pod_stays_while_the_activator_is_new_in_the_path(stage: Stage) -> None:
    stage.phase("False", 1)
    stage.sks(since_s=12)
    stage.wants(0)
    plan = stage.plan()
    assert (scaled_to(plan), plan.requeue_after_s) == (None, 18)


def test_the_pod_stays_for_its_retention(stage: Stage) -> None:
    stage.annotations = {"scale-to-zero-pod-retention-period": "5m"}
    stage.phase("False", 100)
    stage.wants(0)
    plan = stage.plan()
    assert (scaled_to(plan), plan.requeue_after_s) == (None, 200)


def test_zero_can_be_forbidden(stage: Stage) -> None:
    stage.configs.set(CONFIG_AUTOSCALER, enable_scale_to_zero="false")
    stage.phase("False", 1000)
    stage.deployment(2)
    stage.wants(0)
    assert scaled_to(stage.plan()) == 1


def test_waking_from_zero(stage: Stage) -> None:
    stage.phase("False", 1000)
    stage.deployment(0)
    stage.ready(0)
    stage.wants(1)
    plan = stage.plan()
    assert scaled_to(plan) == 1
    assert active(plan) == ("Unknown", "Queued")


def test_a_start_that_takes_too_long_is_given_up(stage: Stage) -> None:
    stage.ready(0)
    stage.wants(0)
    stage.phase("Unknown", 629)
    plan = stage.plan()
    assert (scaled_to(plan), plan.requeue_after_s) == (None, 1)
    stage.phase("Unknown", 631)
    plan = stage.plan()
    assert scaled_to(plan) == 0
    assert active(plan) == ("False", "TimedOut")


def test_the_progress_deadline_may_be_the_revisions_own(stage: Stage) -> None:
    stage.ready(0)
    stage.wants(0)
    stage.phase("Unknown", 41)
    obj = stage.pa()
    obj["metadata"]["annotations"]["serving.knative.dev/progress-deadline"] = "10s"
    plan = PodAutoscalerReconciler(stage).desired(
        POD_AUTOSCALER.view(obj), stage.world, stage.configs, NOW
    )
    assert scaled_to(plan) == 0


def test_after_a_restart_activity_counts_from_when_we_watch(stage: Stage) -> None:
    stage.phase("True", 9999)
    stage.wants(0)
    assert stage.standing is not None
    stage.standing = Standing(stage.standing.decision, -1, NOW - timedelta(seconds=10))
    plan = stage.plan()
    assert plan.requeue_after_s == 50
    assert active(plan) == ("True", "")


def test_without_a_decision_nothing_is_forgotten(stage: Stage) -> None:
    stage.phase("True", 300, desiredScale=7)
    stage.deployment(7)
    stage.ready(7)
    plan = stage.plan()
    assert plan.patches == ()
    assert status_of(plan)["desiredScale"] == 7
    assert active(plan) == ("True", "")


def test_a_missing_deployment_is_no_error(stage: Stage) -> None:
    stage.world.drop(DEPLOYMENT, "n", "r-00001-deployment")
    stage.wants(5)
    assert stage.plan().patches == ()


# --- the ServerlessService ---
@pytest.mark.parametrize(
    ("want", "spare", "mode"),
    [(1, 0, "Serve"), (1, -1, "Proxy"), (0, 100, "Proxy"), (-1, 5, "Proxy")],
)
def test_mode(stage: Stage, want: int, spare: int, mode: str) -> None:
    stage.phase("False", 1000)
    if want >= 0:
        stage.wants(want, spare=spare)
    else:
        stage.standing = Standing(None, spare, LONG_AGO)
    child, _ = stage.plan().children
    assert child["spec"]["mode"] == mode


def test_activators(stage: Stage) -> None:
    stage.ready(30)
    child, _ = stage.plan().children
    assert child["spec"]["numActivators"] == 6  # ceil((30·10 + 211) / 100)


# --- why ---
def test_the_reason_is_told(stage: Stage) -> None:
    stage.annotations = {"max-scale": "2"}
    stage.wants(3, why="30.00 at once over 60 s at 10 a pod needs 3 pods")
    annotations = status_of(stage.plan())["annotations"]
    assert annotations == {
        "tanebi.dev/why": "max-scale makes it 2; 30.00 at once over 60 s at 10 a pod needs 3 pods",
        "tanebi.dev/scaling-mode": "stable",
    }


def test_the_reason_changes_only_with_the_number_or_the_mode(stage: Stage) -> None:
    said = {"tanebi.dev/why": "said", "tanebi.dev/scaling-mode": "stable", "foreign": "kept"}
    stage.phase("True", 300, desiredScale=2, annotations=said)
    stage.wants(2, why="measured anew")
    assert status_of(stage.plan())["annotations"] == said
    stage.wants(2, why="measured anew", mode="panic")
    annotations = status_of(stage.plan())["annotations"]
    assert (annotations["tanebi.dev/why"], annotations["foreign"]) == ("measured anew", "kept")
    stage.wants(3, why="more")
    assert status_of(stage.plan())["annotations"]["tanebi.dev/why"] == "more"


def test_metrics_service(stage: Stage) -> None:
    assert status_of(stage.plan())["metricsServiceName"] == "r-00001-private"
    stage.annotations = {"target-burst-capacity": "-1"}
    assert status_of(stage.plan())["metricsServiceName"] == ""


# --- who it is for ---
def test_foreign_classes_are_left_alone(stage: Stage) -> None:
    stage.annotations = {"class": "kpa.example.com"}
    stage.wants(9)
    assert stage.plan() == Plan(prune=False)


def test_the_class_of_kubernetes_is_refused_in_words(stage: Stage) -> None:
    stage.annotations = {"class": "hpa.autoscaling.knative.dev"}
    stage.wants(9)
    plan = stage.plan()
    assert (plan.children, plan.patches, plan.prune) == ((), (), False)
    said = {c["type"]: c for c in status_of(plan)["conditions"]}
    assert {said[t]["status"] for t in ("Ready", "Active", "ScaleTargetInitialized")} == {"False"}
    assert said["Ready"]["reason"] == "UnsupportedClass"
    assert "hpa.autoscaling.knative.dev" in said["Ready"]["message"]
    assert [note.reason for note in plan.events] == ["UnsupportedClass"]


def test_deleting_is_left_to_the_collector(stage: Stage) -> None:
    obj = stage.pa()
    obj["metadata"]["deletionTimestamp"] = ago(1)
    plan = PodAutoscalerReconciler(stage).desired(
        POD_AUTOSCALER.view(obj), stage.world, stage.configs, NOW
    )
    assert plan == Plan(prune=False)


def test_twice_changes_nothing(stage: Stage) -> None:
    stage.wants(2)
    first = stage.plan()
    stage.status = status_of(first)
    stage.deployment(2)
    second = stage.plan()
    assert second.status == first.status
    assert second.patches == ()


def test_which_changes_concern_it() -> None:
    deployments, slices = PodAutoscalerReconciler(Stage()).reads
    owned = {
        "metadata": {
            "namespace": "n",
            "name": "d",
            "ownerReferences": [{"kind": "Revision", "name": "r-00001", "controller": True}],
        }
    }
    assert list(deployments.keys(owned, World())) == [KEY]
    assert list(deployments.keys({"metadata": {"name": "d"}}, World())) == []
    slice_ = {
        "metadata": {
            "namespace": "n",
            "name": "s",
            "labels": {"kubernetes.io/service-name": "r-00001-private"},
        }
    }
    assert list(slices.keys(slice_, World())) == [KEY]
    assert list(slices.keys({"metadata": {"name": "s"}}, World())) == []

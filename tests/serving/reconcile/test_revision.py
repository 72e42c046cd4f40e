"""Revision: children, images, and what Deployment, pods and autoscaler say about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from autoscaler.api import POD_AUTOSCALER
from serving.api import REVISION
from serving.api.images import Missing, Resolved
from serving.reconcile.revision import IMAGE_FIRST_RETRY_S, IMAGE_RETRY_S, revision_of
from tanebi.api.core.kinds import DEPLOYMENT, POD, SECRET
from tanebi.api.core.kinds_identity import SERVICE_ACCOUNT
from tanebi.testing.planning import FixedConfigs


@pytest.fixture
def one(serving: Any) -> Any:
    """A revision by itself."""
    container = {"image": "dev.local/hello"}
    serving.apply(REVISION, {"metadata": {"name": "r"}, "spec": {"containers": [container]}})
    return serving


def pod(status: dict[str, Any], *, name: str = "p") -> dict[str, Any]:
    labels = {"serving.knative.dev/revision": "r"}
    meta = {"name": name, "namespace": "default", "labels": labels}
    return {"metadata": meta, "status": status}


def container_status(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "user-container", **state}]}


def run(serving: Any) -> Any:
    return serving.world.reconcile(serving.revision, "default", "r")


def test_children_are_a_deployment_an_autoscaler_and_an_image(one: Any) -> None:
    plan = run(one)
    assert [(c["kind"], c["metadata"]["name"]) for c in plan.children] == [
        ("Deployment", "r-deployment"),
        ("PodAutoscaler", "r"),
        ("Image", "r-cache-user-container"),
    ]
    assert plan.status["containerStatuses"] == [
        {"name": "user-container", "imageDigest": "dev.local/hello@sha256:1"}
    ]
    assert one.conditions(REVISION, "r") == {
        "Active": ("Unknown", "Deploying"),
        "ContainerHealthy": ("Unknown", "Deploying"),
        "Ready": ("Unknown", "Deploying"),
        "ResourcesAvailable": ("Unknown", "Deploying"),
    }


def test_an_image_that_is_not_known_yet(one: Any) -> None:
    one.images.facts.clear()
    plan = run(one)
    assert plan.children == ()
    assert plan.requeue_after_s == IMAGE_RETRY_S
    assert one.conditions(REVISION, "r")["ContainerHealthy"] == ("Unknown", "ResolvingDigests")
    one.images.facts["dev.local/hello"] = Resolved("dev.local/hello@sha256:2")
    assert run(one).children[0]["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")


def test_an_image_that_is_missing(one: Any) -> None:
    one.images.facts["dev.local/hello"] = Missing("run tanebi image build")
    plan = run(one)
    assert plan.children == ()
    assert one.conditions(REVISION, "r")["Ready"] == ("False", "ContainerMissing")
    assert (
        one.message(REVISION, "r")
        == 'Unable to fetch image "dev.local/hello": run tanebi image build'
    )


def test_an_image_by_digest_is_the_pods_business(serving: Any) -> None:
    image = "quay.io/a/b@sha256:" + "0" * 64
    spec = {"containers": [{"name": "user-container", "image": image}]}
    serving.world.put(REVISION, {"metadata": {"name": "r", "namespace": "default"}, "spec": spec})
    serving.settle()
    assert serving.status(REVISION, "r")["containerStatuses"][0]["imageDigest"] == image
    assert serving.conditions(REVISION, "r")["Ready"][1] == "Deploying"


@pytest.mark.parametrize("holder", ["revision", "account"])
def test_a_private_image_is_looked_up_with_the_secrets_for_it(serving: Any, holder: str) -> None:
    meta = {"name": "login", "namespace": "default"}
    serving.world.put(SECRET, {"metadata": meta, "data": {}})
    names = [{"name": "login"}, {"name": "none"}]
    spec: Any = {"containers": [{"name": "user-container", "image": "registry.example/a"}]}
    if holder == "revision":
        spec["imagePullSecrets"] = names
    else:
        account = {"metadata": {"name": "default", "namespace": "default"}}
        serving.world.put(SERVICE_ACCOUNT, {**account, "imagePullSecrets": names})
    serving.world.put(REVISION, {"metadata": {"name": "r", "namespace": "default"}, "spec": spec})
    serving.settle()
    assert set(serving.images.asked) == {("registry.example/a", ("login",))}


def test_an_image_is_resolved_once(one: Any) -> None:
    run(one)
    one.images.facts["dev.local/hello"] = Resolved("dev.local/hello@sha256:other")
    plan = run(one)
    assert plan.status["containerStatuses"][0]["imageDigest"] == "dev.local/hello@sha256:1"
    one.images.facts["dev.local/hello"] = Missing("removed")
    assert run(one).children != ()


def test_a_missing_image_is_looked_for_soon_and_then_less_often(one: Any) -> None:
    one.images.facts["dev.local/hello"] = Missing("no")
    found = []
    for passed_s in (0, 1, 10, 11, 60):
        one.world.now += timedelta(seconds=passed_s)
        found.append(run(one).requeue_after_s)
    assert found == [IMAGE_FIRST_RETRY_S, IMAGE_FIRST_RETRY_S, 13, 25, IMAGE_RETRY_S]


def test_replicas_are_given_at_creation_only(one: Any) -> None:
    assert run(one).children[0]["spec"]["replicas"] == 1
    assert "replicas" not in run(one).children[0]["spec"]


def test_up_and_ready(one: Any) -> None:
    run(one)
    one.pods_come_up()
    plan = run(one)
    assert one.conditions(REVISION, "r") == {
        "Active": ("True", ""),
        "ContainerHealthy": ("True", ""),
        "Ready": ("True", ""),
        "ResourcesAvailable": ("True", ""),
    }
    assert (plan.status["actualReplicas"], plan.status["desiredReplicas"]) == (1, 1)
    assert plan.status["annotations"] == {"tanebi.dev/why": "1 pods wanted"}
    assert [e.reason for e in plan.events] == ["RevisionReady"]
    assert run(one).events == ()


def test_asleep_stays_ready_and_active_is_only_information(one: Any) -> None:
    run(one)
    one.pods_come_up()
    run(one)
    one.world.set_status(DEPLOYMENT, "default", "r-deployment", {"replicas": 0})
    one.autoscaler("r", active="False", scale=0, reason="NoTraffic")
    plan = run(one)
    conditions = one.conditions(REVISION, "r")
    assert conditions["Ready"] == ("True", "")
    assert conditions["Active"] == ("False", "NoTraffic")
    active = next(c for c in plan.status["conditions"] if c["type"] == "Active")
    assert active["severity"] == "Info"
    assert plan.status["actualReplicas"] == 0
    one.autoscaler("r", active="Unknown", scale=0, reason="Queued")
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ("True", ""), "waking keeps it ready"


@pytest.mark.parametrize(
    ("status", "ready", "message"),
    [
        pytest.param(
            container_status(state={"terminated": {"exitCode": 3, "message": "boom"}}),
            ("False", "ExitCode3"),
            "Container failed with: boom",
            id="exits",
        ),
        pytest.param(
            container_status(
                state={"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 1, "message": "no module"}},
            ),
            ("False", "ExitCode1"),
            "Container failed with: no module",
            id="crash loop",
        ),
        pytest.param(
            container_status(state={"terminated": {"exitCode": 0}}),
            ("False", "ExitCode0"),
            "Container failed with: container exited with no error",
            id="clean exit",
        ),
        pytest.param(
            container_status(state={"waiting": {"reason": "ErrImagePull", "message": "no"}}),
            ("False", "ErrImagePull"),
            "no",
            id="image",
        ),
        pytest.param(
            container_status(state={"waiting": {"reason": "ContainerCreating"}}),
            ("Unknown", "Deploying"),
            "",
            id="on its way",
        ),
        pytest.param(
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "no room",
                    }
                ]
            },
            ("False", "Unschedulable"),
            "no room",
            id="unschedulable",
        ),
    ],
)
def test_why_pods_do_not_come_up(one: Any, status: Any, ready: Any, message: str) -> None:
    run(one)
    one.world.put(POD, pod(status))
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ready
    assert one.message(REVISION, "r") == message


def test_a_pod_that_waits_for_room_may_count_as_on_its_way(serving: Any) -> None:
    serving.world.configs = FixedConfigs(
        {"config-deployment": {"pod-is-always-schedulable": "true"}}
    )
    container = {"image": "dev.local/hello"}
    serving.apply(REVISION, {"metadata": {"name": "r"}, "spec": {"containers": [container]}})
    run(serving)
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    serving.world.put(POD, pod({"conditions": [unscheduled]}))
    run(serving)
    assert serving.conditions(REVISION, "r")["Ready"] == ("Unknown", "Deploying")


def test_a_revision_recovers(one: Any) -> None:
    run(one)
    one.world.put(POD, pod(container_status(state={"terminated": {"exitCode": 1}})))
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ("False", "ExitCode1")
    one.world.put(POD, pod(container_status(state={"running": {}}, ready=True)))
    one.pods_come_up()
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ("True", "")


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        (
            [("Progressing", "False", "ProgressDeadlineExceeded")],
            ("False", "ProgressDeadlineExceeded"),
        ),
        (
            [("Progressing", "True", "ok"), ("ReplicaFailure", "True", "FailedCreate")],
            ("False", "FailedCreate"),
        ),
        ([("Progressing", "Unknown", "Paused")], ("Unknown", "Deploying")),
        ([], ("Unknown", "Deploying")),
    ],
)
def test_what_the_deployment_says(one: Any, condition: Any, conditions: Any, ready: Any) -> None:
    run(one)
    listed = [condition(*c) for c in conditions]
    one.world.set_status(DEPLOYMENT, "default", "r-deployment", {"conditions": listed})
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ready


def test_an_initial_scale_that_was_never_reached(one: Any) -> None:
    run(one)
    one.autoscaler("r", active="False", scale=0, reason="TimedOut", initialized=False)
    run(one)
    assert one.conditions(REVISION, "r")["Ready"] == ("False", "ProgressDeadlineExceeded")
    assert one.message(REVISION, "r") == "Initial scale was never achieved"


@pytest.mark.parametrize(
    ("kind", "name"),
    [(DEPLOYMENT, "r-deployment"), (POD_AUTOSCALER, "r")],
    ids=["deployment", "pa"],
)
def test_what_somebody_else_owns_is_not_touched(one: Any, kind: Any, name: str) -> None:
    one.world.put(kind, {"metadata": {"name": name, "namespace": "default"}})
    plan = run(one)
    assert plan.children == ()
    assert one.conditions(REVISION, "r")["Ready"] == ("False", "NotOwned")
    assert (
        one.message(REVISION, "r")
        == f'There is an existing {kind.kind} "{name}" that we do not own.'
    )


def test_twice_changes_nothing(one: Any) -> None:
    run(one)
    one.pods_come_up()
    run(one)
    assert run(one) == one.world.plan(one.revision, "default", "r")


def test_a_pod_leads_to_its_revision(one: Any) -> None:
    assert [str(key) for key in revision_of(pod({}), one.world)] == ["default/r"]
    assert list(revision_of({"metadata": {"name": "x"}}, one.world)) == []


def test_a_revision_on_its_way_out_is_left_alone(one: Any) -> None:
    one.world.raw(REVISION, "default", "r")["metadata"]["deletionTimestamp"] = (
        "2026-01-01T00:00:00Z"
    )
    assert run(one).children == ()


def test_where_its_output_is_shown(one: Any) -> None:
    template = {"logging.revision-url-template": "http://logs/${REVISION_UID}"}
    one.world.configs = FixedConfigs({"config-observability": template})
    run(one)
    uid = one.world.raw(REVISION, "default", "r")["metadata"]["uid"]
    assert one.status(REVISION, "r")["logUrl"] == f"http://logs/{uid}"
    one.world.configs = FixedConfigs()
    run(one)
    assert "logUrl" not in one.status(REVISION, "r")

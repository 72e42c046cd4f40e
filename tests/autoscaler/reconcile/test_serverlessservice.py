"""The two Services of a revision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.api import SERVERLESS_SERVICE
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler, inherited
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, SERVICE
from tanebi.api.meta import Obj
from tanebi.kube.diff import DESIRED_HASH
from tanebi.kube.plan import Plan
from tanebi.testing.world import StandingConfigs, World

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def run(world: World, *, mode: str = "Proxy", protocol: str = "http1") -> Plan:
    obj = {
        "apiVersion": SERVERLESS_SERVICE.api_version,
        "kind": "ServerlessService",
        "metadata": {"namespace": "n", "name": "r", "uid": "u", "labels": {"app": "r"}},
        "spec": {
            "mode": mode,
            "protocolType": protocol,
            "objectRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r-deployment"},
        },
    }
    view = SERVERLESS_SERVICE.view(obj)
    return ServerlessServiceReconciler().desired(view, world, StandingConfigs(), NOW)


def with_target(*, ready: int = 0) -> World:
    world = World()
    world.put(
        DEPLOYMENT,
        {
            "metadata": {"namespace": "n", "name": "r-deployment"},
            "spec": {"selector": {"matchLabels": {"serving.knative.dev/revisionUID": "7"}}},
        },
    )
    if ready:
        world.put(
            ENDPOINT_SLICE,
            {
                "metadata": {
                    "namespace": "n",
                    "name": "x",
                    "labels": {"kubernetes.io/service-name": "r-private"},
                },
                "endpoints": [{"conditions": {"ready": True}}] * ready,
            },
        )
    return world


def conditions(plan: Plan) -> dict[str, tuple[str, str]]:
    assert plan.status is not None
    return {c["type"]: (c["status"], c.get("reason", "")) for c in plan.status["conditions"]}


@pytest.mark.parametrize(
    ("protocol", "public", "private"),
    [
        (
            "http1",
            {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8012},
            {"name": "http", "protocol": "TCP", "port": 80, "targetPort": "user-port"},
        ),
        (
            "h2c",
            {
                "name": "http2",
                "protocol": "TCP",
                "port": 81,
                "appProtocol": "kubernetes.io/h2c",
                "targetPort": 8013,
            },
            {
                "name": "http2",
                "protocol": "TCP",
                "port": 80,
                "appProtocol": "kubernetes.io/h2c",
                "targetPort": "user-port",
            },
        ),
    ],
)
def test_two_services(protocol: str, public: Obj, private: Obj) -> None:
    plan = run(with_target(), protocol=protocol)
    one, other = plan.children
    assert (one["metadata"]["name"], other["metadata"]["name"]) == ("r", "r-private")
    assert one["metadata"]["labels"] == {
        "app": "r",
        "networking.internal.knative.dev/serverlessservice": "r",
        "networking.internal.knative.dev/serviceType": "Public",
    }
    assert other["metadata"]["labels"]["networking.internal.knative.dev/serviceType"] == "Private"
    assert one["spec"]["ports"] == [public]
    assert "selector" not in one["spec"]
    assert other["spec"]["ports"] == [private]
    assert other["spec"]["selector"] == {"serving.knative.dev/revisionUID": "7"}
    for child in plan.children:
        SERVICE.view(child)
        assert child["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert plan.status is not None
    assert plan.status["serviceName"] == "r"
    assert plan.status["privateServiceName"] == "r-private"


@pytest.mark.parametrize(
    ("world", "mode", "populated", "proxied"),
    [
        (with_target(), "Proxy", ("Unknown", "NoHealthyBackends"), "True"),
        (with_target(), "Serve", ("Unknown", "NoHealthyBackends"), "True"),
        (with_target(ready=2), "Proxy", ("True", ""), "True"),
        (with_target(ready=2), "Serve", ("True", ""), "False"),
    ],
)
def test_conditions(world: World, mode: str, populated: Any, proxied: str) -> None:
    found = conditions(run(world, mode=mode))
    assert found["EndpointsPopulated"] == found["Ready"] == populated
    assert found["ActivatorEndpointsPopulated"][0] == proxied


def test_without_a_target_there_is_only_the_public_name() -> None:
    plan = run(World())
    assert [c["metadata"]["name"] for c in plan.children] == ["r"]
    assert conditions(plan)["Ready"] == ("Unknown", "UpdatingPrivateService")
    assert not plan.prune


@pytest.mark.parametrize("name", ["r", "r-private"])
def test_a_foreign_service_is_not_touched(name: str) -> None:
    world = with_target()
    world.put(SERVICE, {"metadata": {"namespace": "n", "name": name}})
    plan = run(world)
    assert plan.children == ()
    assert conditions(plan)["Ready"] == ("False", "NotOwned")


def test_what_the_engine_notes_about_an_owner_stays_with_it() -> None:
    assert inherited({"a": "1", DESIRED_HASH: "x"}) == {"a": "1"}


def test_deleting_is_left_to_the_collector() -> None:
    obj = {"metadata": {"namespace": "n", "name": "r", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    view = SERVERLESS_SERVICE.view(obj)
    plan = ServerlessServiceReconciler().desired(view, World(), StandingConfigs(), NOW)
    assert plan == Plan(prune=False)

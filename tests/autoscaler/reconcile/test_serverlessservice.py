"""The two Services of a revision."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.api import SERVERLESS_SERVICE
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler, inherited
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, ENDPOINTS, SERVICE
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
                "ports": [{"name": "http", "port": 20001}],
                "endpoints": [
                    {"addresses": [f"10.1.0.{n}"], "conditions": {"ready": True}}
                    for n in range(ready)
                ]
                + [{"addresses": ["10.1.0.99"], "conditions": {"ready": False}}],
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
    one, other, _ = plan.children
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
    for child in (one, other):
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


def with_activators(world: World) -> World:
    ports = [{"name": "http", "port": 80}, {"name": "http2", "port": 81}]
    addresses = [{"ip": "10.0.0.2"}, {"ip": "10.0.0.1"}]
    world.put(
        ENDPOINTS,
        {
            "metadata": {"namespace": "knative-serving", "name": "activator-service"},
            "subsets": [{"addresses": addresses, "ports": ports}],
        },
    )
    return world


@pytest.mark.parametrize(
    ("mode", "ready", "protocol", "ips", "port"),
    [
        ("Proxy", 2, "http1", ["10.0.0.1", "10.0.0.2"], ("http", 80)),
        ("Serve", 0, "h2c", ["10.0.0.1", "10.0.0.2"], ("http2", 81)),
        ("Serve", 2, "http1", ["10.1.0.0", "10.1.0.1"], ("http", 20001)),
        ("Serve", 1, "h2c", ["10.1.0.0"], ("http2", 20001)),
    ],
)
def test_the_public_name_shows_the_activators_or_the_pods(
    mode: str, ready: int, protocol: str, ips: list[str], port: tuple[str, int]
) -> None:
    endpoints = run(with_activators(with_target(ready=ready)), mode=mode, protocol=protocol)
    found = ENDPOINTS.view(endpoints.children[-1])
    assert found.metadata.name == "r"
    (subset,) = found.subsets
    assert [address.ip for address in subset.addresses] == ips
    assert [(p.name, p.port) for p in subset.ports] == [port]


def test_the_activators_concern_all() -> None:
    world = with_activators(World())
    world.put(SERVERLESS_SERVICE, {"metadata": {"namespace": "n", "name": "r"}})
    reads = ServerlessServiceReconciler().reads[-1]
    activators = world.raw(ENDPOINTS, "knative-serving", "activator-service")
    assert activators is not None
    assert list(reads.keys(activators, world)) == [("n", "r")]
    other = {"metadata": {"namespace": "n", "name": "activator-service"}}
    assert list(reads.keys(other, world)) == []

"""The Services that give a Route its names inside."""

from __future__ import annotations

from activator.api.ingress import INGRESS
from serving.api import ROUTE
from serving.api.names import GATEWAY_HOST
from serving.reconcile.domains import hosts_of
from serving.reconcile.resources.placeholders import gateway_of, make_placeholder
from tanebi.api.core.kinds import SERVICE
from tanebi.testing.planning import PlanningWorld


def test_it_points_at_the_gateway() -> None:
    world = PlanningWorld()
    labels = {"team": "a", "networking.knative.dev/visibility": "cluster-local"}
    meta = {"name": "r", "namespace": "n", "uid": "u", "labels": labels}
    hosts = hosts_of(ROUTE.view({"metadata": meta}), world, world.configs)
    made = make_placeholder(hosts, "v1", gateway="gate")
    SERVICE.view(made)
    assert made["metadata"]["name"] == "v1-r"
    assert made["metadata"]["labels"] == {"team": "a", "serving.knative.dev/route": "r"}
    assert (made["spec"]["type"], made["spec"]["externalName"]) == ("ExternalName", "gate")


def test_where_the_gateway_is() -> None:
    assert gateway_of(None) == GATEWAY_HOST
    balancer = {"ingress": [{"domainInternal": "inner.example"}]}
    ingress = INGRESS.view({"status": {"privateLoadBalancer": balancer}})
    assert gateway_of(ingress) == "inner.example"
    assert gateway_of(INGRESS.view({})) == GATEWAY_HOST

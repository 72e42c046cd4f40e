"""What clients look for in knative-serving and kourier-system."""

from __future__ import annotations

import pytest

from serving.reconcile.resources.system import gateway_services, part_deployments, part_services
from tanebi.api.core.kinds import DEPLOYMENT, SERVICE


@pytest.mark.parametrize(
    ("host", "entry"),
    [("127.0.0.1", {"ip": "127.0.0.1"}), ("::1", {"ip": "::1"}), ("box", {"hostname": "box"})],
)
def test_the_gateway_is_a_load_balancer_at_its_port(host: str, entry: dict[str, str]) -> None:
    made = {one["metadata"]["name"]: one for one in gateway_services(host, 8080)}
    assert list(made) == ["tanebi-gateway", "kourier", "kourier-internal"]
    kourier = made["kourier"]
    SERVICE.view(kourier)
    assert kourier["metadata"]["namespace"] == "kourier-system"
    assert kourier["spec"]["type"] == "LoadBalancer"
    assert kourier["spec"]["ports"][0]["nodePort"] == 8080
    assert kourier["status"]["loadBalancer"]["ingress"] == [entry]
    assert "status" not in made["kourier-internal"]


def test_https_has_a_port_where_it_is_served() -> None:
    for service in gateway_services("127.0.0.1", 8080, 8443):
        ports = {p["name"]: (p["port"], p["targetPort"]) for p in service["spec"]["ports"]}
        assert ports == {"http2": (80, 8080), "https": (443, 8443)}


def test_the_parts() -> None:
    services = {one["metadata"]["name"] for one in part_services()}
    assert services == {"activator-service", "autoscaler", "controller", "webhook"}
    deployments = list(part_deployments())
    names = [DEPLOYMENT.view(one).metadata.name for one in deployments]
    assert names == ["activator", "autoscaler", "controller", "webhook"]
    assert {one["spec"]["replicas"] for one in deployments} == {0}
    assert all(
        "process" in one["metadata"]["annotations"]["tanebi.dev/note"] for one in deployments
    )

"""Knative's networking API used directly: an Ingress of somebody's own, to a Service that is no revision."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.conformance.serving.driving import IMAGE, Client, eventually, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

NETWORKING: Final = "/apis/networking.internal.knative.dev/v1alpha1"
CORE: Final = "/api/v1"
CLASS: Final = "networking.knative.dev/ingress-class"
PLAIN: Final = {"app": "plain"}


def ingress(name: str, *, class_: str, port: int | str = "web") -> Any:
    split = {"serviceName": "plain", "serviceNamespace": "default", "servicePort": port}
    path = {"splits": [{**split, "percent": 100}], "appendHeaders": {"X-Set": "by the route"}}
    rule = {
        "hosts": [f"{name}.example.com"],
        "visibility": "ExternalIP",
        "http": {"paths": [{**path, "path": "/seen"}]},
    }
    meta = {"name": name, "annotations": {CLASS: class_}}
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": meta,
        "spec": {"rules": [rule], "httpOption": "Enabled"},
    }


@pytest.fixture(scope="module")
def plain(client: Client) -> None:
    """A pod of one's own with a Service."""
    container = {"name": "c", "image": IMAGE, "env": [{"name": "PORT", "value": "18099"}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "plain", "labels": PLAIN},
        "spec": {"containers": [container]},
    }
    ports = [{"name": "web", "port": 8000, "targetPort": 18099}]
    made = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "plain"},
        "spec": {"selector": PLAIN, "ports": ports},
    }
    client.create(pod, "pods", base=CORE)
    client.create(made, "services", base=CORE)


def asked(client: Client, host: str, path: str = "/seen", **headers: str) -> Any:
    return client.http.get(f"{client.platform.gateway}{path}", headers={"Host": host, **headers})


@pytest.mark.parametrize(("name", "port"), [("by-name", "web"), ("by-number", 8000)])
@pytest.mark.usefixtures("plain")
def test_an_ingress_leads_to_any_service(client: Client, name: str, port: int | str) -> None:
    obj = ingress(name, class_="kourier.ingress.networking.knative.dev", port=port)
    client.create(obj, "ingresses", base=NETWORKING)

    def ready() -> Any:
        status = client.get(name, "ingresses", base=NETWORKING).get("status") or {}
        found = {c["type"]: c["status"] for c in status.get("conditions") or ()}
        return status if found.get("Ready") == "True" else None

    status = eventually(ready, what="the Ingress is ready")
    assert status["publicLoadBalancer"]["ingress"][0]["domainInternal"]
    host = f"{name}.example.com"
    eventually(lambda: asked(client, host).status_code == 200, what="it is served")
    answer = asked(client, host, **{"X-Set": "by the client"})
    values = [value for key, value in answer.json()["headers"] if key.lower() == "x-set"]
    assert values == ["by the route"]
    assert asked(client, host, "/elsewhere").status_code == 404


@pytest.mark.usefixtures("plain")
def test_an_ingress_of_another_class_is_left_alone(client: Client) -> None:
    client.create(ingress("foreign", class_="other.example.com"), "ingresses", base=NETWORKING)
    client.create(service("after"))
    client.ready("after")  # whatever came before has been seen by then
    assert asked(client, "foreign.example.com").status_code == 404
    assert "status" not in client.get("foreign", "ingresses", base=NETWORKING)


def test_a_revision_shows_who_serves_it(client: Client) -> None:
    client.create(service("shown"))
    client.ready("shown")
    activators = client.api.get(f"{CORE}/namespaces/knative-serving/endpoints/activator-service")
    ips = [a["ip"] for s in activators.json()["subsets"] for a in s["addresses"]]

    def told() -> list[str]:
        found = client.get("shown-00001", "endpoints", base=CORE).get("subsets") or ()
        return [a["ip"] for s in found for a in s["addresses"]]

    eventually(lambda: told() == ips, what="the activator's address")

"""Addresses and node ports of Services."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.addresses import NETWORK
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
PATH = "/api/v1/namespaces/default/services"


def service(name: str = "web", **spec: Any) -> Obj:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}


async def test_a_service_gets_an_address_and_keeps_it(api: Api) -> None:
    made = await api.ok("POST", PATH, service())
    address = made["spec"]["clusterIP"]
    assert ipaddress.ip_address(address) in NETWORK
    assert made["spec"]["clusterIPs"] == [address]
    changed = service(selector={"a": "b"})
    changed["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    again = await api.ok("PUT", f"{PATH}/web", changed)
    assert again["spec"]["clusterIP"] == address
    moved = service(clusterIP="10.96.1.1")
    refused = await api.refused(422, "PUT", f"{PATH}/web", moved)
    assert "may not change once set" in refused["message"]


async def test_nobody_has_the_same_address(api: Api) -> None:
    found = {(await api.ok("POST", PATH, service(f"s{i}")))["spec"]["clusterIP"] for i in range(50)}
    assert len(found) == 50
    taken = found.pop()
    refused = await api.refused(422, "POST", PATH, service("x", clusterIP=taken))
    assert "provided IP is already allocated" in refused["message"]
    refused = await api.refused(422, "POST", PATH, service("x", clusterIP="192.168.1.1"))
    assert "does not match the current range" in refused["message"]
    refused = await api.refused(422, "POST", PATH, service("x", clusterIP="nine"))
    assert "must be a valid IP address" in refused["message"]


async def test_an_address_is_free_again_with_its_service(api: Api) -> None:
    made = await api.ok("POST", PATH, service(clusterIP="10.96.7.7"))
    await api.ok("DELETE", f"{PATH}/web")
    assert made["spec"]["clusterIP"] == "10.96.7.7"
    await api.ok("POST", PATH, service("other", clusterIP="10.96.7.7"))


async def test_headless_and_external(api: Api) -> None:
    headless = await api.ok("POST", PATH, service("h", clusterIP="None"))
    assert headless["spec"]["clusterIPs"] == ["None"]
    external = service("e", type="ExternalName", externalName="example.org")
    assert "clusterIP" not in (await api.ok("POST", PATH, external))["spec"]


async def test_node_ports(api: Api) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81, "nodePort": 30123}]
    made = await api.ok("POST", PATH, service("n", type="NodePort", ports=ports))
    first, second = (port["nodePort"] for port in made["spec"]["ports"])
    assert first in range(30000, 32768)
    assert second == 30123
    clash = service("m", type="NodePort", ports=[{"port": 80, "nodePort": 30123}])
    refused = await api.refused(422, "POST", PATH, clash)
    assert "provided port is already allocated" in refused["message"]
    outside = service("m", type="NodePort", ports=[{"port": 80, "nodePort": 80}])
    refused = await api.refused(422, "POST", PATH, outside)
    assert "30000-32767" in refused["message"]
    made["spec"]["ports"] = [{"name": "a", "port": 80}]
    again = await api.ok("PUT", f"{PATH}/n", made)
    assert again["spec"]["ports"][0]["nodePort"] == first


async def test_a_node_port_goes_with_the_type(api: Api) -> None:
    made = await api.ok("POST", PATH, service(type="NodePort"))
    assert made["spec"]["ports"][0]["nodePort"]
    moved = {**made, "spec": {**made["spec"], "type": "ClusterIP"}}
    found = await api.ok("PUT", f"{PATH}/{made['metadata']['name']}", moved)
    assert "nodePort" not in found["spec"]["ports"][0]

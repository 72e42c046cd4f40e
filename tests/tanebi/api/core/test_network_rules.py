"""Service and EndpointSlice: defaults, rules, columns."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from tanebi.api.core.network_rules import (
    ENDPOINT_SLICE_COLUMNS,
    SERVICE_COLUMNS,
    default_endpoint_slice,
    default_service,
    validate_endpoint_slice,
    validate_service,
)
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems

NOBODY: Any = None
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATE = Admission("CREATE", "somebody", NOW, NOBODY)


def service(*ports: Obj, **spec: Any) -> Obj:
    whole = {"ports": list(ports) or [{"port": 80}], **spec}
    return default_service({"metadata": {"name": "s"}, "spec": whole}, None, CREATE)


def test_defaults() -> None:
    assert service({"port": 80}, {"port": 81, "targetPort": "web"})["spec"] == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [
            {"port": 80, "protocol": "TCP", "targetPort": 80},
            {"port": 81, "protocol": "TCP", "targetPort": "web"},
        ],
    }
    external = service(type="ExternalName", externalName="x.example.com")["spec"]
    assert "ipFamilies" not in external
    assert external["ports"] == [{"port": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (service(), ""),
        (service(type="ExternalName", externalName="x", ports=[]), ""),
        (service(clusterIP="None", ports=[]), ""),
        (service(ports=[]), "Required value: spec.ports"),
        (service(type="ExternalName"), "Required value: spec.externalName"),
        (
            service(type="NodePort", clusterIP="None"),
            "may not be set to 'None' for NodePort services",
        ),
        (service({"port": 1, "nodePort": 30000}), "may not be used when `type` is 'ClusterIP'"),
        (
            service(externalTrafficPolicy="Local"),
            "may only be set for externally-accessible services",
        ),
        (service(externalIPs=["192.0.2.1"], externalTrafficPolicy="Local"), ""),
        (service(type="NodePort", externalTrafficPolicy="X"), "spec.externalTrafficPolicy"),
        (service(internalTrafficPolicy="X"), "spec.internalTrafficPolicy"),
        (service(ipFamilyPolicy="X"), "spec.ipFamilyPolicy"),
        (
            service(allocateLoadBalancerNodePorts=True),
            "may only be used when `type` is 'LoadBalancer'",
        ),
        (service({"port": 1, "targetPort": "BAD"}), "must contain only alpha-numeric"),
        (
            service({"port": 1, "name": "a"}, {"port": 1, "name": "b"}),
            'Duplicate value: core.ServicePort{Name:"", Protocol:"TCP"',
        ),
        (service(type="Magic"), 'Unsupported value: "Magic"'),
        (service(sessionAffinity="Me"), 'Unsupported value: "Me"'),
        (
            service({"port": 0}),
            "Invalid value: 0: must be between 1 and 65535, inclusive: spec.ports[0].port",
        ),
        (service({"port": 1, "targetPort": 99999}), "spec.ports[0].targetPort"),
        (
            service({"port": 1}, {"port": 2}),
            "Required value: spec.ports[0].name, spec.ports[1].name",
        ),
        (
            service({"name": "a", "port": 1}, {"name": "a", "port": 2}),
            'Duplicate value: "a": spec.ports[1].name',
        ),
        (service({"name": "A b", "port": 1}), 'Invalid value: "A b"'),
        (service({"port": 1, "protocol": "ICMP"}), 'Unsupported value: "ICMP"'),
    ],
)
def test_rules(obj: Obj, words: str) -> None:
    found = render(validate_service(SERVICE.view(obj), None, CREATE))
    assert words in found
    assert bool(words) == bool(found)


def slice_of(**fields: Any) -> Obj:
    whole = {"addressType": "IPv4", "endpoints": [{"addresses": ["127.0.0.1"]}], **fields}
    return default_endpoint_slice(whole, None, CREATE)


def test_slices() -> None:
    assert slice_of(ports=[{"port": 1}])["ports"] == [{"port": 1, "name": "", "protocol": "TCP"}]
    old = ENDPOINT_SLICE.view(slice_of())

    def told(**fields: Any) -> str:
        view = ENDPOINT_SLICE.view(slice_of(**fields))
        return render(validate_endpoint_slice(view, old, CREATE))

    assert told() == ""
    assert "field is immutable: addressType" in told(addressType="IPv6")
    assert "Unsupported value" in told(addressType="Carrier")
    assert told(endpoints=[{}]) == (
        "Required value: must contain at least 1 address: endpoints[0].addresses"
    )
    assert told(endpoints=[{"addresses": ["127.0.0.1"]}]) == ""
    assert "must be a valid IPv4 address" in told(endpoints=[{"addresses": ["::1"]}])
    assert "must be a valid IP address" in told(endpoints=[{"addresses": ["x"]}])
    assert "RFC 1123" in told(addressType="FQDN", endpoints=[{"addresses": ["X"]}])


def test_a_service_gives_back_what_it_had_as_another_kind() -> None:
    old = service({"port": 80, "nodePort": 30000}, type="LoadBalancer")
    assert old["spec"]["externalTrafficPolicy"] == "Cluster"
    assert old["spec"]["allocateLoadBalancerNodePorts"] is True
    asked = {"metadata": {"name": "s"}, "spec": {**copy.deepcopy(old["spec"]), "type": "ClusterIP"}}
    new = default_service(asked, old, CREATE)["spec"]
    assert "externalTrafficPolicy" not in new
    assert "allocateLoadBalancerNodePorts" not in new
    assert "nodePort" not in new["ports"][0]


def row(columns: tuple[Column, ...], obj: Obj) -> dict[str, Any]:
    return {c.name: c.cell(obj, NOW) for c in columns if c.cell is not None}


def test_rows() -> None:
    assert row(SERVICE_COLUMNS, service({"port": 80, "nodePort": 30000}, {"port": 81})) == {
        "Cluster-IP": "<none>",
        "External-IP": "<none>",
        "Port(s)": "80:30000/TCP,81/TCP",
        "Selector": "<none>",
    }
    external = service(
        type="ExternalName", externalName="x.example.com", selector={"b": "1", "a": "2"}
    )
    assert row(SERVICE_COLUMNS, external)["External-IP"] == "x.example.com"
    assert row(SERVICE_COLUMNS, external)["Selector"] == "a=2,b=1"
    assert row(SERVICE_COLUMNS, service(type="LoadBalancer"))["External-IP"] == "<pending>"
    balanced = service(type="LoadBalancer") | {
        "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}}
    }
    assert row(SERVICE_COLUMNS, balanced)["External-IP"] == "1.1.1.1"


def test_long_lists_are_counted() -> None:
    endpoints = [{"addresses": [f"10.0.0.{i}"]} for i in range(5)]
    shown = row(ENDPOINT_SLICE_COLUMNS, slice_of(endpoints=endpoints))
    assert shown == {"Ports": "<unset>", "Endpoints": "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more..."}


def test_endpoints() -> None:
    address = {"ip": "10.0.0.1"}
    good = {"subsets": [{"addresses": [address], "ports": [{"port": 80}]}]}
    done = complete(ENDPOINTS, good)
    assert done["subsets"][0]["ports"][0]["protocol"] == "TCP"
    assert problems(ENDPOINTS, good) == ""
    assert "must specify `addresses`" in problems(ENDPOINTS, {"subsets": [{}]})
    assert "valid IP address" in problems(ENDPOINTS, {"subsets": [{"addresses": [{"ip": "x"}]}]})
    bad = {"subsets": [{"addresses": [address], "ports": [{"port": 0}]}]}
    assert "between 1 and 65535" in problems(ENDPOINTS, bad)
    assert cells(ENDPOINTS, done)["Endpoints"] == "10.0.0.1:80"
    assert cells(ENDPOINTS, {})["Endpoints"] == "<none>"

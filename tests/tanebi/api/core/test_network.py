"""The typed views of Service and EndpointSlice."""

from __future__ import annotations

from tanebi.api.core.kinds import ENDPOINT_SLICE, SERVICE
from tanebi.api.meta import unknown_fields


def test_names_with_odd_capitals() -> None:
    service = SERVICE.view(
        {"spec": {"clusterIP": "None", "clusterIPs": ["None"], "externalIPs": ["1.2.3.4"]}}
    )
    assert unknown_fields(service) == []
    assert service.spec.cluster_ip == "None"


def test_a_target_port_is_a_number_a_name_or_nothing() -> None:
    ports = [{"port": 80}, {"port": 80, "targetPort": "web"}, {"port": 80, "targetPort": 8080}]
    found = SERVICE.view({"spec": {"ports": ports}})
    assert [port.target_port for port in found.spec.ports] == [None, "web", 8080]


def test_endpoints() -> None:
    found = ENDPOINT_SLICE.view(
        {
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
            "ports": [{"name": "http", "port": 80}],
        }
    )
    assert unknown_fields(found) == []
    assert found.endpoints[0].conditions.ready is True
    assert found.endpoints[0].conditions.terminating is None

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE, SERVICE
from tanebi.api.core.network import EndpointSlice, Service
from tanebi.kubelet.dns import Named
from tanebi.kubelet.dnsworld import named, world_of

GATEWAY = "10.201.0.1"
HTTP = ("http", "TCP", 80)


def service(port: int = 80, **spec: Any) -> Service:
    return SERVICE.view(
        {
            "metadata": {"name": "web", "namespace": "ns"},
            "spec": {"ports": [{"name": "http", "port": port}], **spec},
        }
    )


def slices(*addresses: str, port: int = 80, **endpoint: Any) -> list[EndpointSlice]:
    body = {
        "metadata": {
            "name": "web-1",
            "namespace": "ns",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "ports": [{"name": "http", "protocol": "TCP", "port": port}],
        "endpoints": [
            {"addresses": [a], "conditions": {"ready": True}, **endpoint} for a in addresses
        ],
    }
    return [ENDPOINT_SLICE.view(body)]


@pytest.mark.parametrize(
    ("found", "where", "wanted"),
    [
        (service(), slices("10.0.0.2", "10.0.0.3"), Named(("10.0.0.2", "10.0.0.3"), (HTTP,))),
        (service(), slices("10.0.0.2", port=8080), Named((GATEWAY,), (HTTP,))),
        (service(), [], Named((GATEWAY,), (HTTP,))),
        (service(clusterIP="None"), [], Named((), (HTTP,))),
        (service(clusterIP="None"), slices("10.0.0.2", port=8080), Named(("10.0.0.2",), (HTTP,))),
        (service(), slices("example.com"), Named((GATEWAY,), (HTTP,))),
        (service(), slices("10.0.0.2", conditions={"ready": False}), Named((GATEWAY,), (HTTP,))),
        (
            service(clusterIP="None"),
            slices("10.0.0.2", hostname="web-0"),
            Named(("10.0.0.2",), (HTTP,), hosts={"web-0": "10.0.0.2"}),
        ),
        (service(type="ExternalName", externalName="a.b"), [], Named(alias="a.b")),
    ],
)
def test_what_a_service_stands_for(
    found: Service, where: list[EndpointSlice], wanted: Named
) -> None:
    assert named(found, where, gateway=GATEWAY) == wanted


class OneService:
    def get(self, kind: Any, namespace: str, name: str) -> Service | None:
        return service(clusterIP="10.96.0.9") if (namespace, name) == ("ns", "web") else None

    def list(self, kind: Any, namespace: str | None) -> list[Any]:
        if kind is SERVICE:
            return [service(clusterIP="10.96.0.9")]
        other = {"kubernetes.io/service-name": "other"}
        strange = slices("10.9.9.9")[0].model_copy(deep=True)
        strange.metadata.labels.update(other)
        return [*slices("10.0.0.2"), strange]


def test_the_world_is_what_the_cache_has() -> None:
    cache: Any = OneService()
    for routed, address in ((True, "10.0.0.2"), (False, "10.96.0.9")):
        world = world_of(
            cache,
            domain="cluster.local",
            gateway=GATEWAY,
            fixed=("x.y",),
            routed=lambda labels, routed=routed: routed,  # type: ignore[misc]
        )
        assert world.service("ns", "web") == Named((address,), (HTTP,))
        assert world.name_of("10.96.0.9") == "web.ns.svc"
        assert world.name_of("10.0.0.2") == "10-0-0-2.web.ns.svc"
        assert world.name_of("10.0.0.7") == ""
    assert world.service("ns", "none") is None
    assert world.fixed == {"x.y": GATEWAY}

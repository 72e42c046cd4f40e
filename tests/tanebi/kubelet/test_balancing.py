"""Where connections to Services go."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from tanebi.api.core.kinds import ENDPOINT_SLICE, POD, SERVICE
from tanebi.api.core.network import EndpointSlice, Service
from tanebi.kubelet.balancing import balanced
from tanebi.kubelet.netlink import TCP, UDP, Balanced

WEB = IPv4Address("10.96.0.9")
ONE, TWO = (IPv4Address(f"10.0.0.{i}") for i in (1, 2))


def service(*ports: dict[str, Any], **spec: Any) -> Service:
    listed = list(ports) or [{"name": "http", "port": 80}]
    return SERVICE.view(
        {
            "metadata": {"name": "web", "namespace": "ns"},
            "spec": {"clusterIP": str(WEB), "ports": listed, **spec},
        }
    )


def slice_of(*conditions: dict[str, bool], **fields: Any) -> EndpointSlice:
    return ENDPOINT_SLICE.view(
        {
            "metadata": {
                "namespace": "ns",
                "name": "s",
                "labels": {"kubernetes.io/service-name": "web"},
            },
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [
                {"addresses": [f"10.0.0.{i}"], "conditions": c} for i, c in enumerate(conditions, 1)
            ],
            **fields,
        }
    )


READY, NOT_READY = {"ready": True}, {"ready": False}
ENDING = {"ready": False, "serving": True, "terminating": True}


@pytest.mark.parametrize(
    ("found", "where", "rules"),
    [
        (service(), slice_of(READY, READY), [Balanced(TCP, WEB, 80, ((ONE, 8080), (TWO, 8080)))]),
        (service(), slice_of(NOT_READY, READY), [Balanced(TCP, WEB, 80, ((TWO, 8080),))]),
        (service(), slice_of(ENDING), [Balanced(TCP, WEB, 80, ((ONE, 8080),))]),
        (service(), slice_of(NOT_READY), [Balanced(TCP, WEB, 80, ())]),
        (service({"name": "other", "port": 80}), slice_of(READY), [Balanced(TCP, WEB, 80, ())]),
        (
            service(sessionAffinity="ClientIP"),
            slice_of(READY),
            [Balanced(TCP, WEB, 80, ((ONE, 8080),), sticky=True)],
        ),
        (
            service({"name": "http", "port": 80, "nodePort": 30001}, type="NodePort"),
            slice_of(READY),
            [
                Balanced(TCP, WEB, 80, ((ONE, 8080),)),
                Balanced(TCP, None, 30001, ((ONE, 8080),)),
            ],
        ),
        (
            service({"name": "dns", "port": 53, "protocol": "UDP"}, externalIPs=["10.1.1.1", "x"]),
            slice_of(READY, ports=[{"name": "dns", "port": 5353, "protocol": "UDP"}]),
            [
                Balanced(UDP, WEB, 53, ((ONE, 5353),)),
                Balanced(UDP, IPv4Address("10.1.1.1"), 53, ((ONE, 5353),)),
            ],
        ),
        (service({"name": "http", "port": 80, "protocol": "SCTP"}), slice_of(READY), []),
        (service(clusterIP="None"), slice_of(READY), []),
        (service(type="ExternalName"), slice_of(READY), []),
        (
            service(),
            slice_of(endpoints=[{"addresses": ["127.0.0.1"], "conditions": READY}]),
            [],
        ),
    ],
)
def test_services(found: Service, where: EndpointSlice, rules: list[Balanced]) -> None:
    assert list(balanced([found], [where], [])) == rules


@pytest.mark.parametrize(
    ("ip", "port", "rules"),
    [
        ("10.0.0.1", {"hostPort": 99}, [Balanced(TCP, None, 99, ((ONE, 80),))]),
        (
            "10.0.0.1",
            {"hostPort": 99, "hostIP": "0.0.0.0"},
            [Balanced(TCP, None, 99, ((ONE, 80),))],
        ),
        (
            "10.0.0.1",
            {"hostPort": 99, "hostIP": "10.9.9.9", "protocol": "UDP"},
            [Balanced(UDP, IPv4Address("10.9.9.9"), 99, ((ONE, 80),))],
        ),
        ("10.0.0.1", {}, []),
        ("127.0.0.1", {"hostPort": 99}, []),
        ("", {"hostPort": 99}, []),
    ],
)
def test_host_ports(ip: str, port: dict[str, Any], rules: list[Balanced]) -> None:
    container = {"name": "c", "ports": [{"containerPort": 80, **port}]}
    pod = POD.view({"spec": {"containers": [container]}, "status": {"podIP": ip}})
    assert list(balanced([], [], [pod])) == rules

"""Endpoints and EndpointSlices say the same."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from tanebi.api.meta import Key, Obj
from tanebi.kubelet.endpointmirror import (
    ADDRESSES_MAX,
    EndpointsReconciler,
    MirrorReconciler,
)
from tanebi.testing.planning import PlanningWorld

PORT = {"name": "http", "port": 8080, "protocol": "TCP"}


def world(**spec: Any) -> PlanningWorld:
    found = PlanningWorld()
    found.put(SERVICE, {"metadata": {"name": "web", "namespace": "ns"}, "spec": spec})
    return found


def put_slice(found: PlanningWorld, *endpoints: Obj) -> Obj:
    labels = {"kubernetes.io/service-name": "web"}
    meta = {"name": "web-1", "namespace": "ns", "labels": labels}
    return found.put(
        ENDPOINT_SLICE,
        {"metadata": meta, "addressType": "IPv4", "ports": [PORT], "endpoints": list(endpoints)},
    )


def endpoint(ip: str, *, ready: bool = True, terminating: bool = False) -> Obj:
    ref = {"kind": "Pod", "name": "p", "namespace": "ns", "uid": "u"}
    conditions = {"ready": ready, "terminating": terminating}
    return {"addresses": [ip], "conditions": conditions, "targetRef": ref, "nodeName": "here"}


def test_endpoints_of_a_service() -> None:
    here = world(selector={"a": "b"})
    raw = put_slice(
        here, endpoint("1.1.1.1"), endpoint("1.1.1.2", ready=False), endpoint("3", terminating=True)
    )
    (made,) = here.plan(EndpointsReconciler(), "ns", "web").children
    (subset,) = made["subsets"]
    assert [a["ip"] for a in subset["addresses"]] == ["1.1.1.1"]
    assert subset["addresses"][0]["targetRef"]["name"] == "p"
    assert [a["ip"] for a in subset["notReadyAddresses"]] == ["1.1.1.2"]
    assert subset["ports"] == [PORT]
    reads = EndpointsReconciler().reads[0]
    assert list(reads.keys(raw, here)) == [Key("ns", "web")]
    assert list(reads.keys({"metadata": {"name": "x"}}, here)) == []


def test_nobody_there_means_no_subsets() -> None:
    here = world(selector={"a": "b"})
    (made,) = here.plan(EndpointsReconciler(), "ns", "web").children
    assert made["subsets"] == []
    assert world().plan(EndpointsReconciler(), "ns", "web").children == ()


def test_too_many_are_cut_and_said() -> None:
    here = world(selector={"a": "b"})
    put_slice(here, *(endpoint(f"10.0.{i // 250}.{i % 250}") for i in range(ADDRESSES_MAX + 1)))
    (made,) = here.plan(EndpointsReconciler(), "ns", "web").children
    assert len(made["subsets"][0]["addresses"]) == ADDRESSES_MAX
    assert "endpoints.kubernetes.io/over-capacity" in made["metadata"]["annotations"]


def put_endpoints(found: PlanningWorld, **meta: Any) -> None:
    address = {"ip": "10.1.1.1", "hostname": "db"}
    subset = {"addresses": [address], "notReadyAddresses": [{"ip": "10.1.1.2"}], "ports": [PORT]}
    found.put(
        ENDPOINTS, {"metadata": {"name": "web", "namespace": "ns", **meta}, "subsets": [subset]}
    )


def test_a_users_endpoints_are_mirrored() -> None:
    here = world()
    put_endpoints(here)
    (made,) = here.plan(MirrorReconciler(), "ns", "web").children
    assert made["metadata"]["labels"] == {
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert made["endpoints"] == [
        {"addresses": ["10.1.1.1"], "conditions": {"ready": True}, "hostname": "db"},
        {"addresses": ["10.1.1.2"], "conditions": {"ready": False}},
    ]
    assert (made["addressType"], made["ports"]) == ("IPv4", [PORT])


def test_what_is_not_mirrored() -> None:
    selecting = world(selector={"a": "b"})
    put_endpoints(selecting)
    assert selecting.plan(MirrorReconciler(), "ns", "web").children == ()
    asked = world()
    put_endpoints(asked, labels={"endpointslice.kubernetes.io/skip-mirror": "true"})
    assert asked.plan(MirrorReconciler(), "ns", "web").children == ()
    alone = PlanningWorld()
    put_endpoints(alone)
    assert alone.plan(MirrorReconciler(), "ns", "web").children == ()

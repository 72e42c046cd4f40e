"""The router follows the cluster."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from typing import Any

import pytest

from activator.api.ingress import INGRESS
from activator.backend import Hooks
from activator.certificates import Certificates
from activator.feed import Feed
from activator.router import Router
from autoscaler.api.serverlessservice_types import LABEL_SERVICE_TYPE
from serving.api import REVISION
from tanebi.api.core.kinds import ENDPOINT_SLICE, SECRET, SERVICE
from tanebi.api.meta import Key
from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock
from tanebi.http.pool import Address
from tanebi.http.tls import KeyPair
from tanebi.testing.world import World

R1 = Key("ns", "r1")
OURS = "tanebi.ingress.networking.knative.dev"


class Cluster:
    def __init__(self) -> None:
        self.world = World()
        self.probed: list[Address] = []
        hooks = Hooks(lambda key: None, lambda b, a: self.probed.append(a), lambda address: None)
        self.router = Router(hooks, random.Random(1))

    def subscribe(self) -> None:
        Feed(self.router).subscribe(self.world)

    def revision(self, name: str = "r1", **spec: Any) -> None:
        spec = {"containers": [{"name": "c", "image": "i"}], **spec}
        self.world.put(REVISION, {"metadata": {"name": name, "namespace": "ns"}, "spec": spec})

    def slice(
        self, service: str, name: str, port: int, *, port_name: str = "http", ready: bool = True
    ) -> None:
        self.world.put(
            ENDPOINT_SLICE,
            {
                "metadata": {
                    "name": name,
                    "namespace": "ns",
                    "labels": {"kubernetes.io/service-name": service},
                },
                "addressType": "IPv4",
                "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
                "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": ready}}],
            },
        )

    def ingress(
        self, host: str, revision: str, generation: int = 1, *, ingress_class: str = OURS
    ) -> None:
        self.world.put(
            INGRESS,
            {
                "metadata": {
                    "name": "i",
                    "namespace": "ns",
                    "uid": "u",
                    "generation": generation,
                    "annotations": {"networking.knative.dev/ingress-class": ingress_class},
                },
                "spec": {
                    "rules": [
                        {
                            "hosts": [host],
                            "http": {
                                "paths": [{"splits": [{"serviceName": revision, "percent": 100}]}]
                            },
                        }
                    ]
                },
            },
        )

    def targets(self, host: bytes) -> list[Address] | None:
        route = self.router.route(host)
        hit = self.router.choose(route, b"/", ()) if route is not None else None
        return [t.address for t in hit.backend.throttler.targets] if hit is not None else None


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.mark.parametrize("first", ["objects", "subscription"])
def test_objects_may_come_before_or_after(cluster: Cluster, first: str) -> None:
    if first == "subscription":
        cluster.subscribe()
    cluster.slice("r1-private", "s1", 20001)
    cluster.slice("r1-private", "s2", 20002)
    cluster.ingress("hello.ns.localhost", "r1")
    cluster.revision(containerConcurrency=3)
    if first == "objects":
        cluster.subscribe()
    assert cluster.targets(b"hello.ns.localhost") == [("127.0.0.1", 20001), ("127.0.0.1", 20002)]
    assert cluster.router.revisions[R1].facts.concurrency == 3


def test_pods_come_and_go(cluster: Cluster) -> None:
    cluster.subscribe()
    cluster.revision()
    cluster.ingress("h", "r1")
    assert cluster.targets(b"h") == []
    cluster.slice("r1-private", "s1", 1, ready=False)
    assert (cluster.targets(b"h"), cluster.probed) == ([], [("127.0.0.1", 1)])
    cluster.slice("r1-private", "s1", 1)
    assert cluster.targets(b"h") == [("127.0.0.1", 1)]
    cluster.world.drop(ENDPOINT_SLICE, "ns", "s1")
    assert cluster.targets(b"h") == []


def test_a_slice_that_changes_its_service_leaves_the_old_one(cluster: Cluster) -> None:
    cluster.subscribe()
    for name in ("r1", "r2"):
        cluster.revision(name)
    cluster.slice("r1-private", "s", 1)
    cluster.slice("r2-private", "s", 1)
    assert cluster.targets(b"r1.ns") == []
    assert cluster.targets(b"r2.ns") == [("127.0.0.1", 1)]


def test_routes_change_and_end(cluster: Cluster) -> None:
    cluster.subscribe()
    for name in ("r1", "r2"):
        cluster.revision(name)
    cluster.slice("r2-private", "s", 2)
    cluster.ingress("h", "r1")
    assert cluster.targets(b"h") == []
    cluster.ingress("h", "r2", generation=2)
    assert cluster.targets(b"h") == [("127.0.0.1", 2)]
    table = cluster.router.table
    cluster.ingress("h", "r2", generation=2)  # only its status moved
    assert cluster.router.table is table
    cluster.world.drop(INGRESS, "ns", "i")
    assert cluster.targets(b"h") is None


def test_a_deleted_revision_is_gone(cluster: Cluster) -> None:
    cluster.subscribe()
    cluster.revision()
    cluster.world.drop(REVISION, "ns", "r1")
    assert cluster.router.revisions == {}


def service(name: str = "svc", **change: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns", "labels": change.pop("labels", {})},
        "spec": {
            "selector": {"app": "x"},
            "ports": [
                {"name": "web", "port": 80, "protocol": "TCP"},
                {"name": "admin", "port": 81, "protocol": "TCP"},
                {"name": "dns", "port": 53, "protocol": "UDP"},
            ],
            **change,
        },
    }


def test_plain_services_by_port_name(cluster: Cluster) -> None:
    cluster.subscribe()
    cluster.world.put(SERVICE, service())
    cluster.slice("svc", "s1", 8080, port_name="web")
    cluster.slice("svc", "s2", 8081, port_name="admin")
    assert cluster.targets(b"svc.ns.svc.cluster.local") == [("127.0.0.1", 8080)]
    assert cluster.targets(b"svc.ns:81") == [("127.0.0.1", 8081)]
    cluster.world.drop(SERVICE, "ns", "svc")
    assert cluster.targets(b"svc.ns") is None


def test_the_gateways_service_tells_where_https_is(cluster: Cluster) -> None:
    cluster.subscribe()
    assert cluster.router.https_port is None
    ports = [{"name": "http2", "port": 80, "nodePort": 8080}]
    meta = {"name": "tanebi-gateway", "namespace": "knative-serving"}
    for more, found in (([], None), ([{"name": "https", "port": 443, "nodePort": 8443}], 8443)):
        cluster.world.put(SERVICE, {"metadata": meta, "spec": {"ports": [*ports, *more]}})
        assert cluster.router.https_port == found
    cluster.world.drop(SERVICE, "knative-serving", "tanebi-gateway")
    assert cluster.router.https_port is None


def test_services_that_are_not_plain(cluster: Cluster) -> None:
    cluster.subscribe()
    cluster.world.put(SERVICE, service("a", selector={}))
    cluster.world.put(SERVICE, service("b", labels={LABEL_SERVICE_TYPE: "Private"}))
    assert cluster.router.services == {}


def test_an_object_that_does_not_fit_is_skipped(cluster: Cluster) -> None:
    feed = Feed(cluster.router)
    cluster.revision()
    bad = {"metadata": {"name": "i", "namespace": "ns"}, "spec": {"rules": "none"}}
    feed.on_ingress(None, bad)
    feed.on_revision(None, {"metadata": {"name": "r9", "namespace": "ns"}, "spec": 3})
    feed.on_slice(None, {"metadata": {"name": "s", "namespace": "ns"}, "endpoints": 4})
    feed.on_service(None, {"metadata": {"name": "s", "namespace": "ns"}, "spec": 5})
    assert cluster.router.table.hosts == {}
    assert cluster.router.revisions == {}


def test_secrets_that_ingresses_name_become_certificates(cluster: Cluster, tmp_path: Path) -> None:
    now = SystemClock().wall()
    pki.ensure(tmp_path, now=now)

    def mint(name: str) -> KeyPair:
        return KeyPair(*pki.mint(tmp_path, name, now=now))

    shown = Certificates(mint=mint)
    Feed(cluster.router, shown).subscribe(cluster.world)
    cluster.world.put(
        INGRESS,
        {
            "metadata": {
                "name": "i",
                "namespace": "ns",
                "uid": "u",
                "generation": 1,
                "annotations": {"networking.knative.dev/ingress-class": OURS},
            },
            "spec": {"tls": [{"hosts": ["own.example"], "secretName": "s"}]},
        },
    )
    assert shown.context_for("own.example") is None
    pair = mint("own.example")
    data = {
        "tls.crt": base64.b64encode(pair.certificate).decode(),
        "tls.key": base64.b64encode(pair.key).decode(),
    }
    secret = {"metadata": {"name": "s", "namespace": "ns"}, "type": "kubernetes.io/tls"}
    cluster.world.put(SECRET, {**secret, "data": data})
    first = shown.context_for("own.example")
    assert first is not None
    assert shown.context_for("own.example") is first
    cluster.world.put(SECRET, {**secret, "data": {"tls.crt": "?"}})
    assert shown.context_for("own.example") is None


def test_an_ingress_of_another_class_is_left_alone(cluster: Cluster) -> None:
    cluster.subscribe()
    cluster.revision()
    cluster.ingress("a.example", "r1", ingress_class="other.example.com")
    assert cluster.router.route(b"a.example") is None
    cluster.ingress("a.example", "r1", ingress_class="kourier.ingress.networking.knative.dev")
    assert cluster.router.route(b"a.example") is not None
    cluster.ingress("a.example", "r1", ingress_class="")
    assert cluster.router.route(b"a.example") is None

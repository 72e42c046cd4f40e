"""Everything a host can lead to."""

from __future__ import annotations

import random

import pytest

from activator.backend import Hooks
from activator.facts import RevisionFacts
from activator.router import Router
from activator.table import Path, Split, Table
from tanebi.api.meta import Key
from tanebi.http.messages import HttpRequest, HttpResponse

R1, R2 = Key("ns", "r1"), Key("ns", "r2")


class Handler:
    body_max = 10

    async def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(204)


@pytest.fixture
def router() -> Router:
    hooks = Hooks(lambda key: None, lambda backend, address: None, lambda address: None)
    made = Router(hooks, random.Random(1))
    for key in (R1, R2):
        made.set_revision(key, RevisionFacts())
    made.set_table(
        Table(
            {
                "one": (Path("", (Split(R1, 100, b"X: 1\r\n"),), 100),),
                "two": (Path("", (Split(R1, 50), Split(R2, 100)), 100),),
                "paths": (Path("/b", (Split(R2, 100),), 100), Path("/a", (Split(R1, 100),), 100)),
                "mine": (Path("", (Split(Key("ns", "svc"), 100),), 100, "one"),),
                "mine-too": (Path("", (Split(Key("ns", "svc"), 100),), 100, "paths"),),
                "to-svc": (
                    Path("", (Split(Key("ns", "r"), 100),), 100, "r2.ns.svc.cluster.local"),
                ),
                "circle": (Path("", (Split(Key("ns", "svc"), 100),), 100, "circle"),),
                "dead": (Path("", (Split(Key("ns", "gone"), 100),), 100),),
            }
        )
    )
    return made


def chosen(router: Router, host: bytes, target: bytes = b"/") -> set[str] | None:
    route = router.route(host)
    if route is None:
        return None
    hits = [router.choose(route, target, ()) for _ in range(50)]
    return {hit.backend.key.name for hit in hits if hit is not None}


def test_the_table(router: Router) -> None:
    assert chosen(router, b"ONE:8080") == {"r1"}
    assert chosen(router, b"two") == {"r1", "r2"}
    assert chosen(router, b"paths", b"/b/x") == {"r2"}
    assert chosen(router, b"paths", b"/c") == set()
    assert chosen(router, b"dead") == set()
    assert router.route(b"nobody") is None
    assert router.route(b"") is None


def test_a_hit_carries_the_routes_lines(router: Router) -> None:
    route = router.route(b"one")
    assert route is not None
    assert route.hit is not None
    assert route.hit.lines == b"X: 1\r\n"


def test_what_is_remembered_is_forgotten_when_anything_changes(router: Router) -> None:
    assert chosen(router, b"one") == {"r1"}
    router.set_table(Table({"one": (Path("", (Split(R2, 100),), 100),)}))
    assert chosen(router, b"one") == {"r2"}
    router.remove_revision(R2)
    assert chosen(router, b"one") == set()
    router.set_revision(R2, RevisionFacts())
    assert chosen(router, b"one") == {"r2"}


def test_mounted_handlers_and_bare_addresses(router: Router) -> None:
    handler, local = Handler(), Handler()
    router.mount(["Broker.NS"], handler)
    router.mount(["localhost"], local)
    for host, expected in {
        b"broker.ns:80": handler,
        b"localhost:8080": local,
        b"127.0.0.1:8080": local,
        b"10.1.2.3": local,
        b"[::1]:8080": local,
    }.items():
        route = router.route(host)
        assert route is not None
        assert route.handler is expected, host


def test_revisions_and_services_answer_to_their_own_names(router: Router) -> None:
    for host in (b"r1.ns.svc.cluster.local", b"r1.ns.svc", b"r1.ns:80"):
        assert chosen(router, host) == {"r1"}
    backends = router.set_service(Key("ns", "svc"), {80: "http", 9090: ""})
    for host, port in {b"svc.ns": 80, b"svc.ns.svc:9090": 9090}.items():
        route = router.route(host)
        assert route is not None
        assert route.hit is not None
        assert route.hit.backend is backends[port]
    assert router.route(b"svc.ns:1") is None
    assert not backends[80].metered
    router.set_service(Key("ns", "svc"), {9090: ""})
    assert router.route(b"svc.ns:1") is not None  # the only port there is
    router.set_service(Key("ns", "svc"), {})
    assert router.route(b"svc.ns") is None
    assert router.services == {}


def test_a_revision_told_again_keeps_its_backend(router: Router) -> None:
    before = router.revisions[R1]
    after = router.set_revision(R1, RevisionFacts(timeout_s=5))
    assert after is before
    assert after.facts.timeout_s == 5


def test_all_backends(router: Router) -> None:
    router.set_service(Key("ns", "svc"), {80: ""})
    assert [b.key.name for b in router.backends()] == ["r1", "r2", "svc"]
    assert router.at(("10.0.0.1", 1)) == []


def test_a_host_that_leads_on_to_another(router: Router) -> None:
    assert chosen(router, b"mine") == {"r1"}
    assert chosen(router, b"mine-too", b"/b/x") == {"r2"}
    assert chosen(router, b"mine-too", b"/c") == set()
    assert chosen(router, b"to-svc") == {"r2"}
    assert chosen(router, b"circle") == set()
    route = router.route(b"mine")
    assert route is not None
    hit = router.choose(route, b"/", ())
    assert hit is not None
    assert (hit.host, hit.lines) == (b"", b"X: 1\r\n"), (
        "the client's own host; the inner route's headers"
    )


def test_a_route_may_lead_to_a_plain_service_by_the_number_or_the_name_of_its_port(
    router: Router,
) -> None:
    service = Key("ns", "svc")
    splits = {
        "number": Split(service, 100, port=80),
        "name": Split(service, 100, port="web"),
        "other": Split(service, 100, port=81),
        "no-name": Split(service, 100, port="admin"),
    }
    router.set_table(Table({host: (Path("", (split,), 100),) for host, split in splits.items()}))
    assert chosen(router, b"number") == set()
    backends = router.set_service(service, {80: "web", 9090: ""})
    for host in (b"number", b"name"):
        route = router.route(host)
        assert route is not None
        assert route.hit is not None
        assert route.hit.backend is backends[80]
    assert chosen(router, b"other") == chosen(router, b"no-name") == set()
    router.set_service(service, {})
    assert chosen(router, b"name") == set()


def test_which_routes_are_for_clients_inside_alone(router: Router) -> None:
    router.set_table(
        Table(
            {
                "one": (Path("", (Split(R1, 100),), 100),),
                "two": (Path("/a", (Split(R1, 100),), 100),),
            },
            local=frozenset({"one", "two"}),
        )
    )
    for host, expected in {b"one": True, b"two": True, b"r1.ns.svc": True}.items():
        route = router.route(host)
        assert route is not None
        assert route.local is expected, host

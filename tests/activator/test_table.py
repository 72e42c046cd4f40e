"""Host, path, headers, weight."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator.api.ingress import Ingress
from activator.fingerprint import fingerprint
from activator.table import Table, compile_ingress, merge, service_of_host
from tanebi.api.meta import Key


def ingress(
    name: str = "hello", *, created: str = "2026-01-01T00:00:00Z", **rules: list[Any]
) -> Ingress:
    """`rules`: host (dots as `__`) to paths."""
    return Ingress.model_validate(
        {
            "metadata": {
                "name": name,
                "namespace": "ns",
                "uid": f"uid-{name}",
                "generation": 3,
                "creationTimestamp": created,
            },
            "spec": {
                "rules": [
                    {"hosts": [host.replace("__", ".")], "http": {"paths": paths}}
                    for host, paths in rules.items()
                ]
            },
        }
    )


def split(revision: str, percent: int = 100, **headers: str) -> dict[str, Any]:
    return {
        "serviceName": revision,
        "serviceNamespace": "ns",
        "percent": percent,
        "appendHeaders": headers,
    }


def table(*ingresses: Ingress) -> Table:
    return merge(compile_ingress(each) for each in ingresses)


def test_exact_hosts_only() -> None:
    made = table(ingress(Hello__example=[{"splits": [split("r1")]}]))
    found = made.match("hello.example", "/any?thing")
    assert found is not None
    assert found.choose(0.99).service == Key("ns", "r1")
    for other in ("example", "x.hello.example", "hello.example.com", ""):
        assert made.match(other, "/") is None


def test_the_longest_prefix_wins_and_ends_at_an_element() -> None:
    made = table(
        ingress(
            h=[
                {"path": "/", "splits": [split("root")]},
                {"path": "/a", "splits": [split("a")]},
                {"path": "/a/b/", "splits": [split("ab")]},
            ]
        )
    )
    for target, revision in {
        "/": "root",
        "/a": "a",
        "/a?x": "a",
        "/a/x": "a",
        "/ab": "root",
        "/a/b/c": "ab",
        "/a/b": "a",
    }.items():
        found = made.match("h", target)
        assert found is not None
        assert found.choose(0).service.name == revision, target


def test_header_routes_come_first() -> None:
    made = table(
        ingress(
            h=[
                {"splits": [split("default")]},
                {"splits": [split("blue")], "headers": {"Knative-Serving-Tag": {"exact": "blue"}}},
            ]
        )
    )
    blue = made.match("h", "/", ((b"knative-serving-tag", b"blue"),))
    other = made.match("h", "/", ((b"Knative-Serving-Tag", b"green"),))
    assert blue is not None
    assert other is not None
    assert (blue.choose(0).service.name, other.choose(0).service.name) == ("blue", "default")


def test_shares_are_kept() -> None:
    made = table(ingress(h=[{"splits": [split("a", 10), split("none", 0), split("b", 90)]}]))
    path, rng = made.match("h", "/"), random.Random(1)
    assert path is not None
    counts = Counter(path.choose(rng.random()).service.name for _ in range(10_000))
    assert set(counts) == {"a", "b"}
    assert 850 < counts["a"] < 1150


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5), st.floats(0, 1, exclude_max=True))
def test_every_chance_finds_a_split(percents: list[int], chance: float) -> None:
    made = table(ingress(h=[{"splits": [split(f"r{i}", p) for i, p in enumerate(percents)]}]))
    path = made.match("h", "/")
    assert path is not None
    assert path.choose(chance) in path.splits


def test_a_path_without_shares_serves_nobody() -> None:
    made = table(ingress(h=[{"splits": [split("a", 0), split("b", 0)]}, {"splits": []}]))
    assert made.match("h", "/") is None


def test_added_headers_without_knatives_own() -> None:
    lines = {"Knative-Serving-Revision": "r1", "X-Extra": "1"}
    made = table(ingress(h=[{"splits": [split("r1", **lines)], "appendHeaders": {"X-Path": "2"}}]))
    path = made.match("h", "/")
    assert path is not None
    assert path.splits[0].lines == b"X-Extra: 1\r\nX-Path: 2\r\n"


def test_the_older_ingress_keeps_a_host() -> None:
    old = ingress("z", created="2025-01-01T00:00:00Z", h=[{"splits": [split("old")]}])
    new = ingress("a", created="2026-01-01T00:00:00Z", h=[{"splits": [split("new")]}])
    for order in ((old, new), (new, old)):
        path = table(*order).match("h", "/")
        assert path is not None
        assert path.choose(0).service.name == "old"


def test_what_is_loaded() -> None:
    one = ingress("one", h=[{"splits": [split("r")]}])
    made = table(one)
    assert made.holds(one)
    newer = one.model_copy(update={"metadata": one.metadata.model_copy(update={"generation": 4})})
    other = one.model_copy(update={"metadata": one.metadata.model_copy(update={"uid": "again"})})
    assert not made.holds(newer)
    assert not made.holds(other)
    assert not Table().holds(one)


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("a.ns", Key("ns", "a")),
        ("a.ns.svc", Key("ns", "a")),
        ("a.ns.svc.cluster.local", Key("ns", "a")),
        ("a", None),
        ("a.b.c", None),
        ("a.ns.svc.other.domain", None),
        (".ns", None),
        ("a.", None),
    ],
)
def test_names_of_services(host: str, key: Key | None) -> None:
    assert service_of_host(host) == key


def test_a_host_that_leads_on_shows_the_app_no_header_of_it() -> None:
    made = table(
        ingress(
            h=[
                {
                    "rewriteHost": "s.ns.svc.cluster.local",
                    "splits": [split("s", **{"K-Original-Host": "h", "X": "1"})],
                }
            ]
        )
    )
    found = made.match("h", "/")
    assert found is not None
    assert (found.rewrite_host, found.splits[0].lines) == ("s.ns.svc.cluster.local", b"X: 1\r\n")


def test_redirects_and_secrets_of_an_ingress() -> None:
    path = {"splits": [{"serviceName": "r", "percent": 100}]}
    found = Ingress.model_validate(
        {
            "metadata": {"name": "i", "namespace": "ns", "uid": "u", "generation": 1},
            "spec": {
                "httpOption": "Redirected",
                "tls": [
                    {"hosts": ["A.example."], "secretName": "s"},
                    {"hosts": ["b.example"], "secretName": "t", "secretNamespace": "other"},
                    {"hosts": ["c.example"]},
                ],
                "rules": [
                    {"hosts": ["A.example"], "visibility": "ExternalIP", "http": {"paths": [path]}},
                    {"hosts": ["a.ns"], "visibility": "ClusterLocal", "http": {"paths": [path]}},
                ],
            },
        }
    )
    table = merge([compile_ingress(found)])
    assert table.redirected == {"a.example"}
    assert table.secrets == {"a.example": Key("ns", "s"), "b.example": Key("other", "t")}


def test_hosts_of_local_rules_alone_are_local() -> None:
    path = {"splits": [split("r1")]}
    rules = [
        {"hosts": ["a.ns", "both.ns"], "visibility": "ClusterLocal", "http": {"paths": [path]}},
        {"hosts": ["a.example", "both.ns"], "visibility": "ExternalIP", "http": {"paths": [path]}},
        {"hosts": ["unsaid.example"], "http": {"paths": [path]}},
    ]
    found = Ingress.model_validate({"metadata": {"name": "i"}, "spec": {"rules": rules}})
    assert merge([compile_ingress(found)]).local == {"a.ns"}


def test_a_split_keeps_its_port_and_a_path_its_ingresss_version() -> None:
    asked = {**split("svc"), "servicePort": "web"}
    made = ingress(h=[{"splits": [asked]}])
    found = table(made).match("h", "/")
    assert found is not None
    assert found.choose(0).port == "web"
    assert found.version == fingerprint(made)

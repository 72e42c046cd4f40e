"""Hosts of a route."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from serving.api import ROUTE
from serving.reconcile.domains import hosts_of
from tanebi.testing.planning import FixedConfigs, PlanningWorld


def hosts(*, labels: Any = None, configs: Any = None) -> Any:
    world = PlanningWorld(configs=FixedConfigs(configs))
    meta = {"name": "r", "namespace": "ns", "labels": labels or {}}
    return hosts_of(ROUTE.view({"metadata": meta}), world, world.configs)


def test_inside_and_outside() -> None:
    found = hosts()
    assert found.external("") == "r.ns.localhost"
    assert found.external("v1") == "v1-r.ns.localhost"
    assert found.internal_forms("v1") == ["v1-r.ns", "v1-r.ns.svc", "v1-r.ns.svc.cluster.local"]
    assert (found.url(""), found.is_local("")) == ("http://r.ns.localhost", False)


def test_without_a_domain_everything_is_inside() -> None:
    found = hosts(configs={"config-domain": {}})
    assert (found.url(""), found.is_local("")) == ("http://r.ns.svc.cluster.local", True)


def test_the_most_specific_domain_wins() -> None:
    domains = {"a.org": "", "b.org": "selector:\n  team: b\n"}
    configs = {"config-domain": domains}
    assert hosts(labels={"team": "b"}, configs=configs).external("") == "r.ns.b.org"
    assert hosts(configs=configs).external("") == "r.ns.a.org"


def test_the_scheme_is_configured() -> None:
    configs = {"config-network": {"default-external-scheme": "https"}}
    assert (
        hosts(configs={**configs, "config-domain": {"a.org": ""}}).url("") == "https://r.ns.a.org"
    )


@pytest.mark.parametrize(
    ("scheme", "port", "url"),
    [
        ("http", 80, "http://v1-r.ns.localhost"),
        ("http", 8080, "http://v1-r.ns.localhost:8080"),
        ("https", 8080, "https://v1-r.ns.localhost"),
    ],
)
def test_the_url_works_as_printed(scheme: str, port: int, url: str) -> None:
    found = hosts(configs={"config-network": {"default-external-scheme": scheme}})
    assert replace(found, external_port=port).url("v1") == url
    local = hosts(labels={"networking.knative.dev/visibility": "cluster-local"})
    assert replace(local, external_port=port).url("") == "http://r.ns.svc.cluster.local"


def test_a_long_tag_still_gives_a_name() -> None:
    name = hosts().service("t" * 62)
    assert len(name) == 63


@pytest.mark.parametrize(("port", "shown"), [(443, ""), (8443, ":8443")])
def test_with_a_certificate_the_url_is_that_of_the_gateways_own_https(
    port: int, shown: str
) -> None:
    found = replace(hosts(), external_port=8080, tls_port=port, secure=frozenset({""}))
    assert found.url("") == f"https://r.ns.localhost{shown}"
    assert found.url("v1") == "http://v1-r.ns.localhost:8080"

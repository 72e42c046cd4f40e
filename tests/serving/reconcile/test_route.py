"""Route: hosts, shares, conditions; and that a bad revision never takes traffic."""

from __future__ import annotations

from typing import Any

import pytest

from activator.api.ingress import INGRESS
from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.api.images import Missing
from serving.reconcile.route import routes_of_configuration, routes_of_revision
from tanebi.api.core.kinds import SERVICE as CORE_SERVICE
from tanebi.testing.planning import FixedConfigs


def splits(serving: Any, host: str) -> dict[str, int]:
    ingress = serving.world.raw(INGRESS, "default", "hello")
    rule = next(r for r in ingress["spec"]["rules"] if host in r["hosts"])
    return {s["serviceName"]: s["percent"] for s in rule["http"]["paths"][-1]["splits"]}


def hosts(serving: Any) -> list[str]:
    ingress = serving.world.raw(INGRESS, "default", "hello")
    return [host for rule in ingress["spec"]["rules"] for host in rule["hosts"]]


def env(value: str) -> dict[str, Any]:
    return {"env": [{"name": "A", "value": value}]}


@pytest.fixture
def two(serving: Any, ksvc: Any) -> Any:
    """A service with two good revisions."""
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.apply(SERVICE, ksvc(container=env("2")))
    serving.run()
    return serving


def test_all_hosts_lead_to_the_latest(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert hosts(serving) == [
        "hello.default",
        "hello.default.svc",
        "hello.default.svc.cluster.local",
        "hello.default.localhost",
    ]
    assert splits(serving, "hello.default.localhost") == {"hello-00001": 100}
    placeholder = serving.world.raw(CORE_SERVICE, "default", "hello")
    assert placeholder["spec"]["type"] == "ExternalName"
    assert serving.conditions(ROUTE, "hello") == {
        "AllTrafficAssigned": ("True", ""),
        "CertificateProvisioned": ("True", "TLSNotEnabled"),
        "IngressReady": ("True", ""),
        "Ready": ("True", ""),
    }


def test_shares_and_tags(two: Any, ksvc: Any) -> None:
    traffic = [
        {"revisionName": "hello-00001", "percent": 90, "tag": "old"},
        {"latestRevision": True, "percent": 10},
        {"latestRevision": True, "tag": "candidate"},
    ]
    two.apply(SERVICE, ksvc(container=env("2"), traffic=traffic))
    two.run()
    assert splits(two, "hello.default.localhost") == {"hello-00001": 90, "hello-00002": 10}
    assert splits(two, "old-hello.default.localhost") == {"hello-00001": 100}
    assert splits(two, "candidate-hello.default.svc.cluster.local") == {"hello-00002": 100}
    assert two.status(ROUTE, "hello")["traffic"] == [
        {
            "latestRevision": False,
            "revisionName": "hello-00001",
            "percent": 90,
            "tag": "old",
            "url": "http://old-hello.default.localhost",
        },
        {"latestRevision": True, "revisionName": "hello-00002", "percent": 10},
        {
            "latestRevision": True,
            "revisionName": "hello-00002",
            "tag": "candidate",
            "url": "http://candidate-hello.default.localhost",
        },
    ]
    names = [s.metadata.name for s in two.world.list(CORE_SERVICE, None)]
    assert names == ["candidate-hello", "hello", "old-hello"]
    assert two.conditions(SERVICE, "hello")["Ready"] == ("True", "")


def test_a_tag_that_is_gone_takes_its_service_along(two: Any, ksvc: Any) -> None:
    tagged = [{"latestRevision": True, "percent": 100, "tag": "t"}]
    two.apply(SERVICE, ksvc(container=env("2"), traffic=tagged))
    two.run()
    assert two.world.raw(CORE_SERVICE, "default", "t-hello") is not None
    two.apply(SERVICE, ksvc(container=env("2")))
    two.run()
    assert two.world.raw(CORE_SERVICE, "default", "t-hello") is None


def test_a_bad_new_revision_takes_no_traffic(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.images.facts["dev.local/none"] = Missing("no")
    serving.apply(SERVICE, ksvc(image="dev.local/none"))
    serving.settle()
    assert splits(serving, "hello.default.localhost") == {"hello-00001": 100}
    assert serving.conditions(ROUTE, "hello")["Ready"] == ("True", "")
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("False", "RevisionFailed")


def test_while_a_target_is_bad_what_was_routed_stays(two: Any, ksvc: Any) -> None:
    before = two.world.raw(INGRESS, "default", "hello")["spec"]
    missing = [{"revisionName": "hello-00009", "percent": 100}]
    two.apply(SERVICE, ksvc(container=env("2"), traffic=missing))
    two.settle()
    assert two.world.raw(INGRESS, "default", "hello")["spec"] == before
    assert two.conditions(ROUTE, "hello")["AllTrafficAssigned"] == ("False", "RevisionMissing")
    assert two.message(ROUTE, "hello") == 'Revision "hello-00009" referenced in traffic not found.'


def test_the_gateways_word_counts_for_the_newest_rules_only(two: Any, ksvc: Any) -> None:
    pinned = [{"revisionName": "hello-00001", "percent": 100}]
    two.apply(SERVICE, ksvc(container=env("2"), traffic=pinned))
    two.settle()
    assert two.conditions(ROUTE, "hello")["IngressReady"] == ("Unknown", "IngressNotConfigured")
    two.gateway_follows()
    two.settle()
    assert two.conditions(ROUTE, "hello")["Ready"] == ("True", "")


def test_a_cluster_local_route_has_no_outside_host(serving: Any, ksvc: Any) -> None:
    local = {"labels": {"networking.knative.dev/visibility": "cluster-local"}}
    serving.apply(SERVICE, ksvc(metadata=local))
    serving.run()
    assert not any(host.endswith("localhost") for host in hosts(serving))
    assert serving.status(ROUTE, "hello")["url"] == "http://hello.default.svc.cluster.local"


def test_a_label_on_the_placeholder_keeps_one_tag_inside(two: Any, ksvc: Any) -> None:
    tagged = [{"latestRevision": True, "percent": 100, "tag": "t"}]
    two.apply(SERVICE, ksvc(container=env("2"), traffic=tagged))
    two.run()
    labels = two.world.raw(CORE_SERVICE, "default", "t-hello")["metadata"]["labels"]
    labels["networking.knative.dev/visibility"] = "cluster-local"
    two.run()
    assert "t-hello.default.localhost" not in hosts(two)
    assert "hello.default.localhost" in hosts(two)


def test_templates_and_domains_are_honoured(serving: Any, ksvc: Any) -> None:
    serving.world.configs = FixedConfigs(
        {
            "config-domain": {"example.org": ""},
            "config-network": {
                "domain-template": "{{.Name}}--{{.Namespace}}.{{.Domain}}",
                "tag-template": "{{.Name}}-{{.Tag}}",
            },
        }
    )
    serving.apply(SERVICE, ksvc(traffic=[{"percent": 100, "tag": "t"}]))
    serving.run()
    assert "hello--default.example.org" in hosts(serving)
    assert "hello-t--default.example.org" in hosts(serving)
    assert serving.status(SERVICE, "hello")["url"] == "http://hello--default.example.org"


def test_tags_by_header(serving: Any, ksvc: Any) -> None:
    features = {"config-features": {"tag-header-based-routing": "enabled"}}
    serving.world.configs = FixedConfigs(features)
    serving.apply(SERVICE, ksvc(traffic=[{"percent": 100, "tag": "t"}]))
    serving.run()
    ingress = serving.world.raw(INGRESS, "default", "hello")
    paths = ingress["spec"]["rules"][0]["http"]["paths"]
    assert paths[0]["headers"] == {"Knative-Serving-Tag": {"exact": "t"}}
    assert paths[1]["appendHeaders"] == {"Knative-Serving-Default-Route": "true"}


def test_a_service_that_somebody_else_owns(serving: Any, ksvc: Any) -> None:
    serving.world.put(CORE_SERVICE, {"metadata": {"name": "hello", "namespace": "default"}})
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert serving.conditions(ROUTE, "hello")["IngressReady"] == ("False", "NotOwned")
    assert serving.world.raw(INGRESS, "default", "hello") is None
    assert (
        serving.message(ROUTE, "hello")
        == 'There is an existing placeholder Service "hello" that we do not own.'
    )


def test_an_ingress_that_somebody_else_owns(serving: Any, ksvc: Any) -> None:
    serving.world.put(INGRESS, {"metadata": {"name": "hello", "namespace": "default"}})
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert serving.conditions(ROUTE, "hello")["IngressReady"] == ("False", "NotOwned")


def test_tls_that_nobody_provides_is_told(serving: Any, ksvc: Any) -> None:
    serving.world.configs = FixedConfigs(
        {"config-network": {"external-domain-tls": "Enabled"}, "config-domain": {"example.org": ""}}
    )
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert serving.conditions(ROUTE, "hello")["CertificateProvisioned"] == ("True", "HTTPDowngrade")


def test_the_order_of_creation_does_not_matter(serving: Any, ksvc: Any) -> None:
    traffic = [{"configurationName": "hello", "percent": 100}]
    serving.apply(ROUTE, {"metadata": {"name": "hello"}, "spec": {"traffic": traffic}})
    serving.settle()
    assert serving.conditions(ROUTE, "hello")["Ready"] == ("False", "ConfigurationMissing")
    serving.apply(CONFIGURATION, ksvc())
    serving.run()
    assert serving.conditions(ROUTE, "hello")["Ready"] == ("True", "")


def test_which_routes_a_change_concerns(two: Any, ksvc: Any) -> None:
    configuration = two.world.raw(CONFIGURATION, "default", "hello")
    assert [k.name for k in routes_of_configuration(configuration, two.world)] == ["hello"]
    revision = two.world.raw(REVISION, "default", "hello-00001")
    assert [k.name for k in routes_of_revision(revision, two.world)] == ["hello"]
    stranger = {"metadata": {"name": "x", "namespace": "default"}}
    assert routes_of_revision(stranger, two.world) == []


def test_a_route_on_its_way_out_is_left_alone(two: Any) -> None:
    two.world.raw(ROUTE, "default", "hello")["metadata"]["deletionTimestamp"] = (
        "2026-01-01T00:00:00Z"
    )
    assert two.world.plan(two.route, "default", "hello").children == ()

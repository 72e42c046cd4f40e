"""The Ingress of a Route."""

from __future__ import annotations

from typing import Any

from activator.api.ingress import INGRESS
from serving.api import ROUTE
from serving.reconcile.domains import hosts_of
from serving.reconcile.resources.ingresses import make_ingress
from serving.reconcile.targets import Target
from tanebi.testing.planning import PlanningWorld


def make(groups: Any, *, annotations: Any = None, by_tag_header: bool = False) -> Any:
    world = PlanningWorld()
    meta = {"name": "r", "namespace": "n", "uid": "u", "annotations": annotations or {}}
    hosts = hosts_of(ROUTE.view({"metadata": meta}), world, world.configs)
    made = make_ingress(hosts, groups, rollout="{}", by_tag_header=by_tag_header)
    INGRESS.view(made)
    return made


def target(revision: str, percent: int, protocol: str = "http1") -> Target:
    return Target("", revision, "cfg", latest=False, percent=percent, protocol=protocol)


def test_a_target_without_a_share_is_left_out() -> None:
    made = make({"": [target("a", 100), target("b", 0)]})
    splits = made["spec"]["rules"][0]["http"]["paths"][0]["splits"]
    assert splits == [
        {
            "serviceNamespace": "n",
            "serviceName": "a",
            "servicePort": 80,
            "percent": 100,
            "appendHeaders": {"Knative-Serving-Revision": "a", "Knative-Serving-Namespace": "n"},
        }
    ]


def test_h2c_has_its_own_port() -> None:
    made = make({"": [target("a", 100, "h2c")]})
    assert made["spec"]["rules"][0]["http"]["paths"][0]["splits"][0]["servicePort"] == 81


def test_its_class() -> None:
    key = "networking.knative.dev/ingress-class"
    assert make({"": []})["metadata"]["annotations"][key] == "tanebi.ingress.networking.knative.dev"
    old = make({"": []}, annotations={"networking.knative.dev/ingress.class": "mine"})
    assert old["metadata"]["annotations"][key] == "mine"


def test_without_tags_the_header_changes_nothing() -> None:
    assert make({"": [target("a", 100)]}) == make({"": [target("a", 100)]}, by_tag_header=True)

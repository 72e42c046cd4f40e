"""Gradual rollout in a Route: shares by step, conditions, what ends it, and what it never does."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from activator.api.ingress import INGRESS
from serving.api import REVISION, ROUTE, SERVICE
from serving.api.config_network import CONFIG_NETWORK
from serving.reconcile.rolling import duration_of
from tanebi.testing.planning import FixedConfigs

SLOW = {"annotations": {"serving.knative.dev/rollout-duration": "60s"}}
STATE = "networking.internal.knative.dev/rollout"


def env(value: str) -> dict[str, Any]:
    return {"env": [{"name": "A", "value": value}]}


def splits(serving: Any, host: str = "hello.default.localhost") -> dict[str, int]:
    ingress = serving.world.raw(INGRESS, "default", "hello")
    rule = next(r for r in ingress["spec"]["rules"] if host in r["hosts"])
    return {s["serviceName"]: s["percent"] for s in rule["http"]["paths"][-1]["splits"]}


def state(serving: Any) -> list[dict[str, Any]]:
    text = serving.world.raw(INGRESS, "default", "hello")["metadata"]["annotations"][STATE]
    found: list[dict[str, Any]] = json.loads(text)["configurations"]
    return found


def begin(serving: Any, ksvc: Any, **options: Any) -> None:
    """A service on its first revision gets a second one, which becomes ready."""
    serving.apply(SERVICE, ksvc(metadata=SLOW))
    serving.run()
    serving.apply(SERVICE, ksvc(metadata=SLOW, container=env("2"), **options))
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    serving.pods_come_up()
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    route(serving)


def route(serving: Any, seconds: float = 0.0) -> Any:
    """The route's turn, `seconds` later; the gateway follows at once."""
    serving.world.now += timedelta(seconds=seconds)
    plan = serving.world.reconcile(serving.route, "default", "hello")
    serving.world.now -= timedelta(seconds=1)  # the world counts a second for each pass
    return plan


def test_a_new_revision_gets_one_percent_and_the_route_says_so(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    assert splits(serving) == {"hello-00001": 99, "hello-00002": 1}
    assert serving.conditions(ROUTE, "hello")["IngressReady"] == ("Unknown", "IngressNotConfigured")
    serving.gateway_follows()
    plan = route(serving, 4.5)
    assert serving.conditions(ROUTE, "hello")["IngressReady"] == ("Unknown", "RolloutInProgress")
    assert serving.conditions(ROUTE, "hello")["Ready"] == ("Unknown", "RolloutInProgress")
    assert (
        serving.message(ROUTE, "hello")
        == "A gradual rollout of the latest revision(s) is in progress."
    )
    # 60 s less the 5 s that the first percent took, in steps of 5 s: eleven steps of nine percent.
    assert plan.requeue_after_s == pytest.approx(5.0)
    params = state(serving)[0]["stepParams"]
    assert (params["stepSize"], params["stepDuration"]) == (9, 5 * 10**9)
    assert serving.status(ROUTE, "hello")["traffic"] == [
        {"latestRevision": True, "revisionName": "hello-00001", "percent": 99},
        {"latestRevision": True, "revisionName": "hello-00002", "percent": 1},
    ]


def test_it_goes_on_step_by_step_to_the_end(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    serving.gateway_follows()
    plan = route(serving, 4.5)
    seen = []
    while plan.requeue_after_s is not None:
        plan = route(serving, plan.requeue_after_s)
        seen.append(splits(serving)["hello-00002"])
        serving.gateway_follows()
    assert seen == [10, 19, 28, 37, 46, 55, 64, 73, 82, 91, 100]
    route(serving)
    assert serving.conditions(ROUTE, "hello")["Ready"] == ("True", "")
    assert splits(serving) == {"hello-00002": 100}
    assert state(serving)[0]["stepParams"] == {}
    serving.run()
    assert serving.conditions(SERVICE, "hello")["Ready"] == ("True", "")


def test_looked_at_too_early_it_stays(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    route(serving, 1000)
    assert splits(serving) == {"hello-00001": 99, "hello-00002": 1}, "the gateway has not followed"
    serving.gateway_follows()
    route(serving)
    before = serving.world.writes
    route(serving, 0.1)
    assert serving.world.writes == before


def test_tags_of_the_latest_roll_too_and_others_do_not(serving: Any, ksvc: Any) -> None:
    traffic = [
        {"latestRevision": True, "percent": 50, "tag": "new"},
        {"revisionName": "hello-00001", "percent": 50, "tag": "old"},
    ]
    serving.apply(SERVICE, ksvc(metadata=SLOW))
    serving.run()
    serving.apply(SERVICE, ksvc(metadata=SLOW, traffic=traffic))
    serving.run()
    serving.apply(SERVICE, ksvc(metadata=SLOW, traffic=traffic, container=env("2")))
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    serving.pods_come_up()
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    route(serving)
    assert splits(serving, "new-hello.default.localhost") == {"hello-00001": 99, "hello-00002": 1}
    assert splits(serving, "old-hello.default.localhost") == {"hello-00001": 100}
    main = serving.world.raw(INGRESS, "default", "hello")["spec"]["rules"][0]["http"]["paths"][0]
    shares: Counter[str] = Counter()
    for split in main["splits"]:
        shares[split["serviceName"]] += split["percent"]
    assert shares == {"hello-00001": 99, "hello-00002": 1}


def test_a_third_revision_takes_its_percent_from_the_second(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    serving.gateway_follows()
    plan = route(serving, 4.5)
    route(serving, plan.requeue_after_s)
    assert splits(serving) == {"hello-00001": 90, "hello-00002": 10}
    serving.apply(SERVICE, ksvc(metadata=SLOW, container=env("3")))
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    serving.pods_come_up()
    serving.world.settle((serving.service, serving.configuration, serving.revision))
    route(serving)
    assert splits(serving) == {"hello-00001": 90, "hello-00002": 9, "hello-00003": 1}


def test_a_revision_deleted_on_the_way_leaves_all_to_the_newest(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    serving.world.delete(REVISION, "default", "hello-00001")
    route(serving)
    assert splits(serving) == {"hello-00002": 100}


def test_pinned_traffic_ends_it(serving: Any, ksvc: Any) -> None:
    begin(serving, ksvc)
    pinned = [{"revisionName": "hello-00001", "percent": 100}]
    serving.apply(SERVICE, ksvc(metadata=SLOW, container=env("2"), traffic=pinned))
    serving.world.settle((serving.service,))
    route(serving)
    assert splits(serving) == {"hello-00001": 100}
    assert state(serving) == []


def test_without_a_duration_all_at_once(serving: Any, ksvc: Any) -> None:
    serving.apply(SERVICE, ksvc())
    serving.run()
    serving.apply(SERVICE, ksvc(container=env("2")))
    serving.run()
    assert splits(serving) == {"hello-00002": 100}


@pytest.mark.parametrize(
    ("annotations", "configured", "seconds"),
    [
        ({}, "0", 0),
        ({}, "30", 30),
        ({"serving.knative.dev/rollout-duration": "2m"}, "30", 120),
        ({"serving.knative.dev/rolloutDuration": "45s"}, "30", 45),
        ({"serving.knative.dev/rollout-duration": "0s"}, "30", 0),
    ],
)
def test_whose_word_counts(
    serving: Any, annotations: dict[str, str], configured: str, seconds: float
) -> None:
    network = FixedConfigs({"config-network": {"rollout-duration": configured}}).get(CONFIG_NETWORK)
    view = ROUTE.view({"metadata": {"name": "r", "namespace": "n", "annotations": annotations}})
    assert duration_of(view, network) == seconds

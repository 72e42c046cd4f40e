"""The life of Services, Configurations, Revisions and Routes as a client sees it (Knative's API conformance)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest

from tests.conformance.serving.driving import SERVING, Client, eventually, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
DEPLOYMENTS: Final = "/apis/apps/v1"

EARLY: Final = (
    service("lived"),
    service("named", template={"name": "named-first"}),
)


def texts(client: Client, host: str, count: int) -> Counter[str]:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.request(host), range(count)))
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.json()["text"] for answer in answers)


def test_a_service_makes_what_belongs_to_it(client: Client) -> None:
    made = client.ready("lived")
    status = made["status"]
    assert status["latestCreatedRevisionName"] == status["latestReadyRevisionName"] == "lived-00001"
    assert status["address"]["url"] == "http://lived.default.svc.cluster.local"
    assert status["traffic"] == [
        {"latestRevision": True, "percent": 100, "revisionName": "lived-00001"}
    ]
    for plural in ("configurations", "routes"):
        child = client.get("lived", plural)
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Service", made["metadata"]["uid"])
        assert child["metadata"]["labels"]["serving.knative.dev/service"] == "lived"
    revision = client.get("lived-00001", "revisions")
    labels = revision["metadata"]["labels"]
    assert labels["serving.knative.dev/configuration"] == "lived"
    assert labels["serving.knative.dev/configurationGeneration"] == "1"
    assert revision["status"]["containerStatuses"][0]["name"] == "user-container"
    assert "@sha256:" in revision["status"]["containerStatuses"][0]["imageDigest"]
    assert revision["spec"]["timeoutSeconds"] == 300
    assert revision["spec"]["containerConcurrency"] == 0


def test_who_made_it_and_who_changed_it(client: Client) -> None:
    annotations = client.get("lived")["metadata"]["annotations"]
    assert annotations["serving.knative.dev/creator"]
    assert (
        annotations["serving.knative.dev/creator"]
        == annotations["serving.knative.dev/lastModifier"]
    )


def test_an_update_makes_a_new_revision_and_keeps_the_old(client: Client) -> None:
    client.create(service("changed", env={"TEXT": "one"}))
    client.ready("changed")
    assert client.request("changed").json()["text"] == "one"
    client.patch("changed", {"spec": service("changed", env={"TEXT": "two"})["spec"]})
    client.ready("changed")
    eventually(lambda: client.request("changed").json()["text"] == "two")
    assert client.get("changed")["status"]["latestReadyRevisionName"] == "changed-00002"
    assert client.get("changed-00001", "revisions")["metadata"]["generation"] >= 1
    # Labels and annotations of the service alone make none.
    client.patch("changed", {"metadata": {"labels": {"a": "b"}}})
    client.ready("changed")
    eventually(lambda: client.get("changed", "routes")["metadata"]["labels"].get("a") == "b")
    assert client.get("changed")["status"]["latestCreatedRevisionName"] == "changed-00002"


def test_a_revision_named_by_its_author(client: Client) -> None:
    client.ready("named")
    assert client.get("named")["status"]["latestReadyRevisionName"] == "named-first"
    again = service("named", template={"name": "named-first"}, env={"TEXT": "changed"})
    answer = client.api.patch(
        client.path("services", "named"),
        json={"spec": again["spec"]},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 400
    said = (
        "Saw the following changes without a name change (-old +new): spec.template.metadata.name"
    )
    assert said in answer.json()["message"]
    client.patch("named", {"spec": service("named", template={"name": "named-second"})["spec"]})
    client.ready("named")
    assert client.get("named")["status"]["latestReadyRevisionName"] == "named-second"


def test_generated_names(client: Client) -> None:
    manifest = service("x")
    del manifest["metadata"]["name"]
    manifest["metadata"]["generateName"] = "generated-"
    name = client.create(manifest)["metadata"]["name"]
    assert name.startswith("generated-")
    client.ready(name)
    assert client.request(name).status_code == 200


def test_a_revisions_spec_never_changes(client: Client) -> None:
    client.ready("lived")
    answer = client.api.patch(
        client.path("revisions", "lived-00001"),
        json={"spec": {"timeoutSeconds": 10}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 400
    assert "Immutable fields changed (-old +new): spec" in answer.json()["message"]


def test_traffic_is_shared_by_percent_and_reached_by_tag(client: Client) -> None:
    client.create(service("shared", env={"TEXT": "blue"}))
    client.ready("shared")
    traffic = [
        {"revisionName": "shared-00001", "percent": 75, "tag": "blue"},
        {"latestRevision": True, "percent": 25, "tag": "green"},
        {"revisionName": "shared-00001", "percent": 0, "tag": "idle"},
    ]
    green = service("shared", env={"TEXT": "green"}, traffic=traffic)
    client.patch("shared", {"spec": green["spec"]})
    status = client.ready("shared")["status"]
    tagged = {target["tag"]: target for target in status["traffic"]}
    assert tagged["green"]["revisionName"] == "shared-00002"
    assert tagged["blue"]["url"].startswith("http://blue-shared.default.localhost")
    shares = texts(client, "shared", 400)
    # Four standard deviations of 400 draws at a quarter: 35.
    assert abs(shares["green"] - 100) <= 35, shares
    assert set(texts(client, "green-shared", 10)) == {"green"}
    assert set(texts(client, "blue-shared", 10)) == {"blue"}
    assert set(texts(client, "idle-shared", 10)) == {"blue"}


def test_back_to_an_older_revision(client: Client) -> None:
    client.create(service("back", env={"TEXT": "good"}))
    client.ready("back")
    client.patch("back", {"spec": service("back", env={"TEXT": "bad"})["spec"]})
    client.ready("back")
    traffic = [{"revisionName": "back-00001", "percent": 100}]
    client.patch("back", {"spec": {"traffic": traffic}})
    client.ready("back")
    eventually(lambda: set(texts(client, "back", 5)) == {"good"})
    assert client.get("back")["status"]["latestReadyRevisionName"] == "back-00002"


def test_a_configuration_and_a_route_without_a_service(client: Client) -> None:
    template = service("alone", env={"TEXT": "alone"})["spec"]["template"]
    names = {"apiVersion": "serving.knative.dev/v1", "metadata": {"name": "alone"}}
    traffic = [{"configurationName": "alone", "percent": 100}]
    client.create({**names, "kind": "Route", "spec": {"traffic": traffic}}, "routes")
    client.create(
        {**names, "kind": "Configuration", "spec": {"template": template}}, "configurations"
    )
    client.ready("alone", "configurations")
    client.ready("alone", "routes")
    assert client.request("alone").json()["text"] == "alone"
    client.delete("alone", "routes")
    eventually(lambda: client.request("alone").status_code == 404)
    client.delete("alone", "configurations")
    eventually(lambda: client.gone("alone-00001", "revisions"))


def test_kept_inside_by_a_label(client: Client) -> None:
    local = {"labels": {"networking.knative.dev/visibility": "cluster-local"}}
    client.create(service("inside", metadata=local, env={"TEXT": "inside"}))
    status = client.ready("inside")["status"]
    assert status["url"] == "http://inside.default.svc.cluster.local"
    assert client.request("inside").status_code == 404
    host = {"Host": "inside.default.svc.cluster.local"}
    assert client.http.get(client.platform.gateway, headers=host).json()["text"] == "inside"


def test_what_the_deployment_and_its_pods_look_like(client: Client) -> None:
    client.ready("lived")
    deployment = client.get("lived-00001-deployment", "deployments", base=DEPLOYMENTS)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["app"] == labels["serving.knative.dev/revision"] == "lived-00001"
    user = deployment["spec"]["template"]["spec"]["containers"][0]
    assert user["name"] == "user-container"
    assert [port["name"] for port in user["ports"]] == ["user-port"]
    assert user["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 300
    (pod, *_) = client.list("pods", "serving.knative.dev/revision=lived-00001", base="/api/v1")
    assert pod["metadata"]["name"].startswith("lived-00001-deployment-")
    annotations = pod["metadata"]["annotations"]
    assert annotations["kubectl.kubernetes.io/default-container"] == "user-container"
    queue = {c["name"]: c for c in pod["spec"]["containers"]}["queue-proxy"]
    assert queue["resources"]["requests"]["cpu"] == "25m"
    statuses = {c["name"]: c["ready"] for c in pod["status"]["containerStatuses"]}
    assert statuses == {"user-container": True, "queue-proxy": True}


def test_objects_of_the_inner_groups(client: Client) -> None:
    client.ready("lived")
    autoscaling = "/apis/autoscaling.internal.knative.dev/v1alpha1"
    networking = "/apis/networking.internal.knative.dev/v1alpha1"
    caching = "/apis/caching.internal.knative.dev/v1alpha1"
    scaler = client.get("lived-00001", "podautoscalers", base=autoscaling)
    assert scaler["spec"]["scaleTargetRef"]["name"] == "lived-00001-deployment"
    metric = client.get("lived-00001", "metrics", base=autoscaling)
    assert metric["spec"]["stableWindow"] == 60 * 10**9
    sks = client.get("lived-00001", "serverlessservices", base=networking)
    assert sks["status"]["privateServiceName"] == "lived-00001-private"
    ingress = client.get("lived", "ingresses", base=networking)
    assert ingress["metadata"]["labels"]["serving.knative.dev/route"] == "lived"
    image = client.get("lived-00001-cache-user-container", "images", base=caching)
    assert "@sha256:" in image["spec"]["image"]
    placeholder = client.get("lived", "services", base="/api/v1")
    assert placeholder["spec"]["type"] == "ExternalName"


def test_events_are_told(client: Client) -> None:
    client.ready("lived")

    def reasons() -> set[str]:
        events = client.api.get("/api/v1/namespaces/default/events").json()["items"]
        return {
            event["reason"]
            for event in events
            if event["involvedObject"]["name"].startswith("lived")
        }

    eventually(lambda: {"Created", "RevisionReady", "ConfigurationReady"} <= reasons())


def test_a_cold_start_holds_the_request(client: Client) -> None:
    client.ready("lived")
    zero = service("asleep", annotations={"autoscaling.knative.dev/window": "6s"})
    zero["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "BOOT_S", "value": "0.3"}]
    client.create(zero)
    client.ready("asleep")
    selector = "serving.knative.dev/service=asleep"
    for pod in client.list("pods", selector, base="/api/v1"):
        client.api.delete(client.path("pods", pod["metadata"]["name"], base="/api/v1"))
    assert client.request("asleep").status_code == 200


def test_deleting_a_service_deletes_what_belongs_to_it(client: Client) -> None:
    client.create(service("short"))
    client.ready("short")
    answer = client.api.delete(
        client.path("services", "short"), params={"propagationPolicy": "Foreground"}
    )
    assert answer.status_code == 200
    for plural, name in (
        ("services", "short"),
        ("configurations", "short"),
        ("routes", "short"),
        ("revisions", "short-00001"),
    ):
        eventually(lambda p=plural, n=name: client.gone(n, p), what=f"{plural}/{name}")
    eventually(lambda: client.gone("short-00001-deployment", "deployments", base=DEPLOYMENTS))
    assert client.request("short").status_code == 404


def test_lists_and_labels(client: Client) -> None:
    client.ready("lived")
    names = [
        r["metadata"]["name"] for r in client.list("revisions", "serving.knative.dev/service=lived")
    ]
    assert names == ["lived-00001"]
    assert client.api.get(f"{SERVING}/services").json()["kind"] == "ServiceList"


def config_map(client: Client, name: str, patch: dict[str, Any]) -> httpx.Response:
    return client.api.patch(
        f"/api/v1/namespaces/knative-serving/configmaps/{name}",
        json=patch,
        headers={"Content-Type": "application/merge-patch+json"},
    )


def test_a_bad_setting_is_refused_and_a_good_one_holds_at_once(client: Client) -> None:
    webhook = 'admission webhook "config.webhook.serving.knative.dev" denied the request: '
    bad = config_map(client, "config-defaults", {"data": {"revision-timeout-seconds": "soon"}})
    assert bad.status_code == 400
    assert bad.json()["message"].startswith(f"{webhook}validation failed: ")
    assert "revision-timeout-seconds" in bad.json()["message"]
    touched = config_map(client, "config-defaults", {"data": {"_example": "changed"}})
    assert touched.status_code == 400
    assert 'modifies a key in "_example"' in touched.json()["message"]
    assert config_map(
        client, "config-defaults", {"data": {"revision-timeout-seconds": "123"}}
    ).is_success
    try:
        made = client.create(service("settled"))
        assert made["spec"]["template"]["spec"]["timeoutSeconds"] == 123
    finally:
        config_map(client, "config-defaults", {"data": {"revision-timeout-seconds": None}})

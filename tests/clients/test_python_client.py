"""The official Python client, as its documentation shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, dynamic, watch

from tanebi.testing.platform import Platform
from tests.e2e.driving import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]
NS = "python-client"
IMAGE = "dev.local/probe"
LABELS = {"app": "web"}


@pytest.fixture(scope="module")
def api(platform: Platform) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(platform.data_dir / "kubeconfig")) as found:
        space = client.V1Namespace(metadata=client.V1ObjectMeta(name=NS))
        client.CoreV1Api(found).create_namespace(space)
        yield found
        client.CoreV1Api(found).delete_namespace(NS)


def template(policy: str, *command: str) -> client.V1PodTemplateSpec:
    container = client.V1Container(name="c", image=IMAGE, command=list(command) or None)
    spec = client.V1PodSpec(
        containers=[container], restart_policy=policy, termination_grace_period_seconds=1
    )
    return client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=LABELS), spec=spec)


def test_objects_are_made_read_changed_and_deleted(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    meta = client.V1ObjectMeta(name="paint", labels={"a": "b"})
    made = core.create_namespaced_config_map(
        NS, client.V1ConfigMap(metadata=meta, data={"colour": "赤"})
    )
    assert core.read_namespaced_config_map("paint", NS).data == {"colour": "赤"}
    patched = core.patch_namespaced_config_map("paint", NS, {"data": {"size": "1"}})
    assert patched.data == {"colour": "赤", "size": "1"}
    made.data = {"stale": "yes"}
    with pytest.raises(client.ApiException) as refused:
        core.replace_namespaced_config_map("paint", NS, made)
    assert refused.value.status == 409
    assert len(core.list_namespaced_config_map(NS, label_selector="a=b").items) == 1
    core.delete_namespaced_config_map("paint", NS)
    with pytest.raises(client.ApiException) as gone:
        core.read_namespaced_config_map("paint", NS)
    assert (gone.value.status, gone.value.reason) == (404, "Not Found")


def test_a_watch_tells_what_happens(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    version = core.list_namespaced_config_map(NS).metadata.resource_version
    meta = client.V1ObjectMeta(name="seen")
    core.create_namespaced_config_map(NS, client.V1ConfigMap(metadata=meta))
    core.delete_namespaced_config_map("seen", NS)
    told = []
    watching = watch.Watch()
    for event in watching.stream(
        core.list_namespaced_config_map, NS, resource_version=version, timeout_seconds=20
    ):
        if event["object"].metadata.name == "seen":
            told.append(event["type"])
        if "DELETED" in told:
            watching.stop()
    assert told == ["ADDED", "DELETED"]


def test_a_deployment_and_its_scale(api: client.ApiClient) -> None:
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
    selector = client.V1LabelSelector(match_labels=LABELS)
    spec = client.V1DeploymentSpec(replicas=1, selector=selector, template=template("Always"))
    body = client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec)
    apps.create_namespaced_deployment(NS, body)
    eventually(lambda: apps.read_namespaced_deployment("web", NS).status.available_replicas == 1)
    (found,) = apps.list_namespaced_replica_set(NS, label_selector="app=web").items
    (pod,) = core.list_namespaced_pod(NS, label_selector="app=web").items
    assert pod.metadata.owner_references[0].uid == found.metadata.uid
    apps.patch_namespaced_deployment_scale("web", NS, {"spec": {"replicas": 0}})
    eventually(lambda: not core.list_namespaced_pod(NS, label_selector="app=web").items)
    apps.delete_namespaced_deployment("web", NS)


def test_a_job_and_its_log(api: client.ApiClient) -> None:
    batch, core = client.BatchV1Api(api), client.CoreV1Api(api)
    spec = client.V1JobSpec(template=template("Never", "echo", "from a job"))
    meta = client.V1ObjectMeta(name="once")
    batch.create_namespaced_job(NS, client.V1Job(metadata=meta, spec=spec))
    eventually(lambda: batch.read_namespaced_job_status("once", NS).status.succeeded == 1)
    (pod,) = core.list_namespaced_pod(NS, label_selector="job-name=once").items
    eventually(lambda: "from a job" in core.read_namespaced_pod_log(pod.metadata.name, NS))
    batch.delete_namespaced_job("once", NS, propagation_policy="Background")


def test_custom_objects(api: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(api)
    where = {"group": "serving.knative.dev", "version": "v1", "namespace": NS, "plural": "services"}
    container = {"image": IMAGE}
    body = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "hello"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    custom.create_namespaced_custom_object(**where, body=body)

    def ready() -> bool:
        found: Any = custom.get_namespaced_custom_object(**where, name="hello")
        conditions = found.get("status", {}).get("conditions", ())
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    eventually(ready)
    custom.delete_namespaced_custom_object(**where, name="hello")


def test_the_dynamic_client_applies(api: client.ApiClient) -> None:
    resources = dynamic.DynamicClient(api)
    maps = resources.resources.get(api_version="v1", kind="ConfigMap")
    wish = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}
    maps.server_side_apply(namespace=NS, body={**wish, "data": {"a": "1"}}, field_manager="one")
    with pytest.raises(dynamic.exceptions.ConflictError):
        maps.server_side_apply(namespace=NS, body={**wish, "data": {"a": "2"}}, field_manager="two")
    assert maps.get(name="applied", namespace=NS).data.a == "1"
    autoscalers = resources.resources.get(
        api_version="autoscaling/v1", kind="HorizontalPodAutoscaler"
    )
    assert autoscalers.get(namespace=NS).items == []

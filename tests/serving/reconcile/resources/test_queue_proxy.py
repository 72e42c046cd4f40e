"""What the sidecar would be: resources by annotation, share, setting and default; ports and environment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serving.api import REVISION
from serving.reconcile.resources.queue_proxy import make_queue_proxy
from tanebi.api.core.pod import Container
from tanebi.testing.planning import FixedConfigs

Q = "queue.sidecar.serving.knative.dev/"


def made(
    *, annotations: Any = None, configs: Any = None, resources: Any = None, protocol: str = "http1"
) -> Any:
    container = {"name": "c", "image": "i", "resources": resources or {}}
    container["readinessProbe"] = {"httpGet": {"path": "/ok", "port": 0}, "successThreshold": 1}
    labels = {"serving.knative.dev/service": "svc", "serving.knative.dev/configuration": "cfg"}
    meta = {"name": "r", "namespace": "n", "labels": labels, "annotations": annotations or {}}
    spec = {"containers": [container], "timeoutSeconds": 77, "containerConcurrency": 3}
    revision = REVISION.view({"metadata": meta, "spec": spec})
    found = make_queue_proxy(revision, 9000, protocol, configs=FixedConfigs(configs))
    Container.model_validate(found)
    return found


@pytest.mark.parametrize(
    ("annotations", "configs", "resources", "expected"),
    [
        ({}, {}, {}, {"requests": {"cpu": "25m"}}),
        (
            {f"{Q}cpu-resource-request": "50m", f"{Q}memory-resource-limit": "1Gi"},
            {},
            {},
            {"requests": {"cpu": "50m"}, "limits": {"memory": "1Gi"}},
        ),
        (
            {},
            {"config-features": {"queueproxy.resource-defaults": "Enabled"}},
            {},
            {
                "requests": {"cpu": "25m", "memory": "400Mi"},
                "limits": {"cpu": "1000m", "memory": "800Mi"},
            },
        ),
        (
            {},
            {"config-deployment": {"queue-sidecar-ephemeral-storage-limit": "1Gi"}},
            {},
            {"requests": {"cpu": "25m"}, "limits": {"ephemeral-storage": "1Gi"}},
        ),
        (
            {f"{Q}resource-percentage": "10"},
            {},
            {"requests": {"cpu": "500m", "memory": "10Gi"}, "limits": {"cpu": "100m"}},
            {"requests": {"cpu": "50m", "memory": "200Mi"}, "limits": {"cpu": "40m"}},
        ),
        (
            {f"{Q}resource-percentage": "20"},
            {},
            {"requests": {"memory": "600Mi"}},
            {"requests": {"cpu": "25m", "memory": "125829120"}},
        ),
    ],
    ids=["plain", "annotations", "feature", "setting", "share at its bounds", "share"],
)
def test_resources(annotations: Any, configs: Any, resources: Any, expected: Any) -> None:
    found = made(annotations=annotations, configs=configs, resources=resources)["resources"]
    assert found == expected


def test_environment() -> None:
    found = {one["name"]: one.get("value") for one in made()["env"]}
    assert found["SERVING_REVISION"] == "r"
    assert (found["SERVING_SERVICE"], found["SERVING_CONFIGURATION"]) == ("svc", "cfg")
    assert (found["CONTAINER_CONCURRENCY"], found["REVISION_TIMEOUT_SECONDS"]) == ("3", "77")
    assert (found["USER_PORT"], found["QUEUE_SERVING_PORT"]) == ("9000", "8012")
    assert json.loads(found["SERVING_READINESS_PROBE"]) == {
        "httpGet": {"path": "/ok", "port": 9000},
        "successThreshold": 1,
    }
    assert found["ENABLE_HTTP_FULL_DUPLEX"] == "false"
    assert found["SERVING_POD"] is None


def test_h2c_has_its_own_port() -> None:
    found = made(protocol="h2c")
    ports = {port["name"]: port["containerPort"] for port in found["ports"]}
    assert ports["queue-port"] == 8013
    assert found["readinessProbe"]["httpGet"]["port"] == 8013

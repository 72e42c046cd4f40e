"""What Kubernetes fills in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.pod_defaults import default_pod, default_pod_spec, qos_class
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj

NOBODY: Any = None
CREATE = Admission("CREATE", "somebody", datetime(2026, 1, 1, tzinfo=UTC), NOBODY)


def spec(container: Obj | None = None, **fields: Any) -> Obj:
    found: Obj = {"containers": [{"name": "c", "image": "i:v1", **(container or {})}], **fields}
    default_pod_spec(found)
    return found


def container(**fields: Any) -> Obj:
    found: Obj = spec(fields)["containers"][0]
    return found


def test_a_template() -> None:
    assert spec() == {
        "containers": [
            {
                "name": "c",
                "image": "i:v1",
                "imagePullPolicy": "IfNotPresent",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "terminationGracePeriodSeconds": 30,
        "schedulerName": "default-scheduler",
        "securityContext": {},
    }


def test_a_pod_has_more() -> None:
    found = default_pod({"spec": {"containers": []}}, None, CREATE)
    assert found["spec"]["enableServiceLinks"] is True
    assert found["spec"]["serviceAccountName"] == "default"
    assert found["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("i", "Always"),
        ("i:latest", "Always"),
        ("host:5000/i", "Always"),
        ("host:5000/i:v1", "IfNotPresent"),
        ("i@sha256:00", "IfNotPresent"),
        ("", "Always"),
    ],
)
def test_pull_policies(image: str, policy: str) -> None:
    assert container(image=image)["imagePullPolicy"] == policy


def test_probes() -> None:
    common = {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    http: Obj = {"httpGet": {"port": 80}}
    assert container(livenessProbe=http)["livenessProbe"] == common | {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}
    }
    own = {"tcpSocket": {"port": 1}, "periodSeconds": 0, "timeoutSeconds": 7}
    assert container(readinessProbe=own)["readinessProbe"] == common | own | {"periodSeconds": 10}


def test_ports_and_variables() -> None:
    assert container(ports=[{"containerPort": 1}])["ports"][0]["protocol"] == "TCP"
    field = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    (made,) = container(env=[field])["env"]
    assert made["valueFrom"]["fieldRef"]["apiVersion"] == "v1"


def test_volumes() -> None:
    found = spec(volumes=[{"name": "a"}, {"name": "b", "configMap": {"name": "m"}}])
    assert found["volumes"] == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "m", "defaultMode": 420}},
    ]


def test_what_is_said_stays() -> None:
    assert spec(restartPolicy="Never", terminationGracePeriodSeconds=0) | {} == spec(
        restartPolicy="Never", terminationGracePeriodSeconds=0
    )
    assert spec(terminationGracePeriodSeconds=0)["terminationGracePeriodSeconds"] == 0


@pytest.mark.parametrize("wrong", [{"containers": "x"}, {"containers": [1, None]}, {"volumes": 3}])
def test_nonsense_is_left_to_validation(wrong: Obj) -> None:
    default_pod_spec(wrong)


def test_a_limit_is_the_request_too() -> None:
    container: Obj = {"name": "c", "image": "i", "resources": {"limits": {"cpu": "1"}}}
    pod = default_pod({"spec": {"containers": [container]}}, None, CREATE)
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1"}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"requests": {"example.org/x": "1"}}, "BestEffort"),
        (
            {"requests": {"cpu": "1", "memory": "1"}, "limits": {"cpu": "1", "memory": "1"}},
            "Guaranteed",
        ),
        (
            {"requests": {"cpu": "1", "memory": "1"}, "limits": {"cpu": "2", "memory": "1"}},
            "Burstable",
        ),
    ],
)
def test_quality_of_service(resources: Obj, expected: str) -> None:
    assert qos_class({"containers": [{"name": "c", "resources": resources}]}) == expected

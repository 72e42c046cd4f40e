"""The Deployment of a Revision."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import REVISION
from serving.reconcile.resources.deployments import make_deployment, protocol_of, user_port
from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.testing.planning import FixedConfigs


def revision(*containers: Any, spec: Any = None, annotations: Any = None) -> Any:
    labels = {
        "serving.knative.dev/configuration": "cfg",
        "serving.knative.dev/service": "svc",
        "serving.knative.dev/routingState": "active",
        "team": "a",
    }
    meta = {
        "name": "rev",
        "namespace": "ns",
        "uid": "u",
        "labels": labels,
        "annotations": {
            "x": "y",
            "serving.knative.dev/routes": "r",
            "tanebi.dev/desired-hash": "1",
            **(annotations or {}),
        },
    }
    listed = list(containers) or [{"name": "user-container", "image": "i"}]
    return REVISION.view({"metadata": meta, "spec": {"containers": listed, **(spec or {})}})


def make(rev: Any, *, exists: bool = False, configs: Any = None, digests: Any = None) -> Any:
    made = make_deployment(rev, digests=digests or {}, exists=exists, configs=FixedConfigs(configs))
    DEPLOYMENT.view(made)
    return made


def container(made: Any, index: int = 0) -> Any:
    return made["spec"]["template"]["spec"]["containers"][index]


def test_names_labels_and_annotations() -> None:
    made = make(revision())
    assert made["metadata"]["name"] == "rev-deployment"
    labels = {
        "app": "rev",
        "team": "a",
        "serving.knative.dev/configuration": "cfg",
        "serving.knative.dev/service": "svc",
        "serving.knative.dev/revision": "rev",
        "serving.knative.dev/revisionUID": "u",
    }
    assert made["metadata"]["labels"] == labels
    assert made["spec"]["template"]["metadata"] == {
        "labels": labels,
        "annotations": {
            "x": "y",
            "kubectl.kubernetes.io/default-container": "user-container",
            "tanebi.dev/shown-only": "queue-proxy",
        },
    }
    assert made["metadata"]["annotations"] == {"x": "y"}
    assert made["spec"]["selector"] == {"matchLabels": {"serving.knative.dev/revisionUID": "u"}}
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u"


def test_the_users_container() -> None:
    probe = {"tcpSocket": {"port": 0}, "successThreshold": 1}
    own = {"name": "A", "value": "1"}
    given = {"name": "user-container", "image": "i", "env": [own], "readinessProbe": probe}
    made = container(make(revision(given), digests={"user-container": "i@sha256:d"}))
    assert made == {
        "name": "user-container",
        "image": "i@sha256:d",
        "env": [
            own,
            {"name": "PORT", "value": "8080"},
            {"name": "K_REVISION", "value": "rev"},
            {"name": "K_CONFIGURATION", "value": "cfg"},
            {"name": "K_SERVICE", "value": "svc"},
        ],
        "ports": [{"name": "user-port", "containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "successThreshold": 1},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


@pytest.mark.parametrize(
    ("port", "resolved"),
    [(0, 9000), ("http1", 9000), (7777, 7777), ("", 9000)],
    ids=["not given", "by name", "another number", "empty"],
)
def test_the_port_of_a_probe(port: Any, resolved: int) -> None:
    ports = [{"name": "http1", "containerPort": 9000}]
    probe = {"httpGet": {"path": "/ok", "port": port}}
    given = {"name": "c", "image": "i", "ports": ports, "livenessProbe": probe}
    made = container(make(revision(given)))
    assert made["livenessProbe"] == {"httpGet": {"path": "/ok", "port": resolved}}


def test_a_sidecar_takes_no_requests() -> None:
    main = {"name": "main", "image": "i", "ports": [{"containerPort": 9000}]}
    side = {"name": "side", "image": "j"}
    made = make(revision(side, main))
    assert "ports" not in container(made, 0)
    names = [e["name"] for e in container(made, 0)["env"]]
    assert names == ["K_REVISION", "K_CONFIGURATION", "K_SERVICE"]
    assert container(made, 1)["ports"] == [{"name": "user-port", "containerPort": 9000}]
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    assert annotations["kubectl.kubernetes.io/default-container"] == "main"


def test_the_pod_has_what_is_kubernetes_and_not_what_is_ours() -> None:
    spec = {
        "containerConcurrency": 3,
        "timeoutSeconds": 77,
        "idleTimeoutSeconds": 5,
        "responseStartTimeoutSeconds": 5,
        "serviceAccountName": "sa",
        "initContainers": [{"name": "init", "image": "k"}],
    }
    pod = make(revision(spec=spec))["spec"]["template"]["spec"]
    assert [c["name"] for c in pod["containers"]] == ["user-container", "queue-proxy"]
    assert sorted(pod) == [
        "affinity",
        "containers",
        "initContainers",
        "serviceAccountName",
        "terminationGracePeriodSeconds",
    ]
    assert pod["terminationGracePeriodSeconds"] == 77


@pytest.mark.parametrize(
    ("annotations", "configs", "replicas"),
    [
        ({}, {}, 1),
        ({"autoscaling.knative.dev/initial-scale": "3"}, {}, 3),
        ({}, {"config-autoscaler": {"initial-scale": "2"}}, 2),
        ({"autoscaling.knative.dev/min-scale": "5"}, {}, 5),
        ({"autoscaling.knative.dev/minScale": "5"}, {}, 5),
        ({"autoscaling.knative.dev/min-scale": "0"}, {"config-autoscaler": {"min-scale": "4"}}, 1),
        ({}, {"config-autoscaler": {"min-scale": "4"}}, 4),
        (
            {
                "autoscaling.knative.dev/min-scale": "2",
                "autoscaling.knative.dev/initial-scale": "3",
            },
            {},
            3,
        ),
    ],
)
def test_replicas_at_creation(annotations: Any, configs: Any, replicas: int) -> None:
    rev = revision(annotations=annotations)
    assert make(rev, configs=configs)["spec"]["replicas"] == replicas
    assert "replicas" not in make(rev, exists=True, configs=configs)["spec"]


@pytest.mark.parametrize(
    ("annotations", "configs", "seconds"),
    [
        ({}, {}, 600),
        ({}, {"config-deployment": {"progress-deadline": "30s"}}, 30),
        ({"serving.knative.dev/progress-deadline": "1m30s"}, {}, 90),
        ({"serving.knative.dev/progress-deadline": "soon"}, {}, 600),
    ],
)
def test_the_progress_deadline(annotations: Any, configs: Any, seconds: int) -> None:
    made = make(revision(annotations=annotations), configs=configs)
    assert made["spec"]["progressDeadlineSeconds"] == seconds


def test_protocol_and_port() -> None:
    h2c = revision({"name": "c", "ports": [{"name": "h2c", "containerPort": 9}]})
    assert (protocol_of(h2c), protocol_of(revision())) == ("h2c", "http1")
    assert user_port(h2c.spec.containers[0]) == 9
    assert user_port(revision().spec.containers[0]) == 8080


def test_where_pods_go() -> None:
    def spec(**data: Any) -> Any:
        made = make(revision(), configs={"config-deployment": data} if data else {})
        return made["spec"]["template"]["spec"]

    (term,) = spec()["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    selector = {"matchLabels": {"serving.knative.dev/revision": "rev"}}
    assert term["podAffinityTerm"]["labelSelector"] == selector
    assert "affinity" not in spec(**{"default-affinity-type": "none"})
    assert spec(**{"runtime-class-name": "gvisor: {}"})["runtimeClassName"] == "gvisor"
    own = revision(spec={"affinity": {"nodeAffinity": {}}})
    assert make(own)["spec"]["template"]["spec"]["affinity"] == {"nodeAffinity": {}}
    assert make(own)["spec"]["revisionHistoryLimit"] == 0

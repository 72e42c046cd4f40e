"""What a revision gets when its author says nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from serving.api import REVISION

PROBE = {"tcpSocket": {"port": 0}, "successThreshold": 1}


def complete(admission: Any, spec: Any, configs: Any = None) -> Any:
    obj = {"metadata": {"name": "r", "namespace": "n"}, "spec": copy.deepcopy(spec)}
    return REVISION.defaults(obj, None, admission(configs=configs))["spec"]


def test_the_least_that_can_be_said(admission: Any) -> None:
    assert complete(admission, {"containers": [{"image": "i"}]}) == {
        "containerConcurrency": 0,
        "containers": [
            {"image": "i", "name": "user-container", "readinessProbe": PROBE, "resources": {}}
        ],
        "enableServiceLinks": False,
        "timeoutSeconds": 300,
    }


def test_what_is_said_stays(admission: Any) -> None:
    spec = {
        "containerConcurrency": 3,
        "containers": [{"name": "c", "image": "i", "readinessProbe": {"httpGet": {"path": "/"}}}],
        "enableServiceLinks": True,
        "idleTimeoutSeconds": 4,
        "responseStartTimeoutSeconds": 5,
        "timeoutSeconds": 6,
    }
    found = complete(admission, spec)
    assert found["containers"][0]["readinessProbe"] == {
        "httpGet": {"path": "/"},
        "successThreshold": 1,
    }
    del found["containers"], spec["containers"]
    assert found == spec


@pytest.mark.parametrize(
    ("configs", "spec", "timers"),
    [
        ({}, {}, (300, None, None)),
        ({}, {"timeoutSeconds": 0}, (300, None, None)),
        ({}, {"timeoutSeconds": 400}, (400, 300, None)),
        ({"revision-idle-timeout-seconds": "20"}, {}, (300, None, 20)),
        ({"revision-idle-timeout-seconds": "20"}, {"timeoutSeconds": 20}, (20, None, None)),
        ({"revision-response-start-timeout-seconds": "9"}, {}, (300, 9, None)),
    ],
)
def test_timers(admission: Any, configs: Any, spec: Any, timers: Any) -> None:
    found = complete(
        admission, {"containers": [{"image": "i"}], **spec}, {"config-defaults": configs}
    )
    assert (
        found["timeoutSeconds"],
        found.get("responseStartTimeoutSeconds"),
        found.get("idleTimeoutSeconds"),
    ) == timers


@pytest.mark.parametrize(
    ("containers", "init", "names"),
    [
        ([""], [], ["user-container"]),
        (["", ""], [], ["user-container-0", "user-container-1"]),
        (["", "mine", ""], [], ["user-container-0", "mine", "user-container-1"]),
        (
            ["", "user-container-0", ""],
            [],
            ["user-container-1", "user-container-0", "user-container-2"],
        ),
        ([""], ["user-container"], ["user-container-0", "user-container"]),
        (["a"], ["", ""], ["a", "init-container-0", "init-container-1"]),
    ],
)
def test_names_of_containers(admission: Any, containers: Any, init: Any, names: Any) -> None:
    def listed(group: Any) -> Any:
        return [{"image": "i", **({"name": name} if name else {})} for name in group]

    found = complete(admission, {"containers": listed(containers), "initContainers": listed(init)})
    given = [c["name"] for c in (*found["containers"], *found["initContainers"])]
    assert given == names


def test_names_from_a_template(admission: Any) -> None:
    configs = {"config-defaults": {"container-name-template": "{{.Name}}-{{.Namespace}}"}}
    assert complete(admission, {"containers": [{}]}, configs)["containers"][0]["name"] == "r-n"


def test_resources(admission: Any) -> None:
    configs = {"config-defaults": {"revision-cpu-request": "1m", "revision-memory-limit": "2Mi"}}
    spec = {"containers": [{"resources": {"requests": {"cpu": "9m"}}}, {"ports": [{}]}]}
    first, second = complete(admission, spec, configs)["containers"]
    assert first["resources"] == {"requests": {"cpu": "9m"}, "limits": {"memory": "2Mi"}}
    assert second["resources"] == {"requests": {"cpu": "1m"}, "limits": {"memory": "2Mi"}}


def test_probes_of_several_containers(admission: Any) -> None:
    side, main = complete(admission, {"containers": [{}, {"ports": [{}]}]})["containers"]
    assert "readinessProbe" not in side
    assert main["readinessProbe"] == PROBE


@pytest.mark.parametrize(
    ("probe", "completed"),
    [
        ({}, PROBE),
        (
            {"exec": {}, "periodSeconds": 5},
            {
                "exec": {},
                "periodSeconds": 5,
                "successThreshold": 1,
                "failureThreshold": 3,
                "timeoutSeconds": 1,
            },
        ),
        ({"grpc": {"port": 1}}, {"grpc": {"port": 1, "service": ""}, "successThreshold": 1}),
        (
            {"tcpSocket": {"port": 9}, "successThreshold": 2},
            {"tcpSocket": {"port": 9}, "successThreshold": 2},
        ),
    ],
)
def test_readiness(admission: Any, probe: Any, completed: Any) -> None:
    found = complete(admission, {"containers": [{"readinessProbe": probe}]})
    assert found["containers"][0]["readinessProbe"] == completed


def test_mounts_are_for_reading_only_unless_made_for_writing(admission: Any) -> None:
    mounts = [{"name": "s"}, {"name": "e"}]
    volumes = [{"name": "s", "secret": {}}, {"name": "e", "emptyDir": {}}]
    found = complete(admission, {"containers": [{"volumeMounts": mounts}], "volumes": volumes})
    assert found["containers"][0]["volumeMounts"] == [
        {"name": "s", "readOnly": True},
        {"name": "e"},
    ]


@pytest.mark.parametrize(("level", "no_root"), [("enabled", True), ("allowrootbounded", None)])
def test_secure_pods(admission: Any, level: str, no_root: Any) -> None:
    configs = {"config-features": {"secure-pod-defaults": level}}
    spec = {"containers": [{"ports": [{"containerPort": 80}]}]}
    context = complete(admission, spec, configs)["containers"][0]["securityContext"]
    assert context.pop("runAsNonRoot", None) is no_root
    assert context == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    }


@pytest.mark.parametrize("capabilities", [{}, {"drop": []}, {"add": ["NET_RAW"]}])
def test_whoever_names_capabilities_decides(admission: Any, capabilities: Any) -> None:
    configs = {"config-features": {"secure-pod-defaults": "enabled"}}
    spec = {"containers": [{"securityContext": {"capabilities": dict(capabilities)}}]}
    context = complete(admission, spec, configs)["containers"][0]["securityContext"]
    assert context["capabilities"] == capabilities


def test_what_the_pod_says_wins(admission: Any) -> None:
    configs = {"config-features": {"secure-pod-defaults": "enabled"}}
    pod = {"runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"}}
    spec = {
        "securityContext": pod,
        "containers": [{"securityContext": {"capabilities": {"drop": []}}}],
    }
    context = complete(admission, spec, configs)["containers"][0]["securityContext"]
    assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": []}}


def test_a_revision_is_completed_once(admission: Any) -> None:
    old = {"metadata": {}, "spec": {"containers": [{}]}}
    assert REVISION.defaults(copy.deepcopy(old), old, admission("UPDATE")) == old


def test_defaults_of_defaults_are_the_same(admission: Any) -> None:
    once = complete(admission, {"containers": [{}, {"ports": [{}]}], "timeoutSeconds": 500})
    assert complete(admission, once) == once

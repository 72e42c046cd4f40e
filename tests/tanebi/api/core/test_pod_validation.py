"""The essential rules, in Kubernetes' words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod_defaults import default_pod
from tanebi.api.core.pod_validation import validate_pod
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj

NOBODY: Any = None
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATE = Admission("CREATE", "somebody", NOW, NOBODY)


def pod(container: Obj | None = None, **spec: Any) -> Obj:
    listed = [{"name": "c", "image": "i", **(container or {})}]
    return default_pod({"spec": {"containers": listed, **spec}}, None, CREATE)


def told(obj: Obj) -> str:
    return render(validate_pod(POD.view(obj), None, CREATE))


def test_a_good_one() -> None:
    assert told(pod()) == ""


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"containers": []}, "Required value: spec.containers"),
        (
            {"restartPolicy": "Sometimes"},
            'Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never": spec.restartPolicy',
        ),
        (
            {"terminationGracePeriodSeconds": -1},
            "",
        ),
        (
            {"volumes": [{"name": "v"}, {"name": "v"}]},
            'Duplicate value: "v": spec.volumes[1].name',
        ),
        ({"volumes": [{"emptyDir": {}}]}, "Required value: spec.volumes[0].name"),
        (
            {"securityContext": {"sysctls": [{"name": n} for n in ("a.b/c_d", "a", "a")]}},
            'Duplicate value: "a": spec.securityContext.sysctls[2].name',
        ),
        (
            {"initContainers": [{"name": "c", "image": "i"}]},
            'Duplicate value: "c": spec.initContainers[0].name',
        ),
    ],
)
def test_specs(spec: Obj, words: str) -> None:
    assert told(pod(**spec)) == words


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"image": ""}, "Required value: spec.containers[0].image"),
        ({"name": ""}, "Required value: spec.containers[0].name"),
        ({"name": "Big"}, 'Invalid value: "Big": a lowercase RFC 1123 label'),
        (
            {"ports": [{"containerPort": 70000}]},
            "Invalid value: 70000: must be between 1 and 65535, inclusive: "
            "spec.containers[0].ports[0].containerPort",
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "ICMP"}]},
            'Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {"ports": [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}]},
            'Duplicate value: "a": spec.containers[0].ports[1].name',
        ),
        ({"imagePullPolicy": "Maybe"}, 'Unsupported value: "Maybe"'),
        ({"env": [{"value": "x"}]}, "Required value: spec.containers[0].env[0].name"),
        ({"env": [{"name": "a=b"}]}, 'Invalid value: "a=b": a valid environment variable name'),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            "must specify one of: `fieldRef`",
        ),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "value": "x",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                    }
                ]
            },
            "may not be specified when `value` is not empty",
        ),
        ({"readinessProbe": {}}, "Required value: must specify a handler type"),
        (
            {"lifecycle": {"preStop": {}}},
            "Required value: must specify a handler type: spec.containers[0].lifecycle.preStop",
        ),
        (
            {"lifecycle": {"postStart": {"exec": {"command": ["x"]}, "sleep": {"seconds": 1}}}},
            "Forbidden: may not specify more than 1 handler type: spec.containers[0].lifecycle.postStart.sleep",
        ),
        (
            {"lifecycle": {"preStop": {"exec": {}}}},
            "Required value: spec.containers[0].lifecycle.preStop.exec.command",
        ),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            "Invalid value: 31: must be greater than 0 and less than terminationGracePeriodSeconds (30)",
        ),
        (
            {"readinessProbe": {"tcpSocket": {"port": 1}, "exec": {"command": ["x"]}}},
            "Forbidden: may not specify more than 1 handler type: spec.containers[0].readinessProbe",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            "Invalid value: 2: must be 1: spec.containers[0].livenessProbe.successThreshold",
        ),
        (
            {"readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": -2}},
            "Invalid value: -2: must be greater than or equal to 0",
        ),
        (
            {"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            'Not found: "v": spec.containers[0].volumeMounts[0].name',
        ),
        (
            {"resources": {"limits": {"cpu": "lots"}}},
            'Invalid value: "lots": quantities must match the regular expression',
        ),
        ({"resources": {"requests": {"cpu": "-1"}}}, 'Invalid value: "-1": must be greater'),
    ],
)
def test_containers(container: Obj, words: str) -> None:
    assert words in told(pod(container))


def test_all_errors_at_once() -> None:
    assert (
        told(pod({"name": "", "image": "", "ports": [{"containerPort": 70000}]})).count("\n") >= 1
    )


def test_what_may_change() -> None:
    old = POD.view(pod())
    update = Admission("UPDATE", "somebody", NOW, NOBODY)
    assert validate_pod(POD.view(pod({"image": "other"})), old, update) == []
    assert validate_pod(POD.view(pod(nodeName="here")), old, update) == []
    (error,) = validate_pod(POD.view(pod({"command": ["x"]})), old, update)
    assert error.message.startswith("Forbidden: pod updates may not change fields other than")
    status = Admission("UPDATE", "somebody", NOW, NOBODY, subresource="status")
    assert validate_pod(POD.view(pod({"command": ["x"]})), old, status) == []


@pytest.mark.parametrize("name", ["foo-", "safe-and-unsafe*", "42.", "Big"])
def test_names_of_kernel_settings(name: str) -> None:
    said = told(pod(securityContext={"sysctls": [{"name": name, "value": "1"}]}))
    assert f'Invalid value: "{name}": must have at most 253 characters and match regex ^' in said


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {"ports": [{"containerPort": 0}]},
            "Required value: spec.containers[0].ports[0].containerPort",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 0}}},
            "spec.containers[0].livenessProbe.httpGet.port",
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": "A"}}},
            "spec.containers[0].livenessProbe.tcpSocket.port",
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 1}, "tcpSocket": {"port": 1}}},
            "may not specify more than 1 handler type: spec.containers[0].livenessProbe.tcpSocket",
        ),
        (
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
        ),
    ],
)
def test_containers_in_detail(container: Obj, words: str) -> None:
    assert words in told(pod(container))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("metadata.name", ""),
        ("metadata.labels['a.b/c']", ""),
        ("spec.host", ""),
        ("metadata.labels['a b']", 'Invalid value: "a b"'),
        ("spec.x['a']", "field label does not support subscript"),
        (
            "metadata.labels",
            'Unsupported value: "metadata.labels": supported values: "metadata.name"',
        ),
        ("spec.frob", "error converting fieldPath: field label not supported: spec.frob"),
        ("", "Required value: spec.containers[0].env[0].valueFrom.fieldRef.fieldPath"),
    ],
)
def test_what_variables_may_take_of_their_pod(path: str, words: str) -> None:
    said = told(pod({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]}))
    assert words in said if words else not said

"""Everything that a Service may do wrong, in Knative's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from serving.api import SERVICE
from tanebi.api.fielderrors import render

LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
T = "spec.template"
S = "spec.template.spec"
C = "spec.template.spec.containers[0]"


def at(obj: Any, path: str, value: Any) -> None:
    """Set `value` at a dotted path; a number is an index."""
    *steps, last = path.split(".")
    for step in steps:
        if isinstance(obj, list):
            while len(obj) <= int(step):
                obj.append({})
            obj = obj[int(step)]
        else:
            obj = obj.setdefault(step, {})
    if isinstance(obj, list):
        obj[int(last)] = value
    else:
        obj[last] = value


GOOD: Any = {
    "metadata": {"name": "s"},
    "spec": {
        "template": {"spec": {"containers": [{"image": "dev.local/hello"}]}},
        "traffic": [{"percent": 100}],
    },
}
BASE = "spec.template.spec.containers.0"

ONE_FIELD: list[tuple[str, Any, str]] = [
    # --- metadata ---
    ("metadata.name", "", "name or generateName is required: metadata.name"),
    ("metadata.name", "9", f"not a DNS 1035 label: [{LABEL}]: metadata.name"),
    (
        "metadata.name",
        "a" * 64,
        "not a DNS 1035 label: [must be no more than 63 characters]: metadata.name",
    ),
    (
        "metadata.generateName",
        "A-",
        f"not a DNS 1035 label prefix: [{LABEL}]: metadata.generateName",
    ),
    (
        "metadata.annotations",
        {"autoscaling.knative.dev/min-scale": "1"},
        'invalid key name "autoscaling.knative.dev/min-scale": metadata.annotations\n'
        'autoscaling annotations must be put under "spec.template.metadata.annotations" to work',
    ),
    (
        "metadata.annotations",
        {"serving.knative.dev/rollout-duration": "soon"},
        "invalid value: soon: metadata.annotations.serving.knative.dev/rollout-duration",
    ),
    (
        "metadata.annotations",
        {"serving.knative.dev/rollout-duration": "1.5s"},
        "rollout-duration=1.5s is not at second precision: "
        "metadata.annotations.serving.knative.dev/rollout-duration",
    ),
    (
        "metadata.annotations",
        {"serving.knative.dev/rollout-duration": "-1s"},
        "rollout-duration=-1s must be positive: metadata.annotations.serving.knative.dev/rollout-duration",
    ),
    (
        "metadata.labels",
        {"serving.knative.dev/mine": "x"},
        'invalid key name "serving.knative.dev/mine": metadata.labels',
    ),
    (
        "metadata.labels",
        {"networking.knative.dev/visibility": "public"},
        "invalid value: public: metadata.labels.networking.knative.dev/visibility",
    ),
    # --- template metadata ---
    (
        "spec.template.metadata.name",
        "other",
        f'invalid value: "other" must have prefix "s-": {T}.metadata.name',
    ),
    (
        "spec.template.metadata.name",
        "s-A",
        f"invalid value: not a DNS 1035 label: [{LABEL}]: {T}.metadata.name",
    ),
    (
        "spec.template.metadata.generateName",
        "A",
        f"invalid value: not a DNS 1035 label prefix: [{LABEL}]: {T}.metadata.generateName",
    ),
    (
        "spec.template.metadata.annotations",
        {"autoscaling.knative.dev/min-scale": "-1"},
        f"expected 0 <= -1 <= 2147483647: {T}.metadata.annotations.autoscaling.knative.dev/min-scale",
    ),
    (
        "spec.template.metadata.annotations",
        {"serving.knative.dev/progress-deadline": "0s"},
        f"progress-deadline=0s must be positive: {T}.metadata.annotations.serving.knative.dev/progress-deadline",
    ),
    (
        "spec.template.metadata.annotations",
        {"queue.sidecar.serving.knative.dev/resource-percentage": "200"},
        f"expected 0.1 <= 200 <= 100: {T}.metadata.annotations[queue.sidecar.serving.knative.dev/resource-percentage]",
    ),
    (
        "spec.template.metadata.annotations",
        {"queue.sidecar.serving.knative.dev/cpu-resource-limit": "much"},
        f"invalid value: much: {T}.metadata.annotations[queue.sidecar.serving.knative.dev/cpu-resource-limit]",
    ),
    (
        "spec.template.metadata.annotations",
        {"features.knative.dev/http-full-duplex": "maybe"},
        f"invalid value: maybe: {T}.metadata.annotations.features.knative.dev/http-full-duplex",
    ),
    # --- revision ---
    ("spec.template.spec.timeoutSeconds", 601, f"expected 0 <= 601 <= 600: {S}.timeoutSeconds"),
    ("spec.template.spec.timeoutSeconds", -1, f"expected 0 <= -1 <= 600: {S}.timeoutSeconds"),
    (
        "spec.template.spec.containerConcurrency",
        1001,
        f"expected 0 <= 1001 <= 1000: {S}.containerConcurrency",
    ),
    # --- pod ---
    ("spec.template.spec.containers", [], f"missing field(s): {S}.containers"),
    ("spec.template.spec.hostNetwork", True, f"must not set the field(s): {S}.hostNetwork"),
    ("spec.template.spec.restartPolicy", "Never", f"must not set the field(s): {S}.restartPolicy"),
    (
        "spec.template.spec.terminationGracePeriodSeconds",
        0,
        f"must not set the field(s): {S}.terminationGracePeriodSeconds",
    ),
    ("spec.template.spec.nodeName", "n", f"must not set the field(s): {S}.nodeName"),
    (
        "spec.template.spec.automountServiceAccountToken",
        True,
        f"must not set the field(s): {S}.automountServiceAccountToken",
    ),
    (
        "spec.template.spec.securityContext",
        {"runAsUser": 1},
        f"must not set the field(s): {S}.securityContext, {S}.securityContext.runAsUser",
    ),
    (
        "spec.template.spec.initContainers",
        [{"image": "dev.local/x1"}],
        f"must not set the field(s): {S}.initContainers\n"
        f"pod spec support for init-containers is off, but found 1 init containers: {S}",
    ),
    # --- container ---
    (f"{BASE}.image", "", f"missing field(s): {C}.image"),
    (
        f"{BASE}.image",
        "Not An Image",
        f"Failed to parse image reference: {C}.image\n"
        'image: "Not An Image", error: could not parse reference: Not An Image',
    ),
    (f"{BASE}.name", "queue-proxy", f'"queue-proxy" is a reserved container name: {C}.name'),
    (f"{BASE}.lifecycle", {"preStop": {}}, f"must not set the field(s): {C}.lifecycle"),
    (f"{BASE}.stdin", True, f"must not set the field(s): {C}.stdin"),
    (f"{BASE}.tty", True, f"must not set the field(s): {C}.tty"),
    (f"{BASE}.env", [{"value": "x"}], f"missing field(s): {C}.env[0].name"),
    (
        f"{BASE}.env",
        [{"name": "PORT", "value": "1"}],
        f'"PORT" is a reserved environment variable: {C}.env[0].name',
    ),
    (
        f"{BASE}.env",
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
        f"must not set the field(s): {C}.env[0].valueFrom.fieldRef",
    ),
    (
        f"{BASE}.envFrom",
        [{}],
        f"expected exactly one, got neither: {C}.envFrom.configMapRef, {C}.envFrom.secretRef",
    ),
    (
        f"{BASE}.envFrom",
        [{"configMapRef": {"name": "a"}, "secretRef": {"name": "b"}}],
        f"expected exactly one, got both: {C}.envFrom.configMapRef, {C}.envFrom.secretRef",
    ),
    (
        f"{BASE}.ports",
        [{"containerPort": 8080}, {"containerPort": 8081}],
        f"more than one container port is set: {S}.containers[*].ports\n"
        "Only a single port is allowed across all containers",
    ),
    (
        f"{BASE}.ports",
        [{"name": "http"}],
        f"Port name http is not allowed: {C}.ports\nName must be empty, or one of: 'h2c', 'http1'",
    ),
    (
        f"{BASE}.ports",
        [{"containerPort": 8012}],
        f"invalid value: 8012 is a reserved port: {C}.ports.containerPort\n"
        "8012 is a reserved port, please use a different value",
    ),
    (
        f"{BASE}.ports",
        [{"containerPort": 65536}],
        f"expected 0 <= 65536 <= 65535: {C}.ports.containerPort",
    ),
    (f"{BASE}.ports", [{"protocol": "UDP"}], f"invalid value: UDP: {C}.ports.protocol"),
    (f"{BASE}.ports", [{"hostPort": 80}], f"must not set the field(s): {C}.ports.hostPort"),
    (
        f"{BASE}.terminationMessagePolicy",
        "Shout",
        f"invalid value: Shout: {C}.terminationMessagePolicy",
    ),
    (
        f"{BASE}.securityContext",
        {"privileged": True},
        f"must not set the field(s): {C}.securityContext.privileged",
    ),
    (
        f"{BASE}.securityContext",
        {"runAsUser": -1},
        f"expected 0 <= -1 <= 2147483647: {C}.securityContext.runAsUser",
    ),
    (
        f"{BASE}.securityContext",
        {"capabilities": {"add": ["ALL"]}},
        f"must not set the field(s): {C}.securityContext.capabilities.add",
    ),
    (
        f"{BASE}.resources",
        {"limits": {"cpu": "much"}},
        f"invalid value: much: {C}.resources.limits.cpu\n"
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ),
    (f"{BASE}.resources", {"claims": [{}]}, f"must not set the field(s): {C}.resources.claims"),
    # --- probes ---
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 1},
        f"expected exactly one, got neither: {C}.readinessProbe.exec, {C}.readinessProbe.grpc, "
        f"{C}.readinessProbe.httpGet, {C}.readinessProbe.tcpSocket",
    ),
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 1, "httpGet": {}, "tcpSocket": {}},
        f"expected exactly one, got both: {C}.readinessProbe.httpGet, {C}.readinessProbe.tcpSocket",
    ),
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 1, "tcpSocket": {}, "failureThreshold": 2, "timeoutSeconds": 1},
        f"failureThreshold is disallowed when periodSeconds is zero: {C}.readinessProbe.failureThreshold\n"
        f"timeoutSeconds is disallowed when periodSeconds is zero: {C}.readinessProbe.timeoutSeconds",
    ),
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 0, "tcpSocket": {}, "periodSeconds": 1},
        f"expected 1 <= 0 <= 2147483647: {C}.readinessProbe.failureThreshold, "
        f"{C}.readinessProbe.successThreshold, {C}.readinessProbe.timeoutSeconds",
    ),
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 1, "tcpSocket": {"port": "web"}},
        f"invalid value: web: {C}.readinessProbe.tcpSocket.port\nProbe port must match container port",
    ),
    (
        f"{BASE}.readinessProbe",
        {"successThreshold": 1, "tcpSocket": {}, "initialDelaySeconds": -1},
        f"expected 0 <= -1 <= 2147483647: {C}.readinessProbe.initialDelaySeconds",
    ),
    (
        f"{BASE}.livenessProbe",
        {"exec": {"command": ["x"]}, "terminationGracePeriodSeconds": 1},
        f"must not set the field(s): {C}.livenessProbe.terminationGracePeriodSeconds",
    ),
    # --- volumes ---
    (
        f"{BASE}.volumeMounts",
        [{"name": "v", "mountPath": "/x", "readOnly": True}],
        f"volumeMount has no matching volume: {C}.volumeMounts[0].name",
    ),
    (
        "spec.template.spec.volumes",
        [{"name": "v", "secret": {"secretName": "s"}}],
        f'volume with name "v" not mounted: {S}.volumes[0].name',
    ),
    # --- traffic ---
    ("spec.traffic", [{"percent": 50}], "Traffic targets sum to 50, want 100: spec.traffic"),
    (
        "spec.traffic",
        [{"percent": 101}],
        "Traffic targets sum to 101, want 100: spec.traffic\n"
        "expected 0 <= 101 <= 100: spec.traffic[0].percent",
    ),
    (
        "spec.traffic",
        [{"percent": 100, "configurationName": "c"}],
        "must not set the field(s): spec.traffic[0].configurationName",
    ),
    (
        "spec.traffic",
        [{"percent": 100, "url": "http://x"}],
        "must not set the field(s): spec.traffic[0].url",
    ),
    (
        "spec.traffic",
        [{"percent": 50, "tag": "a"}, {"percent": 50, "tag": "a"}],
        'Multiple definitions for "a": spec.traffic[0].tag, spec.traffic[1].tag',
    ),
    (
        "spec.traffic",
        [{"percent": 100, "revisionName": "s-1", "latestRevision": True}],
        'may not set revisionName "s-1" when latestRevision is true: spec.traffic[0].latestRevision',
    ),
    (
        "spec.traffic",
        [{"percent": 100, "latestRevision": False}],
        'may not set revisionName "" when latestRevision is false: spec.traffic[0].latestRevision',
    ),
    (
        "spec.traffic",
        [{"percent": 100, "tag": "A"}],
        f"invalid value: not a DNS 1035 label: [{LABEL}]: spec.traffic.tag[0]",
    ),
]


def errors(obj: Any, admission: Any, old: Any = None) -> str:
    view = SERVICE.view(obj)
    before = SERVICE.view(old) if old is not None else None
    found = SERVICE.validate(view, before, admission)
    return render(e for e in found if e.level == "error")


def test_a_good_service(admission: Any) -> None:
    assert errors(GOOD, admission()) == ""


@pytest.mark.parametrize(
    ("path", "value", "text"), ONE_FIELD, ids=[f"{p}={v}"[:70] for p, v, _ in ONE_FIELD]
)
def test_one_wrong_field(admission: Any, path: str, value: Any, text: str) -> None:
    obj = copy.deepcopy(GOOD)
    at(obj, path, value)
    assert errors(obj, admission()) == text


def test_everything_that_is_wrong_is_told_at_once(admission: Any) -> None:
    obj = copy.deepcopy(GOOD)
    at(obj, f"{BASE}.image", "")
    at(obj, "spec.template.spec.timeoutSeconds", 700)
    at(obj, "spec.traffic", [{"percent": 1}])
    assert errors(obj, admission()).count("\n") == 2


@pytest.mark.parametrize(
    ("configs", "path", "value"),
    [
        ({"kubernetes.podspec-affinity": "enabled"}, "spec.template.spec.affinity", {"a": {}}),
        (
            {"kubernetes.podspec-tolerations": "allowed"},
            "spec.template.spec.tolerations",
            [{"a": "b"}],
        ),
        (
            {"kubernetes.podspec-fieldref": "enabled"},
            f"{BASE}.env",
            [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
        ),
        (
            {"kubernetes.podspec-init-containers": "enabled"},
            "spec.template.spec.initContainers",
            [{"name": "i", "image": "dev.local/x1", "env": [{"name": "PORT"}]}],
        ),
        (
            {"kubernetes.podspec-securitycontext": "enabled"},
            "spec.template.spec.securityContext",
            {"runAsUser": 1, "supplementalGroups": [1]},
        ),
        (
            {"kubernetes.containerspec-addcapabilities": "enabled"},
            f"{BASE}.securityContext",
            {"capabilities": {"add": ["ALL"]}},
        ),
    ],
)
def test_features_permit(admission: Any, configs: Any, path: str, value: Any) -> None:
    obj = copy.deepcopy(GOOD)
    at(obj, path, value)
    assert errors(obj, admission()) != ""
    assert errors(obj, admission(configs={"config-features": configs})) == ""


def test_concurrency_without_a_bound_may_be_forbidden(admission: Any) -> None:
    obj = copy.deepcopy(GOOD)
    at(obj, "spec.template.spec.containerConcurrency", 0)
    configs = {"config-defaults": {"allow-container-concurrency-zero": "false"}}
    text = "expected 1 <= 0 <= 1000: spec.template.spec.containerConcurrency"
    assert errors(obj, admission(configs=configs)) == text


# --- updates ---
def test_who_made_it_cannot_be_forged(admission: Any) -> None:
    old, new = copy.deepcopy(GOOD), copy.deepcopy(GOOD)
    old["metadata"]["annotations"] = {"serving.knative.dev/creator": "a"}
    new["metadata"]["annotations"] = {"serving.knative.dev/creator": "b"}
    assert errors(new, admission("UPDATE"), old) == (
        "annotation value is immutable: metadata.annotations.serving.knative.dev/creator"
    )


def test_the_modifier_changes_with_the_spec_only(admission: Any) -> None:
    old, new = copy.deepcopy(GOOD), copy.deepcopy(GOOD)
    new["metadata"]["annotations"] = {"serving.knative.dev/lastModifier": "b"}
    text = "invalid value: b: metadata.annotations.serving.knative.dev/lastModifier"
    assert errors(new, admission("UPDATE"), old) == text
    at(new, "spec.template.spec.timeoutSeconds", 5)
    assert errors(new, admission("UPDATE"), old) == ""


def test_a_template_with_the_authors_name_changes_with_its_name(admission: Any) -> None:
    old = copy.deepcopy(GOOD)
    at(old, "spec.template.metadata.name", "s-one")
    new = copy.deepcopy(old)
    at(new, f"{BASE}.image", "dev.local/other")
    assert errors(new, admission("UPDATE"), old) == (
        "Saw the following changes without a name change (-old +new): spec.template.metadata.name\n"
        '{*v1.RevisionTemplateSpec}.spec.containers[0].image:\n\t-: "dev.local/hello"\n\t+: "dev.local/other"\n'
    )
    at(new, "spec.template.metadata.name", "s-two")
    assert errors(new, admission("UPDATE"), old) == ""


def test_status_updates_and_objects_on_their_way_out_are_not_judged(admission: Any) -> None:
    bad = copy.deepcopy(GOOD)
    at(bad, f"{BASE}.image", "")
    assert errors(bad, admission("UPDATE", subresource="status"), GOOD) == ""
    bad["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert errors(bad, admission("UPDATE"), GOOD) == ""


def test_several_containers(admission: Any) -> None:
    obj = copy.deepcopy(GOOD)
    side = {"name": "side", "image": "dev.local/x1", "livenessProbe": {"exec": {"command": ["a"]}}}
    main = {"name": "side", "image": "dev.local/x1", "ports": [{"containerPort": 1}]}
    obj["spec"]["template"]["spec"]["containers"] = [side, main]
    assert errors(obj, admission()) == (
        f'duplicate container name "side": {S}.containers[1].name\n'
        f"must not set the field(s): {S}.containers[0].livenessProbe.exec"
    )
    off = {"config-features": {"multi-container": "disabled"}}
    assert (
        errors(obj, admission(configs=off))
        == f"multi-container is off, but found 2 containers: {S}"
    )
    probing = {"config-features": {"multi-container-probing": "enabled"}}
    assert "livenessProbe" not in errors(obj, admission(configs=probing))
    del main["ports"]
    assert f"missing field(s): {S}.containers[*].ports" in errors(obj, admission())

"""An unmodified kubectl drives the platform through the kubeconfig that `tanebi up` wrote."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from tanebi.testing.skipping import kubectl_missing
from tests.e2e.driving import User, eventually, service

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.timeout(180),
    kubectl_missing(),
]


def test_apply_wait_get_describe_logs_delete(user: User) -> None:
    kubectl = user.platform.kubectl
    manifest = yaml.safe_dump(service("viak", env={"TARGET": "kubectl"}))
    assert (
        "service.serving.knative.dev/viak created"
        in kubectl("apply", "-f", "-", stdin=manifest).stdout
    )
    before = user.get("ksvc", "viak")["metadata"]["generation"]
    # Defaulted lists differ from the manifest's, so kubectl sends a patch each time; it changes nothing.
    kubectl("apply", "-f", "-", stdin=manifest)
    assert user.get("ksvc", "viak")["metadata"]["generation"] == before
    kubectl("wait", "ksvc/viak", "--for=condition=Ready", "--timeout=30s")
    table = kubectl("get", "ksvc", "viak").stdout.splitlines()
    assert table[0].split() == ["NAME", "URL", "LATESTCREATED", "LATESTREADY", "READY", "REASON"]
    assert table[1].split()[:5] == [
        "viak",
        user.get("ksvc", "viak")["status"]["url"],
        "viak-00001",
        "viak-00001",
        "True",
    ]
    described = kubectl("describe", "ksvc", "viak").stdout
    assert "viak-00001" in described
    assert user.request("viak", "/print?text=from-kubectl").status_code == 200
    pod = kubectl(
        "get", "pods", "-l", "serving.knative.dev/service=viak", "-o", "name"
    ).stdout.split()[0]
    eventually(lambda: "from-kubectl" in kubectl("logs", pod).stdout)
    assert "Running" in kubectl("get", pod).stdout
    kubectl("delete", "ksvc", "viak", "--timeout=30s")
    assert "NotFound" in kubectl("get", "ksvc", "viak", check=False).stderr


def test_columns_of_every_kind_a_service_makes(user: User) -> None:
    kubectl = user.platform.kubectl
    user.apply(service("columns"))
    user.wait_ready("ksvc", "columns")
    expected = {
        "revisions": [
            "NAME",
            "CONFIG",
            "NAME",
            "GENERATION",
            "READY",
            "REASON",
            "ACTUAL",
            "REPLICAS",
        ],
        "routes": ["NAME", "URL", "READY", "REASON"],
        "configurations": ["NAME", "LATESTCREATED", "LATESTREADY", "READY", "REASON"],
        "kpa": ["NAME", "DESIREDSCALE", "ACTUALSCALE", "READY", "REASON"],
        "deployments": ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
        "pods": ["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
        "services": ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
    }
    for kind, columns in expected.items():
        assert kubectl("get", kind).stdout.splitlines()[0].split()[: len(columns)] == columns, kind


def test_watch_shows_changes(user: User) -> None:
    user.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}})
    command = [
        "kubectl", "--kubeconfig", str(user.platform.data_dir / "kubeconfig"),
        "get", "cm", "-w", "-o", "name",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            watching.stdout.readline()
            user.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}})
            lines = iter(watching.stdout.readline, "")
            assert next(line for line in lines if "seen" in line).strip() == "configmap/seen"
        finally:
            watching.kill()


def test_following_logs(user: User) -> None:
    user.apply(service("talker"))
    user.wait_ready("ksvc", "talker")
    assert user.request("talker", "/print?text=first").status_code == 200
    pods = json.loads(
        user.platform.kubectl(
            "get", "pods", "-l", "serving.knative.dev/service=talker", "-o", "json"
        ).stdout
    )["items"]
    command = [
        "kubectl", "--kubeconfig", str(user.platform.data_dir / "kubeconfig"),
        "logs", "-f", pods[0]["metadata"]["name"],
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            assert following.stdout.readline().strip() == "first"
            assert user.request("talker", "/print?text=second").status_code == 200
            assert following.stdout.readline().strip() == "second"
        finally:
            following.kill()


def test_patches_labels_and_server_side_apply(user: User) -> None:
    kubectl = user.platform.kubectl
    user.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "patched"},
            "data": {"a": "1"},
        }
    )
    kubectl(
        "patch", "cm", "patched", "--type=json", "-p", '[{"op":"add","path":"/data/b","value":"2"}]'
    )
    kubectl("patch", "cm", "patched", "--type=merge", "-p", '{"data":{"a":null}}')
    kubectl("patch", "cm", "patched", "--type=strategic", "-p", '{"data":{"c":"3"}}')
    kubectl("label", "cm", "patched", "color=red")
    kubectl("annotate", "cm", "patched", "note=x")
    manifest = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "patched"},
            "data": {"d": "4"},
        }
    )
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    found = json.loads(kubectl("get", "cm", "patched", "-o", "json").stdout)
    assert found["data"] == {"b": "2", "c": "3", "d": "4"}
    assert found["metadata"]["labels"] == {"color": "red"}
    kubectl("delete", "cm", "-l", "color=red")
    assert "NotFound" in kubectl("get", "cm", "patched", check=False).stderr


def test_a_refusal_has_knatives_words(user: User) -> None:
    bad = service("refused", timeoutSeconds=601)
    done = user.platform.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(bad), check=False)
    assert done.returncode == 1
    assert (
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: '
        "validation failed: expected 0 <= 601 <= 600: spec.template.spec.timeoutSeconds"
    ) in done.stderr


def test_what_kubectl_creates_goes_as_protobuf(user: User) -> None:
    kubectl = user.platform.kubectl
    kubectl("create", "configmap", "made", "--from-literal=a=種火")
    assert json.loads(kubectl("get", "cm", "made", "-o", "json").stdout)["data"] == {"a": "種火"}
    kubectl("create", "secret", "generic", "made", "--from-literal=p=q")
    assert kubectl("get", "secret", "made", "-o", "jsonpath={.data.p}").stdout == "cQ=="
    kubectl("create", "namespace", "made")
    kubectl("create", "service", "clusterip", "made", "--tcp=80:8080")
    kubectl("create", "deployment", "made", "--image=none", "--replicas=0", "--port=8080")
    kubectl("scale", "deployment", "made", "--current-replicas=0", "--replicas=1")
    made = json.loads(kubectl("get", "deployment", "made", "-o", "json").stdout)
    assert made["spec"]["replicas"] == 1
    kubectl("run", "made", "--image=none", "--env=A=b", "--port=80")
    assert kubectl("get", "pod", "made", "-o", "jsonpath={..env[0].value}").stdout == "b"
    kubectl("delete", "pod/made", "--grace-period=0", "--force", "--timeout=20s")
    kubectl("delete", "deployment/made", "svc/made", "--timeout=20s")
    kubectl("delete", "ns", "made", "--cascade=foreground", "--timeout=20s")

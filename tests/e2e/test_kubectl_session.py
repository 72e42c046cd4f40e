"""A long session of an unmodified kubectl: every verb, on Kubernetes' own kinds, as a person works through them.

The tests of this module run in their order and share one platform; each command is counted, and the last test tells how many.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tanebi.testing.platform import Platform
from tanebi.testing.skipping import kubectl_missing
from tests.e2e.driving import User, build_images, eventually

IN_ORDER = True  # one session, as a person types it
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    kubectl_missing(),
]
COMMANDS_MIN = 60
IMAGE = "dev.local/probe"
EDITOR = """#!/bin/sh
sed -i 's/colour: .*/colour: edited/' "$1"
"""


class Session:
    """Runs commands and counts them."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.count = 0

    def __call__(self, command: str, *more: str, stdin: str = "", ok: bool = True) -> str:
        """What it printed, on both streams. `more` are words with blanks in them."""
        self.count += 1
        done = self.user.platform.kubectl(*command.split(), *more, stdin=stdin or None, check=False)
        assert (done.returncode == 0) is ok, f"kubectl {command}\n{done.stdout}{done.stderr}"
        assert "Warning" not in done.stderr or "apply" in command, done.stderr
        return str(done.stdout + done.stderr)

    def json(self, command: str) -> Any:
        return json.loads(self(f"{command} -o json"))

    def rows(self, command: str) -> list[list[str]]:
        return [line.split() for line in self(command).splitlines()]


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with Platform(tmp_path_factory.mktemp("session") / "data") as platform:
        build_images(platform)
        person = User(platform)
        yield Session(person)
        person.http.close()


def web(**spec: Any) -> str:
    container = {"name": "app", "image": IMAGE, "ports": [{"containerPort": 8080}]}
    return yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
                },
                **spec,
            },
        }
    )


def test_what_the_cluster_is(kubectl: Session) -> None:
    assert "Server Version: v1.32" in kubectl("version")
    assert "Kubernetes control plane" in kubectl("cluster-info")
    assert "deployments" in kubectl("api-resources --api-group=apps")
    assert "batch/v1" in kubectl("api-versions")
    assert kubectl.rows("get nodes")[1][:3] == ["tanebi", "Ready", "control-plane"]
    assert "INTERNAL-IP" in kubectl("get nodes -o wide")
    assert "KubeletReady" in kubectl("describe node tanebi")
    assert "kube-node-lease" in kubectl("get namespaces")
    assert "10.96.0.1" in kubectl("get svc kubernetes")
    assert "local-path (default)" in kubectl("get storageclass")
    assert "replicas" in kubectl("explain deployment.spec")
    assert "FIELD: schedule" in kubectl("explain cronjob.spec.schedule")
    assert "Metrics API not available" in kubectl("top nodes", ok=False)


def test_who_i_am_and_what_others_may(kubectl: Session) -> None:
    assert "system:masters" in kubectl("auth whoami")
    assert kubectl("auth can-i create deployments.apps").strip() == "yes"
    as_robot = "--as system:serviceaccount:default:default"
    assert kubectl(f"auth can-i delete pods {as_robot}", ok=False).strip() == "no"
    kubectl("create role looker --verb get,list --resource pods")
    kubectl("create rolebinding looker --role looker --serviceaccount default:default")
    assert kubectl(f"auth can-i list pods {as_robot}").strip() == "yes"
    assert "pods" in kubectl(f"auth can-i --list {as_robot}")
    assert "system:serviceaccount:default:default" in kubectl(f"auth whoami {as_robot}")
    assert "cannot list resource" in kubectl(f"get secrets {as_robot}", ok=False)
    kubectl("delete rolebinding,role looker")


def test_a_deployment_from_file_to_rollback(kubectl: Session) -> None:
    assert "created" in kubectl("apply -f -", stdin=web())
    assert "successfully rolled out" in kubectl("rollout status deployment/web --timeout=30s")
    assert kubectl.rows("get deployment web")[1][:4] == ["web", "2/2", "2", "2"]
    assert "IMAGES" in kubectl("get deploy,rs,pods -l app=web -o wide")
    assert "replicas: 3" in kubectl("diff -f -", stdin=web(replicas=3), ok=False)
    assert "configured" in kubectl("apply -f -", stdin=web(replicas=3))
    kubectl("scale deployment web --replicas=1")
    kubectl("wait deployment/web --for=jsonpath={.status.replicas}=1 --timeout=20s")
    kubectl("set env deployment/web COLOUR=blue")
    kubectl("rollout status deployment/web --timeout=30s")
    kubectl("annotate deployment web kubernetes.io/change-cause=blue")
    history = kubectl("rollout history deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["1", "2"]
    assert "COLOUR" in kubectl("rollout history deployment/web --revision=2")
    assert "rolled back" in kubectl("rollout undo deployment/web")
    kubectl("rollout status deployment/web --timeout=30s")
    found = kubectl.json("get deployment web")
    assert "env" not in found["spec"]["template"]["spec"]["containers"][0]
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    kubectl("rollout pause deployment/web")
    kubectl(f"set image deployment/web app={IMAGE}:none")
    assert kubectl.json("get deployment web")["spec"]["paused"] is True
    kubectl("rollout undo deployment/web", ok=False)
    kubectl(f"set image deployment/web app={IMAGE}")
    kubectl("rollout resume deployment/web")
    kubectl("rollout restart deployment/web")
    kubectl("rollout status deployment/web --timeout=30s")
    described = kubectl("describe deployment web")
    assert "ScalingReplicaSet" in described
    assert "NewReplicaSet:" in described
    assert "autoscaled" in kubectl("autoscale deployment web --min=1 --max=3")
    assert "Deployment/web" in kubectl("get hpa web")
    assert "not driven here" in kubectl("describe hpa web")


def test_a_service_and_its_endpoints(kubectl: Session) -> None:
    assert "exposed" in kubectl("expose deployment web --port=80 --target-port=8080")
    service = kubectl.json("get service web")
    assert service["spec"]["clusterIP"].startswith("10.")
    eventually(lambda: any(r[0] == "web" and ":" in r[1] for r in kubectl.rows("get endpoints")))
    assert kubectl.json("get endpoints web")["subsets"][0]["addresses"][0]["targetRef"]
    assert "web-" in kubectl("get endpointslices -l kubernetes.io/service-name=web")
    assert "Endpoints:" in kubectl("describe service web")
    kubectl("create service nodeport outside --tcp=80:8080")
    assert "NodePort" in kubectl("get svc outside")
    refused = kubectl("create service clusterip bad --tcp=80 --clusterip=1.2.3.4", ok=False)
    assert "does not match the current range" in refused
    kubectl("delete service outside")


def test_changing_an_object_in_every_way(kubectl: Session, tmp_path: Path) -> None:
    kubectl("create configmap paint --from-literal=colour=red")
    kubectl("label configmap paint shade=dark")
    kubectl("annotate configmap paint note=x")
    assert kubectl("get cm -l shade=dark -o name").strip() == "configmap/paint"
    kubectl("patch cm paint --type=json -p", '[{"op":"add","path":"/data/size","value":"1"}]')
    kubectl("patch cm paint --type=merge -p", '{"data":{"size":null}}')
    kubectl("patch cm paint -p", '{"data":{"shape":"round"}}')
    editor = tmp_path / "editor"
    editor.write_text(EDITOR)
    editor.chmod(0o755)
    os.environ["KUBE_EDITOR"] = str(editor)
    try:
        assert "edited" in kubectl("edit configmap paint")
    finally:
        del os.environ["KUBE_EDITOR"]
    data = kubectl.json("get cm paint")["data"]
    assert data == {"colour": "edited", "shape": "round"}
    wish = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "paint"}}
    mine = yaml.safe_dump({**wish, "data": {"colour": "mine"}})
    other = "apply --server-side --field-manager=other -f -"
    conflict = kubectl(other, stdin=mine, ok=False)
    assert "conflict" in conflict
    assert "serverside-applied" in kubectl(f"{other} --force-conflicts", stdin=mine)
    kubectl("replace -f -", stdin=yaml.safe_dump({**wish, "data": {"a": "b"}}))
    assert kubectl("get cm paint -o jsonpath={.data.a}") == "b"
    assert "dry run" in kubectl("delete cm paint --dry-run=server")
    kubectl("label configmap paint shade-")
    kubectl("create secret generic hidden --from-literal=p=q")
    assert "Opaque" in kubectl("get secret hidden")
    frozen = {**wish, "metadata": {"name": "fixed"}, "immutable": True, "data": {"a": "1"}}
    kubectl("create -f -", stdin=yaml.safe_dump(frozen))
    refused = kubectl("patch cm fixed -p", '{"data":{"a":"2"}}', ok=False)
    assert "field is immutable when `immutable` is set" in refused
    kubectl("delete cm paint fixed")
    kubectl("delete secret hidden")
    assert "NotFound" in kubectl("get cm paint", ok=False)


def test_pods_that_end(kubectl: Session) -> None:
    run = f"run {{}} --image={IMAGE} --restart=Never --command -- sh -c"
    kubectl(run.format("good"), "echo from good")
    kubectl(run.format("bad"), "exit 3")
    kubectl("wait pod/good --for=jsonpath={.status.phase}=Succeeded --timeout=20s")
    kubectl("wait pod/bad --for=jsonpath={.status.phase}=Failed --timeout=20s")
    assert kubectl.rows("get pod good")[1][1:3] == ["0/1", "Completed"]
    eventually(lambda: kubectl("logs good") == "from good\n")
    assert "from good" in kubectl("logs good --tail=1 --timestamps")
    described = kubectl("describe pod bad")
    assert "Exit Code:    3" in described
    assert "Scheduled" in kubectl("get events --field-selector involvedObject.name=good")
    assert "good" in kubectl("get pods --field-selector=status.phase=Succeeded")
    assert "Scheduled" in kubectl("events --for pod/good")
    kubectl("delete pod good bad")


def test_jobs(kubectl: Session) -> None:
    kubectl(f"create job once --image={IMAGE} -- true")
    kubectl("wait job/once --for=condition=complete --timeout=20s")
    assert kubectl.rows("get job once")[1][:3] == ["once", "Complete", "1/1"]
    assert "SuccessfulCreate" in kubectl("describe job once")
    kubectl(f"create cronjob tick --image={IMAGE} --schedule", "0 0 1 1 *", "--", "true")
    assert "0 0 1 1 *" in kubectl("get cronjob tick")
    kubectl("create job now --from=cronjob/tick")
    kubectl("wait job/now --for=condition=complete --timeout=20s")
    kubectl("patch cronjob tick -p", '{"spec":{"suspend":true}}')
    assert kubectl.rows("get cronjob tick")[1][-4] == "True"
    refused = kubectl(f"create cronjob bad --image={IMAGE} --schedule", "61 * * * *", ok=False)
    assert "spec.schedule: Invalid value" in refused
    kubectl("describe cronjob tick")
    kubectl("delete cronjob tick")
    eventually(lambda: "now" not in kubectl("get jobs"))
    kubectl("delete job once")


def test_inside_a_pod(kubectl: Session, tmp_path: Path) -> None:
    pod = kubectl("get pods -l app=web -o name").split()[0]
    assert kubectl(f"exec {pod} -- sh -c", "echo from $((1+1))") == "from 2\n"
    kubectl(f"exec {pod} -- sh -c", "exit 3", ok=False)
    here, name = tmp_path / "note", pod.removeprefix("pod/")
    here.write_text("copied")
    kubectl(f"cp {here} {name}:note")
    kubectl(f"cp {name}:note {tmp_path}/back")
    assert (tmp_path / "back").read_text() == "copied"
    config = str(kubectl.user.platform.data_dir / "kubeconfig")
    command = ["kubectl", "--kubeconfig", config, "port-forward", pod, ":8080"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            words = forwarding.stdout.readline().split()  # Forwarding from 127.0.0.1:PORT -> 8080
            answer = kubectl.user.http.get(f"http://{words[2]}/")
            assert answer.status_code == 200
        finally:
            forwarding.terminate()


def workload(kind: str, **spec: Any) -> str:
    found = yaml.safe_load(web(**spec))
    name = kind.lower()
    labels = {"app": name}
    found["kind"], found["metadata"] = kind, {"name": name}
    found["spec"]["selector"] = {"matchLabels": labels}
    found["spec"]["template"]["metadata"] = {"labels": labels}
    if kind == "DaemonSet":
        del found["spec"]["replicas"]
    return yaml.safe_dump(found)


def test_sets(kubectl: Session) -> None:
    kubectl("apply -f -", stdin=workload("StatefulSet", serviceName="statefulset"))
    kubectl("rollout status statefulset/statefulset --timeout=30s")
    names = kubectl("get pods -l app=statefulset -o name").split()
    assert names == ["pod/statefulset-0", "pod/statefulset-1"]
    kubectl("set env statefulset/statefulset A=1")
    kubectl("rollout status statefulset/statefulset --timeout=30s")
    assert "2" in kubectl("rollout history statefulset/statefulset")
    kubectl("rollout undo statefulset/statefulset")
    kubectl("rollout status statefulset/statefulset --timeout=30s")
    kubectl("scale statefulset statefulset --replicas=1")
    kubectl("describe statefulset statefulset")
    kubectl("apply -f -", stdin=workload("DaemonSet"))
    kubectl("rollout status daemonset/daemonset --timeout=30s")
    assert kubectl.rows("get daemonset")[1][1:6] == ["1", "1", "1", "1", "1"]
    kubectl("describe daemonset daemonset")
    assert "controllerrevision" in kubectl("get controllerrevisions -o name")
    kubectl("apply -f -", stdin=workload("ReplicaSet"))
    kubectl("wait replicaset/replicaset --for=jsonpath={.status.readyReplicas}=2 --timeout=20s")
    kubectl("scale replicaset replicaset --replicas=0")
    kubectl("describe replicaset replicaset")
    kubectl("delete statefulset/statefulset daemonset/daemonset replicaset/replicaset")


def test_the_node_out_of_service(kubectl: Session) -> None:
    kubectl("cordon tanebi")
    assert kubectl.rows("get nodes")[1][1] == "Ready,SchedulingDisabled"
    kubectl(f"run waiting --image={IMAGE} --restart=Never --command -- sleep 100")
    eventually(lambda: "FailedScheduling" in kubectl("describe pod waiting"))
    assert "1 node(s) were unschedulable" in kubectl("get pod waiting -o yaml")
    kubectl("create poddisruptionbudget keep --selector=app=web --min-available=1")
    eventually(lambda: kubectl.json("get pdb keep").get("status", {}).get("expectedPods"))
    drain = "drain tanebi --ignore-daemonsets --force"
    assert "Cannot evict pod" in kubectl(f"{drain} --timeout=2s", ok=False)
    kubectl("delete pdb keep")
    assert "drained" in kubectl(f"{drain} --timeout=60s")
    kubectl("uncordon tanebi")
    kubectl("rollout status deployment/web --timeout=30s")
    assert "tainted" in kubectl("taint nodes tanebi dedicated=x:NoSchedule")
    assert "dedicated=x:NoSchedule" in kubectl("describe node tanebi")
    assert "untainted" in kubectl("taint nodes tanebi dedicated-")
    kubectl("wait pod/waiting --for=condition=Ready --timeout=20s")
    kubectl("delete pod waiting --grace-period=1")


def test_the_end(kubectl: Session) -> None:
    kubectl("create namespace temporary")
    kubectl("create deployment gone -n temporary --replicas=1", f"--image={IMAGE}")
    kubectl("create poddisruptionbudget pdb --selector=app=web --min-available=1")
    assert "pdb" in kubectl("get pdb")
    kubectl("create quota quota --hard=pods=10")
    assert "quota" in kubectl("get quota")
    kubectl("create priorityclass high --value=5")
    kubectl("create ingress ing --rule=a.b/*=web:80")
    assert "a.b" in kubectl("get ingress")
    shown = kubectl("get all")
    for kind in ("pod/", "service/", "deployment.apps/", "replicaset.apps/"):
        assert kind in shown
    kubectl("delete namespace temporary --timeout=30s")
    kubectl("delete deployment/web service/web hpa/web pdb/pdb quota/quota ingress/ing")
    kubectl("delete priorityclass high")
    eventually(lambda: "No resources found" in kubectl("get pods"))
    assert kubectl.count >= COMMANDS_MIN

"""What a pod's program may do at the API with the token of its service account: nothing, until a role is bound to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tanebi.testing.network import network_missing
from tanebi.testing.platform import Platform
from tanebi.testing.skipping import kubectl_missing
from tests.e2e.driving import User

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.timeout(120),
    network_missing(),
    kubectl_missing(),
]
FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"

# As any client library does it inside a cluster; the status and what is in the answer.
APP = f"""
import http.server, json, os, ssl, urllib.error, urllib.request
FOLDER = "{FOLDER}"
def said(name):
    with open(f"{{FOLDER}}/{{name}}") as file:
        return file.read()
def ask():
    host, port = (os.environ[f"KUBERNETES_SERVICE_{{part}}"] for part in ("HOST", "PORT"))
    url = f"https://{{host}}:{{port}}/api/v1/namespaces/{{said('namespace')}}/configmaps"
    request = urllib.request.Request(url, headers={{"authorization": f"Bearer {{said('token')}}"}})
    trust = ssl.create_default_context(cafile=f"{{FOLDER}}/ca.crt")
    try:
        with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
            return answer.status, [one["metadata"]["name"] for one in json.load(answer)["items"]]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["message"]
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = os.listdir(FOLDER) if os.path.isdir(FOLDER) else []
        body = json.dumps(ask() if self.path == "/ask" else found).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), H).serve_forever()
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("pod-identity")
    source = folder / "app"
    source.mkdir()
    (source / "app.py").write_text(APP)
    (source / "Procfile").write_text("web: python app.py\n")
    with Platform(folder / "data", "--pod-network", "own") as platform:
        platform.cli("image", "build", str(source), "--tag", "dev.local/asks")
        person = User(platform)
        platform.kubectl("create", "sa", "robot")
        alone = service("alone", automountServiceAccountToken=False)
        person.apply(service("asks", serviceAccountName="robot"), alone)
        person.wait_ready("ksvc", "asks")
        person.wait_ready("ksvc", "alone")
        yield person
        person.http.close()


def service(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [{"image": "dev.local/asks"}], **spec}}},
    }


def test_a_program_lists_what_its_role_says(user: User) -> None:
    kubectl = user.platform.kubectl
    status, message = json.loads(user.request("asks", "/ask").text)
    assert status == 403
    assert 'User "system:serviceaccount:default:robot" cannot list resource "configmaps"' in message
    kubectl("create", "role", "reader", "--verb=list", "--resource=configmaps")
    kubectl("create", "rolebinding", "reads", "--role=reader", "--serviceaccount=default:robot")
    status, names = json.loads(user.request("asks", "/ask").text)
    assert status == 200
    assert "kube-root-ca.crt" in names


def test_what_the_pod_shows(user: User) -> None:
    own = ("pods", "-l", "serving.knative.dev/service=asks")
    (pod,) = json.loads(user.platform.kubectl("get", *own, "-o", "json").stdout)["items"]
    (volume,) = pod["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    mount = {"name": volume["name"], "readOnly": True, "mountPath": FOLDER}
    assert all(one["volumeMounts"] == [mount] for one in pod["spec"]["containers"])
    assert pod["spec"]["serviceAccountName"] == "robot"
    events = user.platform.kubectl("get", "events").stdout
    assert "FailedMount" not in events


def test_a_revision_that_wants_no_token(user: User) -> None:
    assert json.loads(user.request("alone").text) == []
    mounts = Path("/proc/self/mounts").read_text()
    assert str(user.platform.data_dir) not in mounts, "shown in pods only"


def test_a_pod_is_applied_together_with_its_account_and_class(user: User) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "new"}}
    above = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 5}
    above["metadata"] = {"name": "above"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    container = {"name": "c", "image": "dev.local/asks"}
    spec = {"serviceAccountName": "new", "priorityClassName": "above", "containers": [container]}
    user.apply(account, above, {**pod, "spec": spec})
    assert user.get("pod", "p")["spec"]["priority"] == 5

"""What goes wrong with containers, as it is told on the revision, and how it mends: all at once on one platform."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tanebi.testing.engine import IMAGE, build_busybox, engine_missing
from tanebi.testing.platform import Platform
from tests.e2e.driving import User, eventually, processes_with
from tests.e2e.test_engine import containers

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240), engine_missing()]

SERVE = "mkdir -p /tmp/w; echo well > /tmp/w/index.html; exec busybox httpd -f -p $PORT -h /tmp/w"
EAT = 'x=0123456789abcdef; while true; do x="$x$x"; done'
DEADLINE_S = 90.0


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("unhappy")
    build_busybox(os.environ, folder)
    with Platform(folder / "data", runtime="engine") as platform:
        person = User(platform)
        yield person
        person.http.close()
    assert containers(platform, named=False) == [], "nothing is left"


def service(
    name: str, script: str, *, annotations: dict[str, str] | None = None, **own: Any
) -> dict[str, Any]:
    container = {"image": IMAGE, "command": ["/bin/sh", "-c", script], **own}
    template: dict[str, Any] = {"spec": {"timeoutSeconds": 2, "containers": [container]}}
    if annotations:
        template["metadata"] = {"annotations": annotations}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": template},
    }


def told(user: User, name: str) -> dict[str, Any]:
    """The Ready condition of the first revision, once it is False."""

    def failed() -> dict[str, Any]:
        found = user.platform.cli("get", "revision", f"{name}-00001", "-o", "json", check=False)
        if found.returncode:
            return {}
        condition = user.condition("revision", f"{name}-00001")
        return condition if condition.get("status") == "False" else {}

    condition: dict[str, Any] = eventually(failed, DEADLINE_S, what=f"{name} is told")
    return condition


def container_ids(user: User, name: str) -> list[str]:
    pods = yaml.safe_load(user.platform.cli("get", "pods", "-o", "json").stdout)["items"]
    own = [
        one for one in pods if one["metadata"]["labels"].get("serving.knative.dev/service") == name
    ]
    statuses = [c for one in own for c in one["status"].get("containerStatuses") or ()]
    # The entry of the queue-proxy is shown and never run.
    return [c["containerID"] for c in statuses if "containerID" in c and "running" in c["state"]]


def test_each_way_to_fail_has_its_words_and_mends(user: User) -> None:
    fail_each_way(user)


def fail_each_way(user: User) -> None:
    deadline = {"serving.knative.dev/progress-deadline": "8s"}
    user.apply(
        service("crash", "echo the reason >&2; exit 3"),
        service("oom", EAT, resources={"limits": {"memory": "24Mi"}}),
        service("command", "", command=["/not/there"]),
        service("mute", "busybox sleep 3600", annotations=deadline),
        service("root", SERVE, securityContext={"runAsNonRoot": True}),
    )
    crash = told(user, "crash")
    assert crash["reason"] == "ExitCode3"
    assert "the reason" in crash["message"]
    assert told(user, "oom")["reason"] == "ExitCode137"
    assert "/not/there" in told(user, "command")["message"]
    assert "runAsNonRoot" in told(user, "root")["message"]
    assert told(user, "mute")["reason"] == "ProgressDeadlineExceeded"
    user.apply(service("crash", SERVE))
    user.wait_ready("ksvc", "crash", 60)
    assert user.request("crash").text == "well\n"
    for name in ("oom", "command", "mute", "root"):
        user.platform.cli("delete", "ksvc", name)


def test_an_engine_that_ends_takes_nothing_with_it_and_is_started_again(user: User) -> None:
    user.apply(service("steady", SERVE, annotations={"autoscaling.knative.dev/min-scale": "1"}))
    user.wait_ready("ksvc", "steady", 60)
    before = container_ids(user, "steady")
    for pid in processes_with(f"TANEBI_ENGINE={user.platform.data_dir / 'engine'}"):
        if b"system\0service" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    assert user.request("steady").text == "well\n"
    user.apply(service("later", SERVE))
    user.wait_ready("ksvc", "later", 60)
    assert user.request("later").text == "well\n"
    assert before
    assert set(before) <= set(container_ids(user, "steady")), "what ran runs on"


def test_a_directory_with_a_dockerfile_is_deployed(user: User, tmp_path: Path) -> None:
    deploy_a_dockerfile(user, tmp_path)


def deploy_a_dockerfile(user: User, tmp_path: Path) -> None:
    source = tmp_path / "app"
    source.mkdir()
    shutil.copy(shutil.which("busybox") or "", source / "busybox")
    (source / "index.html").write_text("from a Dockerfile\n")
    command = '["/busybox", "sh", "-c", "exec /busybox httpd -f -p $PORT -h /w"]'
    (source / "Dockerfile").write_text(
        f"FROM scratch\nCOPY busybox /busybox\nCOPY index.html /w/index.html\nCMD {command}\n"
    )
    said = user.platform.cli("deploy", str(source), "--name", "built").stdout
    assert "COPY index.html" in said
    assert said.splitlines()[-1].startswith("http://built.default.")
    assert user.request("built").text == "from a Dockerfile\n"
    (source / "index.html").write_text("built anew\n")
    user.platform.cli("deploy", str(source), "--name", "built")
    assert user.request("built").text == "built anew\n"
    (source / "Dockerfile").write_text("FROM scratch\nCOPY nothing /x\n")
    failed = user.platform.cli("deploy", str(source), "--name", "built", check=False)
    assert failed.returncode == 1
    assert "COPY nothing" in failed.stderr

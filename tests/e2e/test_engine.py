"""Container images through `tanebi up`: Podman's containers behind the same manifests, from zero, crashing, killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tanebi.kubelet.engine.role import platform_name
from tanebi.kubelet.engine.spec import PLATFORM_LABEL
from tanebi.testing.engine import IMAGE, build_busybox, containers_of, engine_missing
from tanebi.testing.network import network_missing
from tanebi.testing.platform import Platform
from tests.e2e.driving import User, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(180), engine_missing()]

PAGE = "mkdir -p /tmp/w; cp /etc/greeting/text /tmp/w/index.html; exec busybox httpd -f -p $PORT -h /tmp/w"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("engine")
    build_busybox(os.environ, folder)
    with Platform(folder / "data", runtime="auto") as platform:
        person = User(platform)
        yield person
        person.http.close()
    assert containers(platform, named=False) == [], "nothing is left"


def containers(platform: Platform, *, named: bool = True) -> list[str]:
    """Those of the platform's pods; with `named` false also the places that wait."""
    wanted = ["io.kubernetes.pod.namespace=default"] if named else []
    wanted.append(f"{PLATFORM_LABEL}={platform_name(platform.data_dir / 'pods')}")
    return containers_of(platform.environment, *wanted)


def page(name: str, **container: Any) -> dict[str, Any]:
    own = {
        "image": IMAGE,
        "command": ["/bin/sh", "-c", PAGE],
        "volumeMounts": [{"name": "greeting", "mountPath": "/etc/greeting"}],
        **container,
    }
    annotations = {"autoscaling.knative.dev/window": "6s"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {
                    "timeoutSeconds": 2,  # also what a first process gets that does not mind SIGTERM
                    "containers": [own],
                    "volumes": [{"name": "greeting", "configMap": {"name": "greeting"}}],
                },
            }
        },
    }


GREETING = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "greeting"},
    "data": {"text": "hello from a container"},
}


def test_a_container_serves_sleeps_and_wakes(user: User) -> None:
    user.configure({"scale-to-zero-grace-period": "6s"})
    user.apply(GREETING, page("page"))
    user.wait_ready("ksvc", "page")
    assert user.request("page").text.strip() == "hello from a container"
    eventually(
        lambda: containers(user.platform) == [], 60, what="scaled to zero, and every container gone"
    )
    assert user.request("page").text.strip() == "hello from a container"


CALLER = r"""mkdir -p /tmp/w/cgi-bin
cat > /tmp/w/cgi-bin/get <<'END'
#!/bin/sh
busybox printf 'Content-Type: text/plain\r\n\r\n'
exec wget -qO- "$QUERY_STRING" 2>&1
END
busybox chmod +x /tmp/w/cgi-bin/get
exec busybox httpd -f -p $PORT -h /tmp/w"""


@network_missing()
def test_names_lead_from_container_to_container(user: User) -> None:
    live = page(
        "live", command=["/bin/sh", "-c", "exec busybox httpd -f -p $PORT -h /etc/greeting"]
    )
    caller = page("caller", command=["/bin/sh", "-c", CALLER])
    user.apply(GREETING, live, caller)
    user.wait_ready("ksvc", "live")
    user.wait_ready("ksvc", "caller")
    for host in ("live.default.svc.cluster.local", "live.default.svc", "live.default"):
        said = user.request("caller", f"/cgi-bin/get?http://{host}/text").text
        assert said.strip() == "hello from a container", host
    assert "bad address" in user.request("caller", "/cgi-bin/get?http://no.default.svc/").text
    changed = {**GREETING, "data": {"text": "hello again"}}
    user.apply(changed)
    eventually(lambda: user.request("live", "/text").text == "hello again", 10, what="live volume")


def test_a_container_finds_its_account_and_the_api(user: User) -> None:
    where = "/var/run/secrets/kubernetes.io/serviceaccount"
    text = f"cd {where}; cat namespace; head -c 3 token; head -n 1 ca.crt; env"
    container = {"name": "c", "image": IMAGE, "command": ["/bin/sh", "-c", text]}
    spec = {"restartPolicy": "Never", "containers": [container]}
    meta = {"name": "account"}
    user.apply({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    eventually(lambda: user.get("pod", "account")["status"]["phase"] == "Succeeded", 30)
    said = user.platform.cli("logs", "pod/account").stdout
    assert "defaulteyJ-----BEGIN CERTIFICATE-----" in said
    assert "KUBERNETES_SERVICE_HOST=kubernetes.default.svc" in said or os.geteuid() != 0
    user.platform.cli("delete", "pod", "account")


def test_a_container_that_ends_is_started_again_and_told(user: User) -> None:
    text = "echo started; sleep 1; echo why > /dev/termination-log; exit 3"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "ends"},
        "spec": {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": IMAGE, "command": ["/bin/sh", "-c", text]}],
        },
    }
    user.apply(pod)
    eventually(lambda: _status(user, "ends").get("restartCount", 0) >= 1, 30)
    last = _status(user, "ends")["lastState"]["terminated"]
    assert (last["exitCode"], last["message"].strip()) == (3, "why")
    assert last["containerID"].startswith(("podman://", "docker://"))
    user.platform.cli("delete", "pod", "ends")


def _status(user: User, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = user.get("pod", name)["status"].get("containerStatuses") or [{}]
    return found[0]


def test_an_image_that_is_nowhere_is_told_on_the_service(user: User) -> None:
    user.apply(page("nowhere", image="dev.local/nowhere"))
    eventually(lambda: user.condition("ksvc", "nowhere").get("status") == "False")
    assert (
        "tanebi image build DIR"
        in user.condition("ksvc", "nowhere", "ConfigurationsReady")["message"]
    )


def test_a_killed_platform_leaves_no_container_to_the_next(user: User) -> None:
    user.apply(GREETING, page("survivor"))
    user.wait_ready("ksvc", "survivor")
    before = set(containers(user.platform))
    assert before
    user.platform.kill()
    user.platform.start()
    assert user.request("survivor").text.strip() == "hello from a container"
    eventually(
        lambda: not before & set(containers(user.platform)), 30, what="the old containers are gone"
    )

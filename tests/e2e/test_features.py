"""Feature flags of config-features that speak of pods, each seen in a pod that runs (or, rightly, does not)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.api.config_features import FLAG_TEXT
from tanebi.testing.engine import IMAGE, build_busybox, engine_missing
from tanebi.testing.platform import Platform
from tests.e2e.driving import User, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240), engine_missing()]

PODSPEC = ("kubernetes.podspec-", "kubernetes.containerspec-")
SHOW = r"""W=${W:-/tmp/w}
mkdir -p $W/cgi-bin
cat > $W/cgi-bin/facts <<'END'
#!/bin/sh
busybox printf 'Content-Type: text/plain\r\n\r\n'
for ns in ipc pid net; do echo "$ns=$(busybox readlink /proc/self/ns/$ns)"; done
echo "user=$(id -u) groups=$(id -G)"
echo "field=$FIELD"
echo "hosts=$(busybox tr '\n' ' ' < /etc/hosts)"
echo "resolv=$(busybox tr '\n' ' ' < /etc/resolv.conf)"
echo "one=$(busybox tr '\0' ' ' < /proc/1/cmdline)"
echo "caps=$(busybox awk '/^CapEff/{print $2} /^CapBnd/{print $2}' /proc/self/status | busybox tr '\n' ' ')"
for f in /init/said /host/said; do echo "$f=$(cat $f 2>&1)"; done
for d in /init /claim /own; do echo "$d=$(busybox touch $d/written 2>&1 && echo written)"; done
END
busybox chmod +x $W/cgi-bin/facts
exec busybox httpd -f -p $PORT -h $W"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("features")
    build_busybox(os.environ, folder)
    with Platform(folder / "data", runtime="engine") as platform:
        person = User(platform)
        flags = {key: "enabled" for key in FLAG_TEXT if key.startswith(PODSPEC)}
        person.configure(flags, "config-features")
        yield person
        person.http.close()


def shown(user: User, name: str) -> dict[str, str]:
    text = user.request(name, "/cgi-bin/facts").text
    return dict(line.partition("=")[::2] for line in text.splitlines())


def service(name: str, pod: Any, **container: Any) -> dict[str, Any]:
    own = {"image": IMAGE, "command": ["/bin/sh", "-c", SHOW], **container}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"timeoutSeconds": 2, "containers": [own], **pod}}},
    }


def with_everything(folder: Path) -> dict[str, Any]:
    linux = [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]
    terms = {"nodeSelectorTerms": [{"matchExpressions": linux}]}
    pod = {
        "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["shop.example"]}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.53"], "searches": ["corp.example"]},
        "securityContext": {"runAsUser": 1234, "fsGroup": 4321},
        "shareProcessNamespace": True,
        "hostIPC": True,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "anything", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"a": "b"}},
            }
        ],
        "priorityClassName": "system-cluster-critical",
        "runtimeClassName": "plain",
        "schedulerName": "default-scheduler",
        "initContainers": [
            {
                "image": IMAGE,
                "command": ["/bin/sh", "-c", "echo first > /init/said"],
                "volumeMounts": [{"name": "init", "mountPath": "/init"}],
            }
        ],
        "volumes": [
            {"name": "init", "emptyDir": {}},
            {"name": "host", "hostPath": {"path": str(folder), "type": "Directory"}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "claim"}},
            {"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": CLAIM["spec"]}}},
        ],
    }
    mounts: list[dict[str, Any]] = [
        {"name": name, "mountPath": f"/{name}"} for name in ("init", "claim", "own")
    ]
    mounts.append(
        {
            "name": "host",
            "mountPath": "/host",
            "readOnly": True,
            "mountPropagation": "HostToContainer",
        }
    )
    field = {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
    added = {"capabilities": {"add": ["SYS_PTRACE"]}}
    return service(
        "everything",
        pod,
        env=[field, {"name": "W", "value": "/init/w"}],
        volumeMounts=mounts,
        securityContext=added,
    )


CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "claim"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
    },
}
RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "plain"},
    "handler": "runc",
}
SYS_PTRACE = 1 << 19


def test_each_is_seen_in_the_pod(user: User, tmp_path: Path) -> None:
    (tmp_path / "said").write_text("from the host")
    tmp_path.chmod(0o755)
    user.apply(CLAIM, RUNTIME_CLASS)
    user.apply(with_everything(tmp_path))
    user.wait_ready("ksvc", "everything", 60)
    facts = shown(user, "everything")
    assert facts["ipc"] == os.readlink("/proc/self/ns/ipc")
    assert facts["pid"] != os.readlink("/proc/self/ns/pid")
    assert facts["net"] != os.readlink("/proc/self/ns/net")
    assert facts["user"].startswith("1234 ")
    assert "4321" in facts["user"]
    assert facts["field"] == "default"
    assert "192.0.2.7" in facts["hosts"]
    assert "shop.example" in facts["hosts"]
    assert "192.0.2.53" in facts["resolv"]
    assert "corp.example" in facts["resolv"]
    assert "httpd" not in facts["one"], "the first process is the pod's, not the container's"
    assert int(facts["caps"].split()[-1], 16) & SYS_PTRACE
    assert facts["/init/said"] == "first"
    assert facts["/host/said"] == "from the host"
    assert [facts[d] for d in ("/init", "/claim", "/own")] == ["written"] * 3
    listed = user.platform.cli("get", "pods", "-o", "json").stdout
    assert '"priority": 2000000000' in listed


def test_the_hosts_network_and_processes(user: User) -> None:
    user.apply(
        service("hosts", {"hostNetwork": True, "hostPID": True}, ports=[{"containerPort": 18431}])
    )
    user.wait_ready("ksvc", "hosts", 60)
    facts = shown(user, "hosts")
    assert facts["net"] == os.readlink("/proc/self/ns/net")
    assert facts["pid"] == os.readlink("/proc/self/ns/pid")


@pytest.mark.parametrize(
    ("name", "pod"),
    [
        ("selects", {"nodeSelector": {"disk": "fast"}}),
        (
            "wants",
            {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
                            ]
                        }
                    }
                }
            },
        ),
    ],
)
def test_what_the_node_cannot_give_is_told(user: User, name: str, pod: Any) -> None:
    user.apply(service(name, pod))
    eventually(
        lambda: user.condition("ksvc", name, "ConfigurationsReady").get("status") == "False",
        30,
        what="not ready, for want of a node",
    )
    told = user.condition("revision", f"{name}-00001", "ResourcesAvailable")
    assert told["reason"] == "Unschedulable"


def test_another_scheduler_is_waited_for(user: User) -> None:
    user.apply(service("others", {"schedulerName": "somebody-elses"}))

    def pods() -> list[Any]:
        listed = user.platform.cli("get", "pods", "-o", "json").stdout

        return [
            pod
            for pod in json.loads(listed)["items"]
            if pod["spec"].get("schedulerName") == "somebody-elses"
        ]

    (pod,) = eventually(pods, 30)
    assert "nodeName" not in pod["spec"]


@pytest.mark.parametrize(
    ("kind", "volume"),
    [
        ("csi", {"driver": "none.example", "readOnly": True}),
        ("image", {"reference": "dev.local/none"}),
    ],
)
def test_volumes_that_nobody_can_mount_are_told(user: User, kind: str, volume: Any) -> None:
    mount = {"name": "v", "mountPath": "/v", "readOnly": True}
    name = f"lacks-{kind}"
    user.apply(service(name, {"volumes": [{"name": "v", kind: volume}]}, volumeMounts=[mount]))

    def told() -> str:
        return str(user.condition("revision", f"{name}-00001").get("message", ""))

    eventually(lambda: "volume 'v'" in told(), 30, what="the revision tells of the volume")
    assert user.condition("revision", f"{name}-00001")["reason"] == "CreateContainerConfigError"

"""What the engine is asked for, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kubelet.engine import spec
from tanebi.kubelet.resolvconf import Resolving

PLACE = spec.Place("here", "net", spec.Limits(100, 50), podman=True)


def pod(container: Obj | None = None, **fields: Any) -> Pod:
    own = {"name": "c", "image": "i", **(container or {})}
    return POD.view(
        {
            "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
            "spec": {"containers": [own], **fields},
        }
    )


def body(container: Obj | None = None, *, podman: bool = True, **fields: Any) -> Obj:
    own = pod(container, **fields)
    place = PLACE if podman else spec.Place("here", "net", spec.Limits(), podman=False)
    return spec.container_body(
        own,
        own.spec.containers[0],
        image="sha256:1",
        command=own.spec.containers[0].command,
        args=own.spec.containers[0].args,
        env={"A": "1"},
        mounts=[spec.Mount("/from", "/to", True)],
        sandbox="box",
        place=place,
    )


@pytest.mark.parametrize(
    ("container", "entrypoint", "command"),
    [
        ({}, None, None),
        ({"args": ["x"]}, None, ["x"]),
        ({"command": ["run"]}, ["run"], []),
        ({"command": ["run"], "args": ["x"]}, ["run"], ["x"]),
    ],
)
def test_command_and_args(container: Obj, entrypoint: Any, command: Any) -> None:
    found = body(container)
    assert (found.get("Entrypoint"), found.get("Cmd")) == (entrypoint, command)


def test_it_joins_its_pod() -> None:
    found = body()
    host = found["HostConfig"]
    assert host["NetworkMode"] == host["UTSMode"] == "container:box"
    assert host["Binds"] == ["/from:/to:ro"]
    assert found["Env"] == ["HOSTNAME=p", "A=1"]
    assert found["Labels"][spec.POD_LABEL] == "u"
    assert {limit["Name"]: limit["Hard"] for limit in host["Ulimits"]} == {
        "nofile": 100,
        "nproc": 50,
    }


def test_docker_shares_the_name_with_the_network() -> None:
    assert "UTSMode" not in body(podman=False)["HostConfig"]


@pytest.mark.parametrize(
    ("resources", "asked"),
    [
        ({}, {}),
        ({"limits": {"memory": "64Mi"}}, {"Memory": 2**26, "MemorySwap": 2**26}),
        ({"limits": {"cpu": "500m"}}, {"NanoCpus": 500_000_000, "CpuShares": 512}),
        ({"requests": {"cpu": "250m"}}, {"CpuShares": 256}),
        ({"requests": {"cpu": "1m"}}, {"CpuShares": 2}),
        (
            {"limits": {"cpu": "2"}, "requests": {"cpu": "100m"}},
            {"NanoCpus": 2_000_000_000, "CpuShares": 102},
        ),
    ],
)
def test_resources(resources: Obj, asked: Obj) -> None:
    host = body({"resources": resources})["HostConfig"]
    names = ("Memory", "MemorySwap", "NanoCpus", "CpuShares")
    assert {name: host[name] for name in names if name in host} == asked


@pytest.mark.parametrize(
    ("of_pod", "own", "user"),
    [
        ({}, {}, None),
        ({"runAsUser": 5}, {}, "5"),
        ({"runAsUser": 5}, {"runAsUser": 7}, "7"),
        ({"runAsUser": 5, "runAsGroup": 6}, {}, "5:6"),
        ({}, {"runAsGroup": 6}, "0:6"),
    ],
)
def test_user(of_pod: Obj, own: Obj, user: str | None) -> None:
    assert body({"securityContext": own}, securityContext=of_pod).get("User") == user


def test_security() -> None:
    own = {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "seccompProfile": {"type": "Unconfined"},
    }
    host = body({"securityContext": own})["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["NET_BIND_SERVICE"])
    assert host["SecurityOpt"] == ["no-new-privileges", "seccomp=unconfined"]


@pytest.mark.parametrize(
    ("asked", "image_user", "root"),
    [
        (None, "", True),
        (None, "root", True),
        (None, "0:0", True),
        (None, "65532", False),
        (None, "web", None),
        (0, "65532", True),
        (1000, "root", False),
    ],
)
def test_who_runs_as_root(asked: int | None, image_user: str, root: bool | None) -> None:
    own = pod({"securityContext": {"runAsUser": asked, "runAsNonRoot": True}})
    container = own.spec.containers[0]
    assert spec.runs_as_root(own, container, image_user) is root
    assert spec.must_not_be_root(own, container)


def test_the_sandbox_has_the_pods_name_and_hosts() -> None:
    own = pod(hostAliases=[{"ip": "10.0.0.9", "hostnames": ["db", "db.local"]}])
    found = spec.sandbox_body(own, "pause", PLACE)
    assert (found["Hostname"], found["HostConfig"]["NetworkMode"]) == ("p", "net")
    assert found["HostConfig"]["ExtraHosts"] == ["db:10.0.0.9", "db.local:10.0.0.9"]
    joined = spec.sandbox_body(own, "pause", PLACE, network="/proc/1/fd/2")
    assert joined["HostConfig"]["NetworkMode"] == "ns:/proc/1/fd/2"
    named = spec.sandbox_body(
        own, "pause", PLACE, dns=Resolving(("10.0.0.1",), ("ns.svc",), ("ndots:5",))
    )["HostConfig"]
    assert (named["Dns"], named["DnsSearch"][0]) == (["10.0.0.1"], "ns.svc")


def test_a_pods_containers_share_what_kubernetes_shares() -> None:
    found = body(shareProcessNamespace=True)["HostConfig"]
    assert (found["IpcMode"], found["PidMode"]) == ("container:box", "container:box")
    assert "PidMode" not in body()["HostConfig"]
    own = pod(securityContext={"sysctls": [{"name": "net/x", "value": "1"}]})
    assert spec.sandbox_body(own, "pause", PLACE)["HostConfig"]["Sysctls"] == {"net.x": "1"}

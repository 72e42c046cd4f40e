"""From a container to a command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kubelet.cgroups import Groups
from tanebi.kubelet.images import Image
from tanebi.kubelet.launch import Launcher
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.processview import Views
from tanebi.kubelet.runtime import Inside, Launch, StartFailed
from tanebi.kubelet.tokens import MOUNT_PATH
from tanebi.testing.clock import FakeClock

SHARED = Sandbox("127.0.0.1", {8080: 20001})


class Cache:
    """The one call that the launcher makes."""

    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        if kind is CONFIG_MAP and name == "settings":
            return CONFIG_MAP.view({"data": {"a.txt": "A", "b.txt": "B"}})
        return None


def pod(**container: Any) -> Pod:
    volumes = container.pop("volumes", [])
    listed: Obj = {"name": "c", "image": "dev.local/x", **container}
    meta = {"name": "p", "namespace": "ns", "uid": "u"}
    return POD.view({"metadata": meta, "spec": {"containers": [listed], "volumes": volumes}})


def image(tmp_path: Path, *command: str, venv: bool = False) -> Image:
    root = tmp_path / "snapshot"
    return Image(
        "dev.local/x:latest", "sha256:1", command, root, root / "venv" if venv else None, 1, ""
    )


def refused(tmp_path: Path) -> Views:
    """Whatever the machine offers."""
    return Views(tmp_path / "pods", Groups("x", tmp_path / "groups"), refused="not in this test")


def launch(
    tmp_path: Path, found: Pod, made: Image, sandbox: Sandbox = SHARED, inside: Inside | None = None
) -> Launch:
    logs = LogStore(tmp_path / "logs", clock=FakeClock())
    launcher = Launcher(
        Cache(),  # type: ignore[arg-type]
        logs,
        folder=tmp_path / "pods",
        path="/usr/bin:/bin",
        local_url=lambda value: value.replace("broker.svc", "localhost:81"),
        views=refused(tmp_path),
    )
    return launcher.launch(found, found.spec.containers[0], 2, made, sandbox, inside)


async def inside(work: Any) -> Any:
    """A way into namespaces that nobody goes here."""


@pytest.mark.parametrize(
    ("sandbox", "way", "values"),
    [
        (SHARED, None, ("http://localhost:81/", "127.0.0.1", "20001")),
        (Sandbox("10.0.0.2", {8080: 8080}), inside, ("http://broker.svc/", "10.0.0.2", "8080")),
    ],
)
def test_where_the_pod_is_says_how_it_is_reached_and_what_it_reaches(
    tmp_path: Path, sandbox: Sandbox, way: Inside | None, values: tuple[str, ...]
) -> None:
    field = {"fieldRef": {"fieldPath": "status.podIP"}}
    env = [{"name": "SINK", "value": "http://broker.svc/"}, {"name": "IP", "valueFrom": field}]
    found = pod(ports=[{"containerPort": 8080}], env=env)
    made = launch(tmp_path, found, image(tmp_path, "run"), sandbox, way)
    assert tuple(made.env[name] for name in ("SINK", "IP", "PORT")) == values
    assert made.inside is way


def test_the_whole(tmp_path: Path) -> None:
    found = pod(ports=[{"containerPort": 8080}], args=["$(PORT)"], workingDir="/sub")
    made = launch(tmp_path, found, image(tmp_path, "run"))
    assert made.argv == ("run", "20001")
    assert made.env["PORT"] == "20001"
    assert made.env["HOSTNAME"] == "p"
    assert made.cwd == tmp_path / "snapshot" / "sub"
    assert made.log == tmp_path / "logs" / "ns" / "p" / "c" / "2.log"
    path = made.env["PATH"].split(":")
    assert path[0] == str(tmp_path / "pods" / "bin")
    assert path[-2:] == ["/usr/bin", "/bin"]
    assert not any(entry.startswith(sys.prefix + "/bin") for entry in path) or (
        sys.prefix == sys.base_prefix
    ), "the platform's own packages are not the containers'"


def test_a_virtual_environment_comes_first(tmp_path: Path) -> None:
    made = launch(tmp_path, pod(), image(tmp_path, "run", venv=True))
    assert made.env["PATH"].startswith(str(tmp_path / "snapshot" / "venv" / "bin") + ":")
    assert made.env["VIRTUAL_ENV"] == str(tmp_path / "snapshot" / "venv")


def test_the_pod_may_set_its_own_path(tmp_path: Path) -> None:
    made = launch(tmp_path, pod(env=[{"name": "PATH", "value": "/own"}]), image(tmp_path, "run"))
    assert made.env["PATH"] == "/own"


def test_nothing_to_run(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="add a Procfile") as caught:
        launch(tmp_path, pod(), image(tmp_path))
    assert caught.value.code == "CreateContainerError"


def test_volumes_become_files(tmp_path: Path) -> None:
    volumes = [
        {"name": "conf", "configMap": {"name": "settings"}},
        {"name": "empty-dir", "emptyDir": {}},
        {"name": "unused", "configMap": {"name": "absent"}},
    ]
    mounts = [
        {"name": "conf", "mountPath": "/etc/c"},
        {"name": "empty-dir", "mountPath": "/scratch"},
    ]
    made = launch(tmp_path, pod(volumes=volumes, volumeMounts=mounts), image(tmp_path, "run"))
    conf = Path(made.env["TANEBI_VOLUME_CONF"])
    assert {p.name: p.read_text() for p in conf.iterdir()} == {"a.txt": "A", "b.txt": "B"}
    assert Path(made.env["TANEBI_VOLUME_EMPTY_DIR"]).is_dir()
    assert "TANEBI_VOLUME_UNUSED" not in made.env
    before = (conf / "a.txt").stat().st_ino
    launch(tmp_path, pod(volumes=volumes, volumeMounts=mounts), image(tmp_path, "run"))
    assert (conf / "a.txt").stat().st_ino == before, "not written again"


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "absent"}}, 'configmap "absent" not found'),
        ({"persistentVolumeClaim": {"claimName": "x"}}, "only emptyDir and what is made of files"),
    ],
)
def test_volumes_that_cannot_be(tmp_path: Path, volume: Obj, words: str) -> None:
    found = pod(volumes=[{"name": "v", **volume}], volumeMounts=[{"name": "v", "mountPath": "/v"}])
    with pytest.raises(StartFailed, match=words) as caught:
        launch(tmp_path, found, image(tmp_path, "run"))
    assert caught.value.code == "CreateContainerConfigError"


def test_a_token_where_clients_look_for_it(tmp_path: Path) -> None:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
    name = "kube-api-access-x7k2p"
    found = pod(
        volumes=[{"name": name, "projected": {"sources": [token]}}],
        volumeMounts=[{"name": name, "mountPath": MOUNT_PATH}],
    )
    launcher = Launcher(
        Cache(),  # type: ignore[arg-type]
        LogStore(tmp_path / "logs", clock=FakeClock()),
        folder=tmp_path / "pods",
        path="/bin",
        local_url=str,
        views=refused(tmp_path),
    )
    made = launcher.launch(
        found,
        found.spec.containers[0],
        0,
        image(tmp_path, "run"),
        SHARED,
        inside,
        {("", 3607): b"one"},
    )
    folder = launcher.shown_at(found, MOUNT_PATH)
    assert folder is not None
    assert made.env["TANEBI_VOLUME_KUBE_API_ACCESS"] == str(folder)
    assert made.env["KUBERNETES_SERVICE_HOST"] == "kubernetes.default.svc"
    assert (folder / "token").read_bytes() == b"one"
    assert (folder / "token").stat().st_mode & 0o777 == 0o600
    launcher.refresh(found, SHARED, {("", 3607): b"two"})
    assert (folder / "token").read_bytes() == b"two"
    launcher.refresh(found, SHARED)
    assert (folder / "token").read_bytes() == b"two", "what is not to be had stays as it was"
    assert launcher.notes(found.spec.containers[0]) == []
    assert launcher.shown_at(found, "/elsewhere") is None

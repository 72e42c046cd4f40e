"""Volumes on disk: whole updates, and the words for what is missing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, POD, SECRET
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kubelet.engine.memory import mounted
from tanebi.kubelet.engine.volumes import Volumes, publish
from tanebi.kubelet.environment import ConfigError, Sources


def pod(volume: Obj, **mount: Any) -> Pod:
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    return POD.view(
        {
            "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"app": "a"}},
            "spec": {
                "containers": [{"name": "c", "image": "i", "volumeMounts": mounts}],
                "volumes": [{"name": "v", **volume}],
            },
        }
    )


def sources(config: dict[str, str] | None = None, secret: dict[str, str] | None = None) -> Sources:
    return Sources(
        config_map=lambda ns, name: None if config is None else CONFIG_MAP.view({"data": config}),
        secret=lambda ns, name: None if secret is None else SECRET.view({"stringData": secret}),
        local_url=str,
        address="10.0.0.5",
    )


def shown(folder: Path) -> dict[str, str]:
    return {
        path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith("..")
    }


def test_an_update_replaces_all_files_in_one_step(tmp_path: Path) -> None:
    publish(tmp_path, {"a": b"1", "b": b"2"}, mode=0o600)
    first = (tmp_path / "..data").readlink()
    assert shown(tmp_path) == {"a": "1", "b": "2"}
    publish(tmp_path, {"a": b"1", "b": b"2"}, mode=0o600)
    assert (tmp_path / "..data").readlink() == first, "nothing changed, nothing is written"
    publish(tmp_path, {"b": b"3", "c/d": b"4"}, mode=0o600)
    assert (tmp_path / "b").read_text() == "3"
    assert (tmp_path / "c" / "d").read_text() == "4"
    assert not (tmp_path / "a").is_symlink()
    assert not (tmp_path / first).exists(), "what is no longer shown is gone"


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        ({"configMap": {"name": "m"}}, {"k": "v"}),
        ({"secret": {"secretName": "s"}}, {"password": "x"}),
        (
            {
                "downwardAPI": {
                    "items": [
                        {"path": "ip", "fieldRef": {"fieldPath": "status.podIP"}},
                        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    ]
                }
            },
            {"ip": "10.0.0.5", "labels": 'app="a"'},
        ),
        (
            {"projected": {"sources": [{"configMap": {"name": "m"}}, {"secret": {"name": "s"}}]}},
            {"k": "v", "password": "x"},
        ),
        ({"emptyDir": {}}, {}),
    ],
)
def test_files(tmp_path: Path, volume: Obj, files: dict[str, str]) -> None:
    own = pod(volume)
    volumes = Volumes(tmp_path)
    (mount,) = volumes.mounts(
        own, own.spec.containers[0], sources({"k": "v"}, {"password": "x"}), {}
    )
    assert shown(Path(mount.source)) == files
    assert (mount.target, mount.read_only) == ("/v", "emptyDir" not in volume)
    volumes.forget("u")
    assert not Path(mount.source).exists()


def test_a_changed_config_map_reaches_the_mounted_folder(tmp_path: Path) -> None:
    own = pod({"configMap": {"name": "m"}})
    volumes = Volumes(tmp_path)
    (mount,) = volumes.mounts(own, own.spec.containers[0], sources({"k": "old"}), {})
    volumes.update(own, sources({"k": "new"}))
    assert shown(Path(mount.source)) == {"k": "new"}
    volumes.update(own, sources(None))
    assert shown(Path(mount.source)) == {"k": "new"}, "what went missing stays as it was"


def test_a_part_of_a_volume(tmp_path: Path) -> None:
    own = pod({"configMap": {"name": "m"}}, subPath="k")
    (mount,) = Volumes(tmp_path).mounts(own, own.spec.containers[0], sources({"k": "v"}), {})
    assert Path(mount.source).read_text() == "v"


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "m"}}, 'configmap "m" not found'),
        ({"secret": {"secretName": "s"}}, 'secret "s" not found'),
        ({"nfs": {"server": "x"}}, "this kind of volume is not supported"),
        ({"hostPath": {"path": "/not/there"}}, "no such file or directory"),
        ({"projected": {"sources": [{"clusterTrustBundle": {}}]}}, "is not supported"),
    ],
)
def test_what_is_missing(tmp_path: Path, volume: Obj, words: str) -> None:
    own = pod(volume)
    with pytest.raises(ConfigError, match=words):
        Volumes(tmp_path).mounts(own, own.spec.containers[0], sources(), {"WHO": "../x"})


def test_last_words_can_be_written_by_anybody(tmp_path: Path) -> None:
    path = Volumes(tmp_path).message_file("u", "c", 2)
    assert path.stat().st_mode & 0o777 == 0o666
    assert path.name == "c-2"


def test_a_memory_volume_is_a_tmpfs_that_ends_with_the_pod(tmp_path: Path) -> None:
    own = pod({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    volumes = Volumes(tmp_path)
    (mount,) = volumes.mounts(own, own.spec.containers[0], sources(), {})
    (again,) = volumes.mounts(own, own.spec.containers[0], sources(), {})
    assert mount == again
    if os.geteuid() == 0:
        assert Path(mount.source) in mounted()
        assert os.statvfs(mount.source).f_blocks * os.statvfs(mount.source).f_frsize == 2**20
    volumes.forget("u")
    assert Path(mount.source) not in mounted()
    assert not Path(mount.source).exists()


def test_a_claims_folder(tmp_path: Path) -> None:
    own = pod({"persistentVolumeClaim": {"claimName": "data"}})
    known = replace(sources(), claim=lambda ns, name: str(tmp_path / ns / name))
    (mount,) = Volumes(tmp_path).mounts(own, own.spec.containers[0], known, {})
    assert mount.source == str(tmp_path / "ns" / "data")
    assert not mount.read_only
    with pytest.raises(ConfigError, match='persistentvolumeclaim "data" not found'):
        Volumes(tmp_path).mounts(own, own.spec.containers[0], sources(), {"WHO": "../x"})


@pytest.mark.parametrize(
    ("mount", "below"),
    [({"subPath": "a/b"}, "a/b"), ({"subPathExpr": "$(WHO)"}, "me")],
)
def test_a_folder_below_a_volume(tmp_path: Path, mount: Obj, below: str) -> None:
    own = pod({"emptyDir": {}}, **mount)
    (made,) = Volumes(tmp_path).mounts(own, own.spec.containers[0], sources(), {"WHO": "me"})
    assert made.source.endswith(f"/v/{below}")


def test_resources_as_files(tmp_path: Path) -> None:
    ref = {"containerName": "c", "resource": "limits.cpu"}
    own = pod({"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef": ref}]}})
    known = replace(sources(), machine={"cpu": "7"})
    (mount,) = Volumes(tmp_path).mounts(own, own.spec.containers[0], known, {})
    assert shown(Path(mount.source)) == {"cpu": "7"}


def test_files_have_their_modes(tmp_path: Path) -> None:
    items = [{"key": "k", "path": "deep/k", "mode": 0o400}, {"key": "o", "path": "o"}]
    own = pod({"configMap": {"name": "m", "items": items, "defaultMode": 0o440}})
    ((mount),) = Volumes(tmp_path).mounts(
        own, own.spec.containers[0], sources({"k": "1", "o": "2"}), {}
    )
    found = Path(mount.source)
    assert [(found / name).stat().st_mode & 0o7777 for name in ("deep/k", "o")] == [0o400, 0o440]
    assert (found / "deep").stat().st_mode & 0o7777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_volume_is_the_groups(tmp_path: Path) -> None:
    publish(tmp_path, {"a/b": b"1"}, mode=0o400, group=1234)
    for name, mode in (("a", 0o2755), ("a/b", 0o440)):
        found = (tmp_path / name).stat()
        assert (found.st_gid, found.st_mode & 0o7777) == (1234, mode)


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ({"subPath": "/etc"}, "must not be an absolute path"),
        ({"subPath": "a/../.."}, "must not contain '..'"),
        ({"subPath": "out/passwd"}, "leads out of the volume"),
        ({"subPathExpr": "$(NOBODY)"}, "missing value for NOBODY"),
        ({"subPathExpr": "$(WHO)"}, "must not contain '..'"),
    ],
)
def test_a_part_stays_inside_the_volume(tmp_path: Path, mount: Obj, words: str) -> None:
    own = pod({"emptyDir": {}}, **mount)
    home = tmp_path / "u" / "volumes" / "v"
    home.mkdir(parents=True)
    (home / "out").symlink_to("/etc")
    with pytest.raises(ConfigError, match=words):
        Volumes(tmp_path).mounts(own, own.spec.containers[0], sources(), {"WHO": "../x"})

"""A pod's volumes as folders of this machine that containers mount.

configMap, secret, downwardAPI and projected volumes are written as Kubernetes does it: the files are in a fresh folder
`..data_N`, `..data` is a link to it that is replaced in one step, and the names that people see are links through `..data`; so an
update is seen whole or not at all. emptyDir is a folder that ends with the pod. Blocks for the disk, a few small files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tanebi.api.core.pod import Container, Pod, Volume, VolumeMount
from tanebi.kubelet import environment
from tanebi.kubelet.engine import memory, spec
from tanebi.kubelet.engine.spec import Mount
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.podclaims import claim_name
from tanebi.kubelet.volumefiles import content, default_mode, modes

DATA: Final = "..data"
IN_MEMORY: Final = "Memory"
GROUP_READS: Final = 0o440  # what fsGroup gives on files that nobody writes
CREATE_TYPES: Final = ("DirectoryOrCreate",)


class Volumes:
    """`folder` is the data directory's `pods`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def mounts(
        self, pod: Pod, container: Container, sources: Sources, env: Mapping[str, str]
    ) -> list[Mount]:
        """`env` is for `subPathExpr`. Raises ConfigError for what is missing or not to be had here, OSError for the disk."""
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        return [self._mount(pod, volumes, mount, sources, env) for mount in container.volume_mounts]

    def update(self, pod: Pod, sources: Sources) -> None:
        """Write what changed of the pod's files. What went missing stays as it was, as in Kubernetes."""
        for volume in pod.spec.volumes:
            folder = self._home(pod, volume)
            if folder.exists():
                try:
                    files = content(pod, volume, sources)
                except ConfigError:
                    continue
                if files is not None and volume.empty_dir is None:
                    _publish(pod, volume, folder, files)

    def message_file(self, pod_uid: str, container: str, attempt: int) -> Path:
        """An empty file for the container's last words. Raises OSError."""
        path = self._folder / pod_uid / "messages" / f"{container}-{attempt}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o666)  # whoever the container runs as
        return path

    def forget(self, pod_uid: str) -> None:
        """What is mounted first: what is in memory, also what a killed platform left of it."""
        memory.release(self._folder / pod_uid)
        shutil.rmtree(self._folder / pod_uid, ignore_errors=True)

    def forget_all(self) -> None:
        memory.release(self._folder)

    def _mount(
        self,
        pod: Pod,
        volumes: Mapping[str, Volume],
        mount: VolumeMount,
        sources: Sources,
        env: Mapping[str, str],
    ) -> Mount:
        volume = volumes[mount.name]
        source = self._source(pod, volume, sources)
        if below := _below(mount, env):
            source = _inside(source, below)
        claim = volume.persistent_volume_claim
        read_only = (
            bool(mount.read_only)
            or _is_written_by_us(volume)
            or (claim is not None and bool(claim.read_only))
        )
        return Mount(str(source), mount.mount_path, read_only)

    def _source(self, pod: Pod, volume: Volume, sources: Sources) -> Path:
        if volume.host_path is not None:
            return _host_path(volume.host_path)
        if claim := claim_name(pod.metadata.name, volume):
            path = Path(sources.claim(pod.metadata.namespace, claim))
            path.mkdir(parents=True, exist_ok=True)
            return path
        files = content(pod, volume, sources)
        if files is None:
            raise ConfigError(f"volume {volume.name!r}: this kind of volume is not supported")
        folder = self._home(pod, volume)
        folder.mkdir(parents=True, exist_ok=True)
        if volume.empty_dir is None:
            _publish(pod, volume, folder, files)
            return folder
        if volume.empty_dir.medium == IN_MEMORY:
            memory.mount(folder, volume.empty_dir.size_limit)
        folder.chmod(0o777)
        group = spec.fs_group(pod)
        if group is not None and os.geteuid() == 0:
            os.chown(folder, -1, group)
            folder.chmod(0o2777)  # what is made in it is the group's too
        return folder

    def _home(self, pod: Pod, volume: Volume) -> Path:
        return self._folder / pod.metadata.uid / "volumes" / volume.name


def _below(mount: VolumeMount, env: Mapping[str, str]) -> str:
    """The part of the volume that is mounted. Raises ConfigError."""
    below = mount.sub_path
    if mount.sub_path_expr:
        below, missing = environment.expand_strictly(mount.sub_path_expr, env)
        if missing:
            raise ConfigError(f"missing value for {', '.join(missing)}")
    if below.startswith("/"):
        raise ConfigError(f"error SubPath `{below}` must not be an absolute path")
    if ".." in below.split("/"):
        raise ConfigError(f"unable to provision SubPath `{below}`: must not contain '..'")
    return below


def _inside(volume: Path, below: str) -> Path:
    """A part of a volume, made when it is not there. A link that leads out of the volume is refused. Raises ConfigError."""
    path = volume / below
    if not path.resolve().is_relative_to(volume.resolve()):
        raise ConfigError(
            f"failed to prepare subPath for volumeMount: {below} leads out of the volume"
        )
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o777 if volume.stat().st_mode & 0o002 else 0o755)
    return path.resolve()


def _publish(pod: Pod, volume: Volume, folder: Path, files: Mapping[str, bytes]) -> None:
    group = spec.fs_group(pod) if os.geteuid() == 0 else None
    publish(folder, files, mode=default_mode(volume), modes=modes(volume), group=group)


def publish(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    mode: int,
    modes: Mapping[str, int] = MappingProxyType({}),
    group: int | None = None,
) -> None:
    """Replace the folder's content in one step; nothing is touched when nothing changed. `modes` are those of some files, by
    path; `group` may read them all. Raises OSError."""
    current = folder / DATA
    if current.exists() and _read(current) == dict(files):
        return
    old = os.readlink(current) if current.is_symlink() else ""
    number = int(old.rpartition("_")[2]) + 1 if old else 0
    fresh = folder / f"{DATA}_{number}"
    shutil.rmtree(fresh, ignore_errors=True)
    _make_folder(fresh, group)
    for name, data in files.items():
        path = fresh / name
        for parent in reversed(path.relative_to(fresh).parents[:-1]):
            _make_folder(fresh / parent, group)
        path.write_bytes(data)
        if group is not None:
            os.chown(path, -1, group)
        path.chmod(modes.get(name, mode) | (0 if group is None else GROUP_READS))
    link = folder / "..new"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    os.replace(link, current)
    _show(folder, {name.partition("/")[0] for name in files})
    if old:
        shutil.rmtree(folder / old, ignore_errors=True)


def _make_folder(path: Path, group: int | None) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(0o755 if group is None else 0o2755)


def _show(folder: Path, names: set[str]) -> None:
    """One link for each top-level name, and none for what is gone."""
    for path in folder.iterdir():
        if not path.name.startswith("..") and path.name not in names:
            path.unlink()
    for name in names:
        path = folder / name
        if not path.is_symlink():
            path.symlink_to(f"{DATA}/{name}")


def _read(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _is_written_by_us(volume: Volume) -> bool:
    return any((volume.secret, volume.config_map, volume.projected, volume.downward_api))


def _host_path(wanted: Mapping[str, Any]) -> Path:
    path = Path(str(wanted.get("path", "")))
    if wanted.get("type") in CREATE_TYPES:
        path.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        raise ConfigError(f"hostPath {path}: no such file or directory")
    return path

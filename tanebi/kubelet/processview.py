"""Which view a container that is a process gets (tanebi.kubelet.view), by what its pod asks for.

A container that asks for nothing sees the machine as it is: it is started without a view, as fast as a program starts. One that
has volumes, a security context or limits gets what it asks for. Where that cannot be had, its Event says what and why.

Caller: tanebi.kubelet.processpods.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tanebi.api.core.pod import Container, Pod, Volume, VolumeMount
from tanebi.kube.plan import Note
from tanebi.kubelet.capabilities import dropped
from tanebi.kubelet.cgroups import Amounts, Group, Groups, amounts
from tanebi.kubelet.engine import memory, spec
from tanebi.kubelet.engine.volumes import Volumes
from tanebi.kubelet.environment import ConfigError, Sources, volume_variable
from tanebi.kubelet.images import Image
from tanebi.kubelet.tokens import MOUNT_PATH
from tanebi.kubelet.view import Ids, Shown, View, missing

NOBODY_SPECIAL: Final = 65532  # whom a container is that must not be root and names no user
ROOT_ID: Final = 0


@dataclass(frozen=True, slots=True)
class Made:
    view: View | None
    group: Group | None


class Views:
    """`folder` is the data directory's `pods`."""

    def __init__(self, folder: Path, groups: Groups, *, refused: str = "") -> None:
        """`refused`: why there are only control groups here, whatever the machine offers."""
        self._folder = folder.absolute()
        self._groups = groups
        self._volumes = Volumes(folder)
        self._no_root = missing()
        self._missing = self._no_root or refused

    @property
    def able(self) -> bool:
        return not self._missing

    def make(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        image: Image,
        sources: Sources,
        env: Mapping[str, str],
    ) -> Made:
        """Raises ConfigError, OSError."""
        if self._no_root:
            return Made(None, None)
        group = self._group(pod, container)
        threads = group.threads if group is not None else ()
        if self._missing:
            bare = View(self._folder, self._folder, own_root=False, groups=threads)
            return Made(bare if threads else None, group)
        ids, security = _ids(pod, container), spec.security_of(pod, container)
        gone = dropped(security.capabilities)
        sealed = security.allow_privilege_escalation is False
        read_only = bool(security.read_only_root_filesystem)
        own_root = read_only or ids is not None or bool(_volumes_of(container))
        if not (own_root or threads or gone or sealed):
            return Made(None, group)
        home = self._folder / pod.metadata.uid
        scratch, tmp = home / "view" / f"{container.name}-{attempt}", home / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        tmp.mkdir(exist_ok=True)
        tmp.chmod(0o1777)
        needed = [image.root, home, self._folder / "bin", Path(sys.base_prefix), Path(sys.prefix)]
        view = View(
            scratch=scratch,
            tmp=tmp,
            own_root=own_root,
            mounts=self._mounts(pod, container, sources, env, ids),
            read_only=read_only,
            needed=(*needed, *([image.venv] if image.venv else [])),
            ids=ids,
            dropped=gone,
            no_new_privileges=sealed,
            groups=threads,
        )
        return Made(view, group)

    def update(self, pod: Pod, sources: Sources) -> None:
        """ConfigMaps or Secrets have changed."""
        mine = {one.name for c in pod.spec.original_containers for one in _volumes_of(c)}
        volumes = [one for one in pod.spec.volumes if one.name in mine]
        self._volumes.update(_with_volumes(pod, volumes), sources)

    def detach(self, pod_uid: str) -> None:
        """Volumes in memory go; before the pod's folder does."""
        memory.release(self._folder / pod_uid)

    def detach_all(self) -> None:
        memory.release(self._folder)

    @property
    def groups(self) -> Groups:
        return self._groups

    def _mounts(
        self,
        pod: Pod,
        container: Container,
        sources: Sources,
        env: Mapping[str, str],
        ids: Ids | None,
    ) -> tuple[Shown, ...]:
        own = container.model_copy(update={"volume_mounts": _volumes_of(container)})
        found = [
            Shown(Path(one.source), one.target, one.read_only)
            for one in self._volumes.mounts(pod, own, sources, env)
        ]
        for mount in container.volume_mounts:
            if mount.mount_path == MOUNT_PATH:
                folder = self._folder / pod.metadata.uid / "volumes" / mount.name
                if ids is not None:
                    for file in folder.iterdir():
                        os.chown(file, ids.user, -1)
                found.append(Shown(folder, MOUNT_PATH, read_only=True))
        return tuple(found)

    def notes(self, container: Container) -> Sequence[Note]:
        """What of the container's wishes cannot be done here."""
        found = []
        if not self.able:
            found += [
                Note(
                    "Warning",
                    "FailedMount",
                    f"volume {one.name!r} is not at {one.mount_path}: {self._missing}; "
                    f"the variable {volume_variable(one.name)} names its directory",
                )
                for one in container.volume_mounts
                if one.mount_path != MOUNT_PATH
            ]
            if container.security_context is not None:
                found.append(
                    Note("Warning", "SecurityContextIgnored", f"securityContext: {self._missing}")
                )
        if amounts(container) != Amounts() and (why := self._why_no_groups()):
            found.append(
                Note("Warning", "LimitsIgnored", f"limits of memory and cpu are not kept: {why}")
            )
        return found

    def _why_no_groups(self) -> str:
        return self._no_root or self._groups.missing

    def _group(self, pod: Pod, container: Container) -> Group | None:
        wanted = amounts(container)
        if wanted == Amounts() or self._groups.missing:
            return None
        return self._groups.make(pod.metadata.uid, container.name, wanted)


def _volumes_of(container: Container) -> list[VolumeMount]:
    """Those that somebody asked for."""
    return [mount for mount in container.volume_mounts if mount.mount_path != MOUNT_PATH]


def _with_volumes(pod: Pod, volumes: list[Volume]) -> Pod:
    return pod.model_copy(update={"spec": pod.spec.model_copy(update={"volumes": volumes})})


def _ids(pod: Pod, container: Container) -> Ids | None:
    """None: as the platform. A directory image names no user: one that must not be root is nobody special. Raises ConfigError."""
    security = spec.security_of(pod, container)
    user, group = security.run_as_user, security.run_as_group
    if user == ROOT_ID and security.run_as_non_root:
        raise ConfigError("container has runAsNonRoot and image will run as root")
    if user is None and security.run_as_non_root:
        user = group = NOBODY_SPECIAL
    others = tuple(int(one) for one in spec.groups_of(pod))
    if user is None and group is None and not others:
        return None
    return Ids(user or ROOT_ID, group or ROOT_ID, others)

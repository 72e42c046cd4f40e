"""From a pod's container to a command that can be run: variables, arguments, working directory, files.

Callers: tanebi.kubelet.worker (starts), tanebi.kubelet.probing (exec probes).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tanebi.api.core.pod import Container, Pod, Volume, VolumeMount
from tanebi.kube.cache import Cache
from tanebi.kube.plan import Note
from tanebi.kubelet import environment
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.images import Image
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.pods import CONFIG_ERROR
from tanebi.kubelet.ports import POD_IP, PortMap
from tanebi.kubelet.processview import Made, Views
from tanebi.kubelet.runtime import Inside, Launch, StartFailed
from tanebi.kubelet.sources import API, of_cache
from tanebi.kubelet.tokens import MOUNT_PATH, NO_TOKENS, Tokens
from tanebi.kubelet.volumefiles import content, default_mode, modes

NO_COMMAND: Final = (
    "no command to run: add a Procfile with a line `web: COMMAND` to the directory and build it again, "
    "or set `command` in the manifest"
)


class Launcher:
    """`folder` is the data directory's `pods`; `path` the PATH of the platform itself."""

    def __init__(
        self,
        cache: Cache,
        logs: LogStore,
        *,
        folder: Path,
        path: str,
        local_url: Callable[[str], str],
        views: Views,
        host: str = POD_IP,
    ) -> None:
        self._views = views
        self._logs = logs
        self._folder = folder
        self._path = path
        self._sources = of_cache(cache, local_url, host=host)

    def launch(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        image: Image,
        sandbox: Sandbox,
        inside: Inside | None = None,
        tokens: Tokens = NO_TOKENS,
    ) -> Launch:
        """`inside` leads into the pod's own namespaces, if it has some. Raises StartFailed with the reason to show."""
        sources = replace(self._sources, address=sandbox.address, tokens=tokens)
        if inside is not None:
            sources = replace(sources, local_url=str)  # names lead where they should in there
        env = self._environment(pod, container, image, sandbox.ports, sources)
        if inside is not None:
            env = {**API, **env}
        argv = environment.command(container, image.command, env)
        if not argv:
            raise StartFailed("CreateContainerError", f"image {container.image}: {NO_COMMAND}")
        meta = pod.metadata
        made = self._view(pod, container, attempt, image, sources, env)
        return Launch(
            pod_uid=meta.uid,
            container=container.name,
            attempt=attempt,
            argv=argv,
            env=env,
            cwd=image.root / container.working_dir.lstrip("/"),
            log=self._logs.path(meta.namespace, meta.name, container.name, attempt),
            inside=inside,
            stdin=bool(container.stdin) or bool(container.tty),
            stdin_once=bool(container.stdin_once),
            tty=bool(container.tty),
            view=made.view,
            group=made.group,
        )

    def _view(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        image: Image,
        sources: Sources,
        env: Mapping[str, str],
    ) -> Made:
        """Raises StartFailed."""
        try:
            return self._views.make(pod, container, attempt, image, sources, env)
        except ConfigError as error:
            raise StartFailed(CONFIG_ERROR, str(error)) from error
        except OSError as error:
            words = f"{error.filename or 'container'}: {error.strerror}"
            raise StartFailed("CreateContainerError", words) from error

    def shown_at(self, pod: Pod, path: str) -> Path | None:
        """The folder of the volume that the pod's containers mount at `path`."""
        for container in pod.spec.original_containers:
            for mount in container.volume_mounts:
                if mount.mount_path == path and not mount.sub_path:
                    return self._home(pod, mount.name).absolute()
        return None

    def refresh(self, pod: Pod, sandbox: Sandbox, tokens: Tokens = NO_TOKENS) -> None:
        """Write anew what changed of the files that containers have. What went missing stays as it was, as in Kubernetes."""
        sources = replace(self._sources, address=sandbox.address, tokens=tokens)
        account = [one.name for one in _account_mounts(pod)]
        viewed = self._views.able
        if viewed:
            self._views.update(pod, sources)
        for volume in pod.spec.volumes:
            if self._home(pod, volume.name).exists() and (not viewed or volume.name in account):
                with contextlib.suppress(ConfigError, StartFailed):
                    self._materialise(pod, volume, sources)

    def notes(self, container: Container) -> Sequence[Note]:
        """What of the container's wishes this runtime cannot do."""
        return self._views.notes(container)

    def _environment(
        self, pod: Pod, container: Container, image: Image, ports: PortMap, sources: Sources
    ) -> dict[str, str]:
        try:
            own = environment.variables(pod, container, ports, sources)
            wanted = {mount.name for mount in container.volume_mounts}
            for volume in pod.spec.volumes:
                if volume.name in wanted:
                    name = environment.volume_variable(volume.name)
                    own[name] = str(self._volume(pod, container, volume, sources))
        except ConfigError as error:
            raise StartFailed(CONFIG_ERROR, str(error)) from error
        always = {"PATH": self._search_path(image), "HOSTNAME": pod.metadata.name}
        return always | _virtual(image) | own

    def _volume(self, pod: Pod, container: Container, volume: Volume, sources: Sources) -> Path:
        """Where its files are; with views they are put there for the view."""
        of_account = any(
            one.name == volume.name and one.mount_path == MOUNT_PATH
            for one in container.volume_mounts
        )
        if not self._views.able or of_account:
            return self._materialise(pod, volume, sources)
        return self._home(pod, volume.name).absolute()

    def _materialise(self, pod: Pod, volume: Volume, sources: Sources) -> Path:
        files = content(pod, volume, sources)
        if files is None:
            raise ConfigError(
                f"volume {volume.name!r}: this runtime has only emptyDir and what is made of files: "
                "configMap, secret, downwardAPI, projected"
            )
        folder = self._home(pod, volume.name)
        mode = 0o600 if volume.secret or volume.projected else default_mode(volume)
        own = modes(volume)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in files.items():
                _put(folder / name, data, mode=own.get(name, mode))
        except OSError as error:
            raise StartFailed(
                "CreateContainerError", f"volume {volume.name!r}: {error.strerror}"
            ) from error
        return folder

    def _home(self, pod: Pod, volume: str) -> Path:
        return self._folder / pod.metadata.uid / "volumes" / volume

    def _search_path(self, image: Image) -> str:
        """The image's own programs, then the interpreter that runs us, then the machine's."""
        own = [str(image.venv / "bin")] if image.venv else []
        base = os.path.dirname(getattr(sys, "_base_executable", sys.executable))
        return os.pathsep.join([*own, str(self._folder / "bin"), base, self._path])


def _account_mounts(pod: Pod) -> list[VolumeMount]:
    mounts = (one for c in pod.spec.original_containers for one in c.volume_mounts)
    return [one for one in mounts if one.mount_path == MOUNT_PATH]


def _put(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file whole, and only when it differs: a container may be reading it."""
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    if path.exists():
        owner = path.stat()
        os.chown(fresh, owner.st_uid, owner.st_gid)  # whoever it was given to keeps it
    fresh.replace(path)


def _virtual(image: Image) -> dict[str, str]:
    return {"VIRTUAL_ENV": str(image.venv)} if image.venv else {}

"""What is in the volumes that are made of files: of ConfigMaps, Secrets, the pod's own fields, tokens, and several of these.

Pure. Callers: tanebi.kubelet.engine.volumes, tanebi.kubelet.launch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tanebi.api.core.pod import Pod, ResourceFieldRef, Volume
from tanebi.kubelet import environment
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.tokens import wanted_of

FILE_MODE: Final = 0o644


def content(pod: Pod, volume: Volume, sources: Sources) -> dict[str, bytes] | None:
    """The files of a volume; None for a kind of volume that is not made of files. Raises ConfigError."""
    namespace = pod.metadata.namespace
    if volume.downward_api is not None:
        return _downward(pod, volume.downward_api.get("items") or (), sources)
    if volume.projected is not None:
        files: dict[str, bytes] = {}
        for source in volume.projected.sources:
            files |= _projected(pod, volume.name, source, sources)
        return files
    return environment.volume_files(volume, namespace, sources)


def default_mode(volume: Volume) -> int:
    """Of files whose own is not said."""
    own = volume.secret or volume.config_map or volume.projected
    mode = (
        getattr(own, "default_mode", None)
        if own
        else (volume.downward_api or {}).get("defaultMode")
    )
    return FILE_MODE if mode is None else int(mode)


def modes(volume: Volume) -> dict[str, int]:
    """The files that have a mode of their own, by path."""
    if volume.projected is not None:
        inner = [
            source.get(kind) or {}
            for source in volume.projected.sources
            for kind in ("configMap", "secret", "downwardAPI")
        ]
        items = [item for one in inner for item in one.get("items") or ()]
    elif volume.downward_api is not None:
        items = list(volume.downward_api.get("items") or ())
    else:
        keyed = volume.config_map or volume.secret
        return {i.path: i.mode for i in (keyed.items if keyed else ()) if i.mode is not None}
    return {item["path"]: int(item["mode"]) for item in items if item.get("mode") is not None}


def _projected(
    pod: Pod, name: str, source: Mapping[str, Any], sources: Sources
) -> dict[str, bytes]:
    if "downwardAPI" in source:
        return _downward(pod, source["downwardAPI"].get("items") or (), sources)
    if "secret" in source:
        keep = source["secret"]
        body = {"name": name, "secret": {**keep, "secretName": keep.get("name", "")}}
    elif "serviceAccountToken" in source:
        wanted = source["serviceAccountToken"]
        token = sources.tokens.get(wanted_of(wanted))
        if token is None:
            raise ConfigError(f"volume {name!r}: no token of a service account is to be had")
        return {str(wanted.get("path", "token")): token}
    elif "configMap" in source:
        body = {"name": name, "configMap": source["configMap"]}
    else:
        raise ConfigError(f"volume {name!r}: projected source {', '.join(source)} is not supported")
    files = environment.volume_files(Volume.model_validate(body), pod.metadata.namespace, sources)
    return files or {}


def _downward(pod: Pod, items: Sequence[Mapping[str, Any]], sources: Sources) -> dict[str, bytes]:
    found = {}
    for item in items:
        if (field := item.get("fieldRef")) is not None:
            said = _field(pod, field["fieldPath"], sources)
        else:
            wanted = ResourceFieldRef.model_validate(item.get("resourceFieldRef") or {})
            said = environment.resource_field(pod, wanted, None, sources.machine)
        found[str(item["path"])] = said.encode()
    return found


def _field(pod: Pod, path: str, sources: Sources) -> str:
    """Whole maps too, as `key="value"` lines."""
    maps = {
        "metadata.labels": pod.metadata.labels,
        "metadata.annotations": pod.metadata.annotations,
    }
    if path in maps:
        return "\n".join(f'{name}="{value}"' for name, value in sorted(maps[path].items()))
    return environment.pod_field(pod, path, sources.address, sources.host)

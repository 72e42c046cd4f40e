"""Volumes and their mounts, in Knative's words (reference/knative-serving.md §1.4)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from serving.api.config_features import Features
from serving.api.fieldmask import mount_mask, refused
from tanebi.api import quantity
from tanebi.api.core.pod import Container, KeyToPath, Volume, VolumeMount
from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    invalid,
    missing,
    one_of_both,
    one_of_neither,
    via,
)
from tanebi.api.names import dns1123_label

_RESERVED_PATHS: Final = frozenset({"/", "/dev", "/dev/log"})
_ALWAYS: Final = ("secret", "configMap", "projected")
_GATED: Final = {
    "emptyDir": ("kubernetes.podspec-volumes-emptydir", "EmptyDir"),
    "persistentVolumeClaim": ("kubernetes.podspec-persistent-volume-claim", ""),
    "hostPath": ("kubernetes.podspec-volumes-hostpath", "HostPath"),
    "csi": ("kubernetes.podspec-volumes-csi", "CSI"),
    "ephemeral": ("kubernetes.podspec-volumes-ephemeral", "Ephemeral"),
    "image": ("kubernetes.podspec-volumes-image", "Image"),
}
_PROJECTIONS: Final = ("secret", "configMap", "serviceAccountToken", "downwardAPI")


def validate_volumes(
    volumes: Sequence[Volume], containers: Sequence[Container], features: Features
) -> list[FieldError]:
    """Paths begin at the list: `[0].name`."""
    mounted = {mount.name for container in containers for mount in container.volume_mounts}
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        found = _validate_volume(volume, features)
        if volume.name in seen:
            found.append(FieldError(f'duplicate volume name "{volume.name}"', ("name",)))
        if volume.name not in mounted:
            found.append(FieldError(f'volume with name "{volume.name}" not mounted', ("name",)))
        seen.add(volume.name)
        errors += via(f"[{index}]", found)
    return errors


def _validate_volume(volume: Volume, features: Features) -> list[FieldError]:
    errors: list[FieldError] = []
    if not volume.name:
        errors.append(missing("name"))
    elif dns1123_label(volume.name):
        errors.append(invalid(volume.name, "name"))
    sources = [alias for alias in _sources(volume) if alias != "name"]
    unknown = [alias for alias in sources if alias not in (*_ALWAYS, *_GATED)]
    if unknown:
        errors.append(disallowed(*unknown))
    errors += _gates(volume, sources, features)
    allowed = [*_ALWAYS, *(s for s in _GATED if features.enabled(_GATED[s][0]))]
    known = [source for source in sources if source not in unknown]
    if not known:
        errors.append(one_of_neither(*allowed))
    elif len(known) > 1:
        errors.append(one_of_both(*known))
    return errors + _contents(volume)


def _sources(volume: Volume) -> list[str]:
    """An empty source, such as `emptyDir: {}`, is a source."""
    fields = type(volume).model_fields.items()
    return [info.alias or name for name, info in fields if getattr(volume, name) is not None]


def _gates(volume: Volume, sources: Sequence[str], features: Features) -> list[FieldError]:
    errors = []
    for source in sources:
        key, title = _GATED.get(source, ("", ""))
        if title and not features.enabled(key):
            text = f"{title} volume support is disabled, but found {title} volume {volume.name}"
            errors.append(FieldError(text))
    return errors + _claims(volume, features)


def _claims(volume: Volume, features: Features) -> list[FieldError]:
    claim = volume.persistent_volume_claim
    if claim is None:
        return []
    errors = []
    if not features.enabled("kubernetes.podspec-persistent-volume-claim"):
        text = f"Persistent volume claim support is disabled, but found persistent volume claim {claim.claim_name}"
        errors.append(FieldError(text))
    if not claim.read_only and not features.enabled("kubernetes.podspec-persistent-volume-write"):
        text = (
            "Persistent volume write support is disabled, but found persistent volume claim "
            f"{claim.claim_name} that is not read-only"
        )
        errors.append(FieldError(text))
    return errors


def _contents(volume: Volume) -> list[FieldError]:
    errors: list[FieldError] = []
    for source in (volume.secret, volume.config_map):
        if source is not None:
            errors += _items(source.items)
    if volume.projected is not None:
        for index, projection in enumerate(volume.projected.sources):
            errors += via(f"projected[{index}]", _projection(projection))
    if volume.empty_dir is not None:
        if volume.empty_dir.medium not in ("", "Memory"):
            errors.append(invalid(volume.empty_dir.medium, "emptyDir.medium"))
        if _is_bad_size(volume.empty_dir.size_limit):
            errors.append(invalid(volume.empty_dir.size_limit, "emptyDir.sizeLimit"))
    return errors


def _is_bad_size(limit: str | int | None) -> bool:
    if limit is None:
        return False
    try:
        return quantity.parse(limit) < 0
    except ValueError:
        return True


def _items(items: Sequence[KeyToPath]) -> list[FieldError]:
    return _loose_items([{"key": item.key, "path": item.path} for item in items])


def _loose_items(items: Any) -> list[FieldError]:
    """Of a projection, whose members the types leave open."""
    if not isinstance(items, list):
        return [invalid(items, "items")]
    errors = []
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            errors.append(invalid(item, f"items[{index}]"))
        elif lacking := [name for name in ("key", "path") if not item.get(name)]:
            errors.append(missing(*lacking).via(f"items[{index}]"))
    return errors


def _projection(projection: Mapping[str, Any]) -> list[FieldError]:
    present = [name for name in _PROJECTIONS if projection.get(name) is not None]
    unknown = [name for name in projection if name not in _PROJECTIONS]
    errors = [disallowed(*unknown)] if unknown else []
    if not present:
        errors.append(one_of_neither(*_PROJECTIONS))
    elif len(present) > 1:
        errors.append(one_of_both(*present))
    for name in present:
        source = projection[name]
        if isinstance(source, Mapping):
            errors += via(name, _CHECKS[name](source))
        else:
            errors.append(invalid(source, name))
    return errors


def _named(source: Mapping[str, Any]) -> list[FieldError]:
    errors = [] if source.get("name") else [missing("name")]
    return errors + _loose_items(source.get("items") or [])


def _token(source: Mapping[str, Any]) -> list[FieldError]:
    return [] if source.get("path") else [missing("path")]


def _downward(source: Mapping[str, Any]) -> list[FieldError]:
    items = source.get("items") or []
    if not isinstance(items, list):
        return [invalid(items, "items")]
    errors: list[FieldError] = []
    for index, item in enumerate(items):
        found = _downward_item(item) if isinstance(item, Mapping) else [invalid(item, "")]
        errors += via(f"items[{index}]", found)
    return errors


def _downward_item(item: Mapping[str, Any]) -> list[FieldError]:
    errors = [] if item.get("path") else [missing("path")]
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is None and resource is None:
        errors.append(one_of_neither("fieldRef", "resourceFieldRef"))
    if field is not None and resource is not None:
        text = "Within a single item, cannot set both"
        errors.append(FieldError(text, ("resourceFieldRef", "fieldRef")))
    return errors


_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[FieldError]]]] = {
    "secret": _named,
    "configMap": _named,
    "serviceAccountToken": _token,
    "downwardAPI": _downward,
}


def validate_mounts(
    mounts: Sequence[VolumeMount], volumes: Sequence[Volume], features: Features
) -> list[FieldError]:
    """Paths begin at the list: `[0].mountPath`."""
    by_name = {volume.name: volume for volume in volumes}
    errors: list[FieldError] = []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        volume = by_name.get(mount.name)
        found = refused(mount, mount_mask(features))
        if volume is None:
            found.append(FieldError("volumeMount has no matching volume", ("name",)))
        found += _path(mount.mount_path, paths)
        paths.add(_clean(mount.mount_path))
        errors += via(f"[{index}]", [*found, *_read_only(mount, volume)])
    return errors


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path) if path else path
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _path(path: str, taken: set[str]) -> list[FieldError]:
    if not path:
        return [missing("mountPath")]
    if _clean(path) in _RESERVED_PATHS:
        return [FieldError(f'mountPath "{_clean(path)}" is a reserved path', ("mountPath",))]
    if not path.startswith("/"):
        return [invalid(path, "mountPath")]
    if _clean(path) in taken:
        return [invalid(f'"{path}" must be unique', "mountPath")]
    return []


def _read_only(mount: VolumeMount, volume: Volume | None) -> list[FieldError]:
    if mount.read_only:
        return []
    claim = volume.persistent_volume_claim if volume else None
    writable = volume and (volume.empty_dir is not None or volume.ephemeral is not None or claim)
    if not writable:
        text = "volume mount should be readOnly for this type of volume"
        return [FieldError(text, ("readOnly",))]
    if claim and claim.read_only:
        return [FieldError("volume is readOnly but volume mount is not", ("readOnly",))]
    return []

"""PersistentVolumeClaim, PersistentVolume and StorageClass: defaults, validation and columns. Pure.

Source: k8s.io/kubernetes pkg/apis/core, pkg/apis/storage. Caller: tanebi.api.core.kinds_cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.core.cells import at
from tanebi.api.core.pod_columns import AGE
from tanebi.api.core.pod_defaults import fill
from tanebi.api.core.refusals import forbidden, invalid, not_supported, required
from tanebi.api.core.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj

DEFAULT_CLASS: Final = "local-path"
IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"
IMMEDIATE: Final = "Immediate"
WAIT_FOR_POD: Final = "WaitForFirstConsumer"
ACCESS_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
VOLUME_MODES: Final = ("Block", "Filesystem")
RECLAIM: Final = ("Delete", "Recycle", "Retain")


def default_claim(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"volumeMode": "Filesystem"})
    if old is None:
        obj["status"] = {"phase": "Pending"}
    return obj


def validate_claim(
    found: PersistentVolumeClaim, old: PersistentVolumeClaim | None, admission: Admission
) -> list[FieldError]:
    if admission.subresource:
        return []
    errors = via("spec", _claim_errors(found))
    if old is not None and not errors:
        errors += _claim_changes(found, old)
    return errors


def _claim_errors(found: PersistentVolumeClaim) -> Iterator[FieldError]:
    spec = found.spec
    if not spec.access_modes:
        yield required("accessModes", "at least 1 access mode is required")
    yield from _access_errors(spec.access_modes)
    asked = spec.resources.requests.get("storage")
    if asked is None:
        yield required("resources[storage]")
    else:
        yield from _amount_errors("resources[storage]", asked)
    if spec.volume_mode not in (None, *VOLUME_MODES):
        yield not_supported("volumeMode", str(spec.volume_mode), VOLUME_MODES)


def _claim_changes(found: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    """What is asked for may grow, a volume and a class may be given once; nothing else changes."""
    free = {"resources"}
    if not old.spec.volume_name:
        free |= {"volume_name"}
    if old.spec.storage_class_name is None:
        free |= {"storage_class_name"}
    if found.spec.model_dump(exclude=free) != old.spec.model_dump(exclude=free):
        detail = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName "
            "for bound claims"
        )
        return [forbidden("spec", detail)]
    now, before = (spec.resources.requests.get("storage", 0) for spec in (found.spec, old.spec))
    if quantity.parse(now) < quantity.parse(before):
        detail = "field can not be less than status.capacity"
        return [forbidden("spec.resources.requests.storage", detail)]
    return []


def default_volume(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    fill(spec, {"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"})
    if isinstance(spec.get("hostPath"), dict):
        fill(spec["hostPath"], {"type": ""})
    if old is None:
        obj["status"] = {"phase": "Pending"}
    return obj


def validate_volume(
    found: PersistentVolume, old: PersistentVolume | None, admission: Admission
) -> list[FieldError]:
    return [] if admission.subresource else via("spec", _volume_errors(found))


def _volume_errors(found: PersistentVolume) -> Iterator[FieldError]:
    spec = found.spec
    if not spec.access_modes:
        yield required("accessModes")
    yield from _access_errors(spec.access_modes)
    if "storage" not in spec.capacity:
        yield required("capacity")
    for name, amount in spec.capacity.items():
        yield from _amount_errors(f"capacity[{name}]", amount)
    if spec.persistent_volume_reclaim_policy not in RECLAIM:
        yield not_supported(
            "persistentVolumeReclaimPolicy", spec.persistent_volume_reclaim_policy, RECLAIM
        )
    if not any((spec.host_path, spec.local, spec.csi, spec.nfs)):
        yield required("", "must specify a volume type")


def _access_errors(modes: Sequence[str]) -> Iterator[FieldError]:
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield not_supported("accessModes", mode, tuple(ACCESS_MODES))


def _amount_errors(path: str, amount: str | int | float) -> Iterator[FieldError]:
    try:
        if quantity.parse(amount) <= 0:
            yield invalid(path, str(amount), "must be greater than zero")
    except ValueError as error:
        yield invalid(path, str(amount), str(error))


def default_storage_class(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": IMMEDIATE})
    return obj


def validate_storage_class(
    found: StorageClass, old: StorageClass | None, admission: Admission
) -> list[FieldError]:
    errors: list[FieldError] = []
    if not found.provisioner:
        errors.append(required("provisioner"))
    if found.volume_binding_mode not in (IMMEDIATE, WAIT_FOR_POD):
        errors.append(
            not_supported(
                "volumeBindingMode", str(found.volume_binding_mode), (IMMEDIATE, WAIT_FOR_POD)
            )
        )
    if old is not None:
        for name, field in (
            ("provisioner", "provisioner"),
            ("parameters", "parameters"),
            ("reclaimPolicy", "reclaim_policy"),
            ("volumeBindingMode", "volume_binding_mode"),
        ):
            if getattr(found, field) != getattr(old, field):
                errors.append(forbidden(name, "updates to " + name + " are forbidden."))
    return errors


def short_modes(modes: Any) -> str:
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in modes or ())


def _claim_phase(obj: Obj, now: datetime) -> str:
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return "Terminating"
    return str((obj.get("status") or {}).get("phase") or "")


def _claim_modes(obj: Obj, now: datetime) -> str:
    return short_modes((obj.get("status") or {}).get("accessModes"))


def _volume_modes(obj: Obj, now: datetime) -> str:
    return short_modes((obj.get("spec") or {}).get("accessModes"))


def _claim_of(obj: Obj, now: datetime) -> str:
    ref = (obj.get("spec") or {}).get("claimRef")
    return f"{ref.get('namespace')}/{ref.get('name')}" if ref else ""


def class_name(obj: Obj, now: datetime) -> str:
    """The name with `(default)`, for the class that claims get when they name none."""
    meta = obj.get("metadata") or {}
    default = (meta.get("annotations") or {}).get(IS_DEFAULT) == "true"
    return f"{meta.get('name', '')} (default)" if default else str(meta.get("name", ""))


UNSET: Final = "<unset>"

CLAIM_COLUMNS: Final = (
    Column("Status", cell=_claim_phase),
    Column("Volume", cell=at("spec.volumeName")),
    Column("Capacity", cell=at("status.capacity.storage")),
    Column("Access Modes", cell=_claim_modes),
    Column("StorageClass", cell=at("spec.storageClassName")),
    Column("VolumeAttributesClass", cell=at("spec.volumeAttributesClassName", UNSET)),
    AGE,
    Column("VolumeMode", priority=1, cell=at("spec.volumeMode", UNSET)),
)
VOLUME_COLUMNS: Final = (
    Column("Capacity", cell=at("spec.capacity.storage")),
    Column("Access Modes", cell=_volume_modes),
    Column("Reclaim Policy", cell=at("spec.persistentVolumeReclaimPolicy")),
    Column("Status", cell=_claim_phase),
    Column("Claim", cell=_claim_of),
    Column("StorageClass", cell=at("spec.storageClassName")),
    Column("VolumeAttributesClass", cell=at("spec.volumeAttributesClassName", UNSET)),
    Column("Reason", cell=at("status.reason")),
    AGE,
    Column("VolumeMode", priority=1, cell=at("spec.volumeMode", UNSET)),
)
STORAGE_CLASS_COLUMNS: Final = (
    Column("Name", cell=class_name),
    Column("Provisioner", ".provisioner"),
    Column("ReclaimPolicy", ".reclaimPolicy"),
    Column("VolumeBindingMode", ".volumeBindingMode"),
    Column(
        "AllowVolumeExpansion", cell=lambda o, now: str(bool(o.get("allowVolumeExpansion"))).lower()
    ),
    AGE,
)

"""PersistentVolumeClaims on folders of this machine: the class `local-path`, and volumes that a user made.

A claim is bound to the volume it names, to the smallest free one that suits it, or, where its class is ours, to one made for
it: at once, or when the first pod uses it. A volume whose claim has gone is deleted when it was made for the claim, and Released
otherwise. The folders themselves are tanebi.kubelet.volumefolders' business. Pure. Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM, STORAGE_CLASS, VOLUME
from tanebi.api.core.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from tanebi.api.core.storage_rules import IS_DEFAULT, WAIT_FOR_POD
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.kube.plan import Drop, Note, Patch, Plan, Reads, Seen
from tanebi.kubelet.podclaims import claim_name
from tanebi.kubelet.podsets import is_done

PROVISIONER: Final = "tanebi.dev/local-path"
PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
WAITING: Final = "waiting for first consumer to be created before binding"
NOTHING_FITS: Final = "no persistent volumes available for this claim and no storage class is set"


@dataclass(frozen=True, slots=True)
class ClaimReconciler:
    """`folder` is where volumes' folders are, a text."""

    folder: str

    @property
    def kind(self) -> Kind[PersistentVolumeClaim]:
        return CLAIM

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (VOLUME,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(VOLUME, _claim_of), Reads(POD, _claims_of_pod), Reads(STORAGE_CLASS, _open))

    def desired(
        self, claim: PersistentVolumeClaim, seen: Seen, configs: Configs, now: datetime
    ) -> Plan:
        if claim.spec.volume_name:
            return _bound(claim, seen.get(VOLUME, "", claim.spec.volume_name))
        if claim.spec.storage_class_name is None and (default := _default_class(seen)):
            body = {"spec": {"storageClassName": default}}
            return Plan(patches=(Patch(CLAIM, *claim.key, body),), prune=False)
        if (free := _suitable(claim, seen)) is not None:
            return _bind(claim, free.metadata.name)
        name = claim.spec.storage_class_name
        found = seen.get(STORAGE_CLASS, "", name) if name else None
        if found is None:
            text = f'storageclass.storage.k8s.io "{name}" not found' if name else NOTHING_FITS
            return _pending(Note("Warning" if name else "Normal", "FailedBinding", text))
        if found.provisioner != PROVISIONER:
            text = f'waiting for a volume to be created, either by external provisioner "{found.provisioner}" '
            return _pending(Note("Normal", "ExternalProvisioning", text + "or by hand"))
        if found.volume_binding_mode == WAIT_FOR_POD and not _is_used(claim, seen):
            return _pending(Note("Normal", "WaitForFirstConsumer", WAITING))
        made = make_volume(claim, found, self.folder)
        if seen.raw(VOLUME, "", made["metadata"]["name"]) is not None:
            return _bind(claim, made["metadata"]["name"])
        text = f"Successfully provisioned volume {made['metadata']['name']}"
        return Plan(
            children=(made,),
            patches=_bind(claim, made["metadata"]["name"], told=True).patches,
            events=(Note("Normal", "ProvisioningSucceeded", text),),
            prune=False,
        )


def make_volume(claim: PersistentVolumeClaim, found: StorageClass, folder: str) -> Obj:
    name = f"pvc-{claim.metadata.uid}"
    return {
        "apiVersion": VOLUME.api_version,
        "kind": VOLUME.kind,
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "accessModes": list(claim.spec.access_modes),
            "capacity": {"storage": claim.spec.resources.requests["storage"]},
            "claimRef": _ref(claim),
            "hostPath": {"path": f"{folder}/{name}", "type": "DirectoryOrCreate"},
            "persistentVolumeReclaimPolicy": found.reclaim_policy or "Delete",
            "storageClassName": found.metadata.name,
            "volumeMode": claim.spec.volume_mode or "Filesystem",
        },
    }


def _bound(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> Plan:
    if volume is None:
        phase = "Lost" if claim.status.phase in ("Bound", "Lost") else "Pending"
        return Plan(status={"phase": phase}, prune=False)
    ref = volume.spec.claim_ref
    if ref is None or (not ref.uid and (ref.namespace, ref.name) == claim.key):
        body = {"spec": {"claimRef": _ref(claim)}}
        return Plan(patches=(Patch(VOLUME, "", volume.metadata.name, body),), prune=False)
    if ref.uid != claim.metadata.uid:
        text = f'volume "{volume.metadata.name}" already bound to a different claim.'
        return _pending(Note("Warning", "FailedBinding", text))
    return Plan(
        status={
            "phase": "Bound",
            "accessModes": list(volume.spec.access_modes),
            "capacity": dict(volume.spec.capacity),
        },
        prune=False,
    )


def _bind(claim: PersistentVolumeClaim, name: str, *, told: bool = False) -> Plan:
    """The claim names its volume, and the volume its claim unless it was told when it was made."""
    mine = Patch(CLAIM, *claim.key, {"spec": {"volumeName": name}})
    if told:
        return Plan(patches=(mine,), prune=False)
    its = Patch(VOLUME, "", name, {"spec": {"claimRef": _ref(claim)}})
    return Plan(patches=(its, mine), prune=False)


def _pending(note: Note) -> Plan:
    return Plan(status={"phase": "Pending"}, events=(note,), prune=False)


def _suitable(claim: PersistentVolumeClaim, seen: Seen) -> PersistentVolume | None:
    """The smallest volume that is free, or kept for this claim, and has what it asks for."""
    spec = claim.spec
    asked = quantity.parse(spec.resources.requests.get("storage", 0))
    found = [
        volume
        for volume in seen.list(VOLUME, None)
        if not volume.deleting
        and _is_free_for(claim, volume)
        and volume.spec.storage_class_name == (spec.storage_class_name or "")
        and set(spec.access_modes) <= set(volume.spec.access_modes)
        and quantity.parse(volume.spec.capacity.get("storage", 0)) >= asked
    ]
    return min(found, key=lambda v: quantity.parse(v.spec.capacity["storage"]), default=None)


def _is_free_for(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    ref = volume.spec.claim_ref
    if ref is None:
        return True
    return (ref.namespace, ref.name) == claim.key and ref.uid in ("", claim.metadata.uid)


def _default_class(seen: Seen) -> str:
    for found in seen.list(STORAGE_CLASS, None):
        if found.metadata.annotations.get(IS_DEFAULT) == "true":
            return found.metadata.name
    return ""


def _is_used(claim: PersistentVolumeClaim, seen: Seen) -> bool:
    return any(
        claim_name(pod.metadata.name, volume) == claim.metadata.name
        for pod in seen.list(POD, claim.metadata.namespace)
        if not is_done(pod)
        for volume in pod.spec.volumes
    )


def _ref(claim: PersistentVolumeClaim) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": claim.metadata.namespace,
        "name": claim.metadata.name,
        "uid": claim.metadata.uid,
    }


def _claim_of(volume: Obj, seen: Seen) -> Iterable[Key]:
    """The claim it is for; a volume that is free concerns every claim that waits."""
    ref = (volume.get("spec") or {}).get("claimRef")
    return [Key(ref.get("namespace") or "", ref["name"])] if ref else _open(volume, seen)


def _claims_of_pod(pod: Obj, seen: Seen) -> Iterable[Key]:
    namespace, name = key_of(pod)
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    named = [
        claim["claimName"] for volume in volumes if (claim := volume.get("persistentVolumeClaim"))
    ]
    own = [f"{name}-{volume['name']}" for volume in volumes if volume.get("ephemeral")]
    return [Key(namespace, claim) for claim in (*named, *own)]


def _open(obj: Obj, seen: Seen) -> Iterable[Key]:
    return [claim.key for claim in seen.list(CLAIM, None) if not claim.spec.volume_name]


@dataclass(frozen=True, slots=True)
class VolumeReconciler:
    """A volume's phase, and its end when its claim has gone."""

    @property
    def kind(self) -> Kind[PersistentVolume]:
        return VOLUME

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return (Reads(CLAIM, _volumes_of),)

    def desired(
        self, volume: PersistentVolume, seen: Seen, configs: Configs, now: datetime
    ) -> Plan:
        ref = volume.spec.claim_ref
        if ref is None or not ref.uid:
            return Plan(status={"phase": "Available"})
        claim = seen.get(CLAIM, ref.namespace, ref.name)
        if claim is not None and claim.metadata.uid == ref.uid:
            bound = claim.spec.volume_name == volume.metadata.name
            return Plan(status={"phase": "Bound" if bound else "Available"})
        ours = volume.metadata.annotations.get(PROVISIONED_BY) == PROVISIONER
        if ours and volume.spec.persistent_volume_reclaim_policy == "Delete":
            return Plan(drops=(Drop(VOLUME, "", volume.metadata.name, volume.metadata.uid),))
        return Plan(status={"phase": "Released"})


def _volumes_of(claim: Obj, seen: Seen) -> Iterable[Key]:
    name = (claim.get("spec") or {}).get("volumeName")
    return (Key("", name),) if name else ()

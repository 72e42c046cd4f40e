"""Which claims a pod's volumes are, and the claims that pods bring with them (generic ephemeral volumes). Pure.

A volume with `ephemeral` is a claim of its own for each pod, `<pod>-<volume>`, made from the template in the pod and owned by it,
so that it goes with the pod. Callers: tanebi.kube.engine (the reconciler), claims.py, engine/volumes.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import CLAIM
from tanebi.api.core.pod import Pod, Volume
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Obj, owner_reference
from tanebi.kube.plan import Note, Plan, Reads, Seen
from tanebi.kubelet.podsets import is_done


def claim_name(pod: str, volume: Volume) -> str:
    """Nothing for a volume that is no claim."""
    if volume.persistent_volume_claim is not None:
        return volume.persistent_volume_claim.claim_name
    return f"{pod}-{volume.name}" if volume.ephemeral is not None else ""


@dataclass(frozen=True, slots=True)
class EphemeralReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    @property
    def kind(self) -> Kind[Pod]:
        return POD

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return (CLAIM,)

    @property
    def reads(self) -> tuple[Reads, ...]:
        return ()

    def desired(self, pod: Pod, seen: Seen, configs: Configs, now: datetime) -> Plan:
        wanted = [volume for volume in pod.spec.volumes if volume.ephemeral is not None]
        if not wanted or pod.deleting or is_done(pod):
            return Plan(prune=False)
        children, notes = [], []
        for volume in wanted:
            name = claim_name(pod.metadata.name, volume)
            live = seen.get(CLAIM, pod.metadata.namespace, name)
            controller = live.metadata.controller if live is not None else None
            if live is None:
                children.append(make_claim(pod, volume, name))
            elif controller is None or controller.uid != pod.metadata.uid:
                text = f'PVC "{pod.metadata.namespace}/{name}" was not created for pod "{pod.key}" (pod is not owner)'
                notes.append(Note("Warning", "FailedEphemeralVolume", text))
        return Plan(children=tuple(children), events=tuple(notes), prune=False)


def make_claim(pod: Pod, volume: Volume, name: str) -> Obj:
    template: Obj = (volume.ephemeral or {}).get("volumeClaimTemplate") or {}
    said: Obj = template.get("metadata") or {}
    kept = {key: said[key] for key in ("labels", "annotations") if said.get(key)}
    return {
        "apiVersion": CLAIM.api_version,
        "kind": CLAIM.kind,
        "metadata": {
            **kept,
            "name": name,
            "namespace": pod.metadata.namespace,
            "ownerReferences": [owner_reference(pod)],
        },
        "spec": template.get("spec") or {},
    }

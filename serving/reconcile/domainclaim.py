"""ClusterDomainClaim: a claim that a DomainMapping made for itself goes when the mapping is gone. Pure.

Claims that people made stay. The claim is cluster-wide, so that no owner reference can lead to the namespaced mapping.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from serving.api.config_network import CONFIG_NETWORK
from serving.api.domainclaim import DOMAIN_CLAIM, DomainClaim
from serving.api.domainmapping_types import DomainMapping
from serving.api.kinds import DOMAIN_MAPPING
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.kube.plan import Drop, Plan, Reads, Seen

MADE_FOR: Final = "tanebi.dev/made-for"
"""On a claim that was made here: the namespace and uid of the mapping."""


def make_claim(mapping: DomainMapping) -> Obj:
    meta = mapping.metadata
    return {
        "apiVersion": DOMAIN_CLAIM.api_version,
        "kind": DOMAIN_CLAIM.kind,
        "metadata": {
            "name": meta.name,
            "labels": {},
            "annotations": {MADE_FOR: f"{meta.namespace}/{meta.uid}"},
        },
        "spec": {"namespace": meta.namespace},
    }


def _claims_of_mapping(obj: Obj, seen: Seen) -> Iterable[Key]:
    return [Key("", key_of(obj).name)]


@dataclass(frozen=True, slots=True)
class DomainClaimReconciler:
    """Implements tanebi.kube.plan.Reconciler."""

    kind: Kind[DomainClaim] = DOMAIN_CLAIM
    owns: tuple[AnyKind, ...] = ()
    reads: tuple[Reads, ...] = (Reads(DOMAIN_MAPPING, _claims_of_mapping),)

    def desired(self, resource: DomainClaim, seen: Seen, configs: Configs, now: datetime) -> Plan:
        meta = resource.metadata
        made_here = MADE_FOR in meta.annotations and configs.get(CONFIG_NETWORK).autocreate_claims
        mapping = seen.get(DOMAIN_MAPPING, resource.spec.namespace, meta.name)
        if resource.deleting or not made_here or mapping is not None:
            return Plan(prune=False)
        return Plan(prune=False, drops=(Drop(DOMAIN_CLAIM, "", meta.name, meta.uid),))

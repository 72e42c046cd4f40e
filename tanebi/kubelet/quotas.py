"""What a ResourceQuota's status says: the limits, and how much of them is used.

Pure. Enforcing them is admission's business (tanebi.apiserver.quota). Caller: tanebi.kube.engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, POD, SECRET, SERVICE
from tanebi.api.core.kinds_cluster import CLAIM, RESOURCE_QUOTA
from tanebi.api.core.kinds_workload import (
    CRON_JOB,
    DAEMON_SET,
    JOB,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
)
from tanebi.api.core.policy import ResourceQuota
from tanebi.api.core.quota_scopes import covers
from tanebi.api.core.usage import Amounts, shown, total
from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.kube.plan import Plan, Reads, Seen

COUNTED: tuple[AnyKind, ...] = (
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    CLAIM,
    RESOURCE_QUOTA,
    REPLICATION_CONTROLLER,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
)


@dataclass(frozen=True, slots=True)
class QuotaReconciler:
    """Counts what the namespace has of the kinds that its quota limits."""

    @property
    def kind(self) -> Kind[ResourceQuota]:
        return RESOURCE_QUOTA

    @property
    def owns(self) -> tuple[AnyKind, ...]:
        return ()

    @property
    def reads(self) -> tuple[Reads, ...]:
        return tuple(Reads(kind, _quotas_of) for kind in COUNTED)

    def desired(self, found: ResourceQuota, seen: Seen, configs: Configs, now: datetime) -> Plan:
        namespace, used = found.metadata.namespace, Amounts()
        spec = found.spec.model_dump(by_alias=True)
        for kind in COUNTED:
            keys = (each.key for each in seen.list(kind, namespace))
            raws = (seen.raw(kind, *key) for key in keys)
            counted = (raw for raw in raws if raw is not None and covers(spec, kind, raw))
            used |= total(kind, counted)
        hard = {name: str(amount) for name, amount in found.spec.hard.items()}
        return Plan(
            status={
                "hard": hard,
                "used": {name: shown(name, used.get(name, Decimal(0))) for name in hard},
            }
        )


def _quotas_of(obj: Obj, seen: Seen) -> Iterable[Key]:
    return [found.key for found in seen.list(RESOURCE_QUOTA, key_of(obj).namespace)]

"""What an empty object of a built-in kind holds already: members that its Go type always has. Pure.

Whoever creates a Deployment owns `.spec.replicas` and not `.spec`: the empty object had that. A list or map that Go writes as
null is empty here, and a value is left out. Printed by the program in tests/tanebi/apiserver/gotypes. Callers: managers, apply.
"""

from __future__ import annotations

from typing import Any, Final

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj

_TEMPLATE: Final[Obj] = {"metadata": {}, "spec": {"containers": []}}
_ZERO: Final[dict[str, Obj]] = {
    "v1 Event": {"involvedObject": {}, "source": {}},
    "v1 LimitRange": {"spec": {"limits": []}},
    "v1 Namespace": {"spec": {}, "status": {}},
    "v1 Node": {"spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {}}, "nodeInfo": {}}},
    "v1 PersistentVolume": {"spec": {}, "status": {}},
    "v1 PersistentVolumeClaim": {"spec": {"resources": {}}, "status": {}},
    "v1 Pod": {"spec": {"containers": []}, "status": {}},
    "v1 PodTemplate": {"template": _TEMPLATE},
    "v1 ReplicationController": {"spec": {}, "status": {}},
    "v1 ResourceQuota": {"spec": {}, "status": {}},
    "v1 Service": {"spec": {}, "status": {"loadBalancer": {}}},
    "apiextensions.k8s.io/v1 CustomResourceDefinition": {
        "spec": {"names": {}, "versions": []},
        "status": {"acceptedNames": {}, "conditions": [], "storedVersions": []},
    },
    "apps/v1 DaemonSet": {
        "spec": {"selector": [], "template": _TEMPLATE, "updateStrategy": {}},
        "status": {},
    },
    "apps/v1 Deployment": {
        "spec": {"selector": [], "strategy": {}, "template": _TEMPLATE},
        "status": {},
    },
    "apps/v1 ReplicaSet": {"spec": {"selector": [], "template": _TEMPLATE}, "status": {}},
    "apps/v1 StatefulSet": {
        "spec": {"selector": [], "template": _TEMPLATE, "updateStrategy": {}},
        "status": {},
    },
    "autoscaling/v1 HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": {}}, "status": {}},
    "autoscaling/v1 Scale": {"spec": {}, "status": {}},
    "autoscaling/v2 HorizontalPodAutoscaler": {
        "spec": {"scaleTargetRef": {}},
        "status": {"currentMetrics": []},
    },
    "batch/v1 CronJob": {
        "spec": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}},
        "status": {},
    },
    "batch/v1 Job": {"spec": {"template": _TEMPLATE}, "status": {}},
    "coordination.k8s.io/v1 Lease": {"spec": {}},
    "discovery.k8s.io/v1 EndpointSlice": {"endpoints": [], "ports": []},
    "events.k8s.io/v1 Event": {"deprecatedSource": {}, "regarding": {}},
    "networking.k8s.io/v1 Ingress": {"spec": {}, "status": {"loadBalancer": {}}},
    "networking.k8s.io/v1 IngressClass": {"spec": {}},
    "networking.k8s.io/v1 NetworkPolicy": {"spec": {"podSelector": {}}},
    "policy/v1 PodDisruptionBudget": {"spec": {}, "status": {}},
    "rbac.authorization.k8s.io/v1 ClusterRole": {"rules": []},
    "rbac.authorization.k8s.io/v1 ClusterRoleBinding": {"roleRef": {}},
    "rbac.authorization.k8s.io/v1 Role": {"rules": []},
    "rbac.authorization.k8s.io/v1 RoleBinding": {"roleRef": {}},
}


def with_zeros(kind: AnyKind, old: Obj | None, new: Obj) -> Obj:
    """`old` with what Go's type holds besides, as far as `new` has it too. `old` None: there was no object."""
    zero = _ZERO.get(f"{kind.api_version} {kind.kind}") if kind.builtin else None
    return _over(zero or {}, old or {}, new)


def _over(zero: Obj, old: Obj, new: Obj) -> Obj:
    filled: Obj = {}
    for name, below in zero.items():
        there, wanted = old.get(name), new.get(name)
        if wanted is None:
            continue
        if there is None:
            filled[name] = below
        elif below and isinstance(there, dict) and isinstance(wanted, dict):
            inner: Any = _over(below, there, wanted)
            if inner is not there:
                filled[name] = inner
    return {**old, **filled} if filled else old

"""Whether a pod may run on this machine's node, and in which words it may not.

Pure. The rules and the texts are those of kube-scheduler's default plug-ins, for a cluster of one node: unschedulable nodes,
taints, node selectors, required node affinity, requests against what is allocatable. Makers of pods bind them when they
create them; what does not fit is created unbound, and the kubelet binds it when it does.
Callers: the reconcilers beside this module, tanebi.kubelet.worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tanebi.api import quantity
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.node import Node, Taint
from tanebi.api.core.pod import Pod, PodSpec
from tanebi.api.meta import Obj
from tanebi.kube.plan import Seen

UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
DEFAULT_SCHEDULER: Final = "default-scheduler"
NO_PORTS: Final = "node(s) didn't have free ports for the requested pod ports"
HostPort = tuple[str, str, int]  # address ("": any), protocol, port
REPELLING: Final = ("NoSchedule", "NoExecute")


def place(seen: Seen, name: str, template: Obj) -> str:
    """The name of the node when pods of this template may run there, else nothing. Requests are looked at by the kubelet."""
    if not is_ours(template["spec"].get("schedulerName") or ""):
        return ""
    node = seen.get(NODE, "", name)
    if node is None:
        return name
    if not (node.spec.unschedulable or node.spec.taints) and not _is_choosy(template["spec"]):
        return name
    wanted = PodSpec.model_validate(template["spec"])
    # Whether a port of the machine is free is seen when the pod is bound.
    return "" if host_ports(wanted) or refusals(wanted, node) else name


def is_ours(scheduler: str) -> bool:
    """Pods that name another scheduler wait for it to bind them."""
    return scheduler in ("", DEFAULT_SCHEDULER)


def _is_choosy(spec: Obj) -> bool:
    asked = any(
        c.get("resources", {}).get("requests")
        or any(p.get("hostPort") for p in c.get("ports") or ())
        for c in spec.get("containers") or ()
    )
    return bool(asked or spec.get("nodeSelector") or spec.get("affinity"))


def refusals(spec: PodSpec, node: Node, others: Iterable[Pod] = ()) -> list[str]:
    """Why not, as the scheduler counts reasons; empty when the pod fits. `others` are the pods that are there."""
    tolerated = spec.tolerations or ()
    if node.spec.unschedulable and not _tolerates(
        tolerated, Taint(key=UNSCHEDULABLE, effect="NoSchedule")
    ):
        return ["node(s) were unschedulable"]
    for taint in node.spec.taints:
        if taint.effect in REPELLING and not _tolerates(tolerated, taint):
            return [f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"]
    if not _is_chosen(spec, node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    there = list(others)
    if clashes(spec, there):
        return [NO_PORTS]
    return _insufficient(spec, node, there)


def host_ports(spec: PodSpec) -> set[HostPort]:
    """The ports of the machine that a pod asks for; on the machine's network all of its ports are."""
    return {
        (_any(port.host_ip), port.protocol or "TCP", port.host_port or port.container_port)
        for container in spec.original_containers
        for port in container.ports
        if port.host_port or spec.host_network
    }


def clashes(spec: PodSpec, others: Iterable[Pod]) -> bool:
    """Whether another pod has one of its ports."""
    wanted = host_ports(spec)
    if not wanted:
        return False
    taken = {port for other in others for port in host_ports(other.spec)}
    return any(
        mine[1:] == theirs[1:] and (mine[0] == theirs[0] or "" in (mine[0], theirs[0]))
        for mine in wanted
        for theirs in taken
    )


def _any(address: str) -> str:
    return "" if address in ("", "0.0.0.0") else address


def message(reasons: Sequence[str]) -> str:
    """As the scheduler says it in the condition PodScheduled."""
    found = ", ".join(f"1 {reason}" for reason in reasons)
    if any(reason == NO_PORTS or reason.startswith("Insufficient") for reason in reasons):
        why = "1 No preemption victims found for incoming pod"
    else:
        why = "1 Preemption is not helpful for scheduling"
    return f"0/1 nodes are available: {found}. preemption: 0/1 nodes are available: {why}."


def requested(spec: PodSpec) -> dict[str, Decimal]:
    """The sum over containers, or the largest init container when that is more (pkg/api/v1/resource)."""
    total: dict[str, Decimal] = {}
    for container in spec.containers:
        for name, amount in container.resources.requests.items():
            total[name] = total.get(name, Decimal(0)) + quantity.parse(amount)
    for container in spec.init_containers:
        always = container.restart_policy == "Always"
        for name, amount in container.resources.requests.items():
            parsed, have = quantity.parse(amount), total.get(name, Decimal(0))
            total[name] = have + parsed if always else max(have, parsed)
    return total


def _insufficient(spec: PodSpec, node: Node, others: Iterable[Pod]) -> list[str]:
    wanted = requested(spec)
    if not wanted:
        return []
    used: dict[str, Decimal] = {}
    for pod in others:
        for name, amount in requested(pod.spec).items():
            used[name] = used.get(name, Decimal(0)) + amount
    there = node.status.allocatable
    return [
        f"Insufficient {name}"
        for name, amount in sorted(wanted.items())
        if amount and used.get(name, Decimal(0)) + amount > quantity.parse(there.get(name, 0))
    ]


def _is_chosen(spec: PodSpec, node: Node) -> bool:
    labels = node.metadata.labels
    if not (spec.node_selector or {}).items() <= labels.items():
        return False
    affinity = ((spec.affinity or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if not affinity:
        return True
    fields = {"metadata.name": node.metadata.name}
    return any(
        all(_matches(rule, labels) for rule in term.get("matchExpressions") or ())
        and all(_matches(rule, fields) for rule in term.get("matchFields") or ())
        for term in affinity.get("nodeSelectorTerms") or ()
    )


def _matches(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, wanted = labels.get(rule.get("key", "")), rule.get("values") or []
    match rule.get("operator"):
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as way:
            if value is None or not value.isdecimal() or len(wanted) != 1:
                return False
            return int(value) > int(wanted[0]) if way == "Gt" else int(value) < int(wanted[0])
    return False


def _tolerates(tolerations: Iterable[Mapping[str, Any]], taint: Taint) -> bool:
    return any(
        (not each.get("effect") or each["effect"] == taint.effect)
        and (
            (each.get("operator") == "Exists" and each.get("key", "") in ("", taint.key))
            or (each.get("key") == taint.key and (each.get("value") or "") == taint.value)
        )
        for each in tolerations
    )

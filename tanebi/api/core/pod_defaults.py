"""What Kubernetes fills in for a pod that does not say (k8s.io/kubernetes pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tanebi.api.kind import Admission
from tanebi.api.meta import Obj

PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
FILE_MODE: Final = 420  # 0644


def default_pod(pod: Obj, old: Obj | None, admission: Admission) -> Obj:
    """Complete a Pod."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    for container in (*objects(spec, "initContainers"), *objects(spec, "containers")):
        _default_requests(container)
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec.get("serviceAccount") or "default"
    if old is None or (old.get("spec") or {}).get("serviceAccount"):
        spec["serviceAccount"] = spec["serviceAccountName"]  # its old name is written, too
    fill(spec, {"enableServiceLinks": True})
    if old is not None:  # set at admission, by its classes
        before = old.get("spec") or {}
        fill(spec, {k: before[k] for k in ("priority", "preemptionPolicy") if k in before})
    status = pod.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", "BestEffort")
    return pod


def qos_class(spec: Obj) -> str:
    """By what its containers ask for: Guaranteed, Burstable or BestEffort (pkg/apis/core/helper/qos)."""
    found = [
        container.get("resources") or {}
        for container in (*objects(spec, "initContainers"), *objects(spec, "containers"))
    ]
    sides = [
        {
            name: amount
            for name, amount in (each.get(side) or {}).items()
            if name in ("cpu", "memory")
        }
        for each in found
        for side in ("requests", "limits")
    ]
    if not any(sides):
        return "BestEffort"
    whole = all(set(side) == {"cpu", "memory"} for side in sides)
    return "Guaranteed" if whole and sides[::2] == sides[1::2] else "Burstable"


def _default_requests(container: Obj) -> None:
    """A limit without a request is the request, too."""
    resources = container.get("resources")
    limits = resources.get("limits") if isinstance(resources, dict) else None
    if isinstance(resources, dict) and isinstance(limits, dict) and limits:
        requests = resources.setdefault("requests", {})
        if isinstance(requests, dict):
            fill(requests, limits)


def default_pod_spec(spec: Obj) -> None:
    """Complete a pod template's or a pod's spec in place."""
    fill(
        spec,
        {
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "terminationGracePeriodSeconds": 30,
            "schedulerName": "default-scheduler",
            "securityContext": {},
        },
    )
    if isinstance(grace := spec["terminationGracePeriodSeconds"], int) and grace < 0:
        spec["terminationGracePeriodSeconds"] = 1  # as Kubernetes reads it
    for name in ("initContainers", "containers", "ephemeralContainers"):
        for container in objects(spec, name):
            _default_container(container)
    for volume in objects(spec, "volumes"):
        _default_volume(volume)


def fill(obj: Obj, defaults: Obj) -> None:
    """Set what is absent or null."""
    for name, value in defaults.items():
        if obj.get(name) is None:
            obj[name] = value


def objects(obj: Obj, name: str) -> Iterable[Obj]:
    """The objects of a list that may be absent; what is not an object is validation's business."""
    found: Any = obj.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _default_container(container: Obj) -> None:
    tag = str(container.get("image") or "").rpartition("/")[2]
    fixed = "@" in tag or (":" in tag and not tag.endswith(":latest"))
    fill(
        container,
        {
            "imagePullPolicy": "IfNotPresent" if fixed else "Always",
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "resources": {},
        },
    )
    for port in objects(container, "ports"):
        fill(port, {"protocol": "TCP"})
    for variable in objects(container, "env"):
        source = variable.get("valueFrom") or {}
        if isinstance(source.get("fieldRef"), dict):
            fill(source["fieldRef"], {"apiVersion": "v1"})
    for name in PROBES:
        if isinstance(container.get(name), dict):
            _default_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and isinstance(hook.get("httpGet"), dict):
            fill(hook["httpGet"], {"path": "/", "scheme": "HTTP"})


def _default_probe(probe: Obj) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(name):  # Kubernetes treats zero as "not said"
            probe[name] = value
    if isinstance(probe.get("httpGet"), dict):
        fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})


def _default_volume(volume: Obj) -> None:
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            fill(volume[source], {"defaultMode": FILE_MODE})

"""The `queue-proxy` entry of a revision's pods: what Knative's sidecar would be, with its computed resources.

Nobody runs it: the activator does its work. Clients look for it in pods and Deployments, so it is listed there; the annotation
`tanebi.dev/shown-only` on the pod tells the kubelet not to run it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from serving.api.config_deployment import CONFIG_DEPLOYMENT, DeploymentSettings
from serving.api.config_features import CONFIG_FEATURES, Features
from serving.api.names import (
    FULL_DUPLEX,
    H2C_PORT_NAME,
    LABEL_CONFIGURATION,
    LABEL_SERVICE,
    QUEUE_CONTAINER,
    QUEUE_SIDECAR_PREFIX,
    SYSTEM_NAMESPACE,
)
from serving.api.revision_types import Revision
from serving.reconcile.statuses import as_json
from tanebi.api import quantity
from tanebi.api.core.pod import Container
from tanebi.api.kind import Configs
from tanebi.api.meta import Obj

HTTP_PORT: Final = 8012
H2C_PORT: Final = 8013
TLS_PORT: Final = 8112

_PERCENTAGE: Final = f"{QUEUE_SIDECAR_PREFIX}resource-percentage"
_DEFAULTS: Final = {
    ("limits", "cpu"): "1000m",
    ("requests", "memory"): "400Mi",
    ("limits", "memory"): "800Mi",
}
"""With the feature queueproxy.resource-defaults."""
_SHARES: Final = {
    ("requests", "cpu"): ("25m", "100m"),
    ("limits", "cpu"): ("40m", "500m"),
    ("requests", "memory"): ("50Mi", "200Mi"),
    ("limits", "memory"): ("200Mi", "500Mi"),
}
"""Bounds of what resource-percentage gives."""


def make_queue_proxy(revision: Revision, port: int, protocol: str, *, configs: Configs) -> Obj:
    """`port` and `protocol` are those of the container that takes requests."""
    settings, features = configs.get(CONFIG_DEPLOYMENT), configs.get(CONFIG_FEATURES)
    serving = revision.spec.serving_container
    resources = _resources(revision.metadata.annotations, serving, settings, features)
    listens = H2C_PORT if protocol == H2C_PORT_NAME else HTTP_PORT
    return {
        "name": QUEUE_CONTAINER,
        "image": settings.queue_sidecar_image,
        "resources": resources,
        "ports": [
            {"name": "http-queueadm", "containerPort": 8022},
            {"name": "http-autometric", "containerPort": 9090},
            {"name": "http-usermetric", "containerPort": 9091},
            {"name": "queue-port", "containerPort": listens},
            {"name": "https-port", "containerPort": TLS_PORT},
        ],
        "readinessProbe": {
            "httpGet": {
                "port": listens,
                "httpHeaders": [{"name": "K-Network-Probe", "value": "queue"}],
            }
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "env": _env(revision, port, listens, features),
    }


def _resources(
    annotations: Mapping[str, str],
    serving: Container | None,
    settings: DeploymentSettings,
    features: Features,
) -> Obj:
    """Annotations go first, then a share of the user's container, then the ConfigMap, then the feature's defaults."""
    found: dict[str, dict[str, str]] = {}
    defaults = _DEFAULTS if features.enabled("queueproxy.resource-defaults") else {}
    for bound, word in (("requests", "request"), ("limits", "limit")):
        for name in ("cpu", "memory", "ephemeral-storage"):
            amount = (
                annotations.get(f"{QUEUE_SIDECAR_PREFIX}{name}-resource-{word}")
                or _share(annotations, serving, bound, name)
                or settings.queue_resources.get((bound, name))
                or defaults.get((bound, name))
            )
            if amount:
                found.setdefault(bound, {})[name] = amount
    return dict(found)


def _share(
    annotations: Mapping[str, str], serving: Container | None, bound: str, name: str
) -> str | None:
    bounds = _SHARES.get((bound, name))
    text = annotations.get(_PERCENTAGE)
    if bounds is None or text is None or serving is None:
        return None
    amounts = serving.resources.limits if bound == "limits" else serving.resources.requests
    given = amounts.get(name)
    try:
        share = quantity.parse(given) * Decimal(text) / 100 if given else Decimal(0)
    except (ValueError, ArithmeticError):  # a stored object may be older than a rule
        return None
    if not share:
        return None
    low, high = (quantity.parse(each) for each in bounds)
    if share <= low:
        return bounds[0]
    if share >= high:
        return bounds[1]
    return f"{int(share * 1000)}m" if name == "cpu" else str(int(share))


def _env(revision: Revision, port: int, listens: int, features: Features) -> list[Obj]:
    meta, spec = revision.metadata, revision.spec
    values = {
        "SERVING_NAMESPACE": meta.namespace,
        "SERVING_SERVICE": meta.labels.get(LABEL_SERVICE, ""),
        "SERVING_CONFIGURATION": meta.labels.get(LABEL_CONFIGURATION, ""),
        "SERVING_REVISION": meta.name,
        "QUEUE_SERVING_PORT": str(listens),
        "QUEUE_SERVING_TLS_PORT": str(TLS_PORT),
        "CONTAINER_CONCURRENCY": str(spec.container_concurrency or 0),
        "REVISION_TIMEOUT_SECONDS": str(spec.timeout_seconds or 0),
        "REVISION_RESPONSE_START_TIMEOUT_SECONDS": str(spec.response_start_timeout_seconds or 0),
        "REVISION_IDLE_TIMEOUT_SECONDS": str(spec.idle_timeout_seconds or 0),
        "USER_PORT": str(port),
        "SYSTEM_NAMESPACE": SYSTEM_NAMESPACE,
        "SERVING_READINESS_PROBE": _probe(spec.serving_container, port),
        "ENABLE_HTTP2_AUTO_DETECTION": _word(features.enabled("autodetect-http2")),
        "ENABLE_HTTP_FULL_DUPLEX": _word(
            meta.annotations.get(FULL_DUPLEX, "").lower() == "enabled"
        ),
        "ENABLE_MULTI_CONTAINER_PROBES": _word(features.enabled("multi-container-probing")),
    }
    fields = (
        ("SERVING_POD", "metadata.name"),
        ("SERVING_POD_IP", "status.podIP"),
        ("HOST_IP", "status.hostIP"),
    )
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields),
    ]


def _word(on: bool) -> str:
    return "true" if on else "false"


def _probe(serving: Container | None, port: int) -> str:
    """The readiness probe as the sidecar would be told it: JSON, with the port filled in."""
    probe = as_json(serving.readiness_probe) if serving and serving.readiness_probe else {}
    for handler in ("httpGet", "tcpSocket", "grpc"):
        if handler in probe:
            probe[handler] = {**probe[handler], "port": probe[handler].get("port") or port}
    return json.dumps(probe, separators=(",", ":")) if probe else ""

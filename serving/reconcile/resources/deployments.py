"""The Deployment of a Revision.

No sidecar runs: the user's container keeps its readiness probe and is reached on its own port. `queue-proxy` is only listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from autoscaler.api import CONFIG_AUTOSCALER
from autoscaler.api.annotations import MIN_SCALE, initial_scale, integer
from serving.api.config_deployment import CONFIG_DEPLOYMENT, SPREAD
from serving.api.names import (
    DEFAULT_CONTAINER,
    DEFAULT_PORT,
    H2C_PORT_NAME,
    LABEL_APP,
    LABEL_CONFIGURATION,
    LABEL_REVISION,
    LABEL_REVISION_UID,
    LABEL_ROUTE,
    LABEL_ROUTING_STATE,
    LABEL_SERVICE,
    PROGRESS_DEADLINE,
    QUEUE_CONTAINER,
    ROUTES,
    ROUTING_STATE_MODIFIED,
    SHOWN_ONLY,
    USER_PORT_NAME,
    deployment_name,
)
from serving.api.revision_types import Revision
from serving.reconcile.resources.meta import inherited, without
from serving.reconcile.resources.queue_proxy import make_queue_proxy
from serving.reconcile.statuses import as_json
from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.api.core.pod import Container
from tanebi.api.durations import parse_go
from tanebi.api.kind import Configs
from tanebi.api.meta import Obj, owner_reference

_REVISION_ONLY: Final = (
    "containerConcurrency",
    "timeoutSeconds",
    "responseStartTimeoutSeconds",
    "idleTimeoutSeconds",
)
_TERMINATION_POLICY: Final = "FallbackToLogsOnError"
_PROBES: Final = ("readinessProbe", "livenessProbe", "startupProbe")


def make_deployment(
    revision: Revision, *, digests: Mapping[str, str], exists: bool, configs: Configs
) -> Obj:
    """`digests`: container name → image by digest. Once it exists the number of replicas is the autoscaler's: left out."""
    meta = revision.metadata
    replicas = {} if exists else {"replicas": _initial_scale(revision, configs)}
    annotations = annotations_of_children(revision)
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.kind,
        "metadata": {
            "name": deployment_name(meta.name),
            "namespace": meta.namespace,
            "labels": labels_of_children(revision),
            "annotations": annotations,
            "ownerReferences": [owner_reference(revision)],
        },
        "spec": {
            **replicas,
            "selector": {"matchLabels": {LABEL_REVISION_UID: meta.uid}},
            "progressDeadlineSeconds": _progress_deadline_s(revision, configs),
            "revisionHistoryLimit": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": labels_of_children(revision),
                    "annotations": {
                        **annotations,
                        DEFAULT_CONTAINER: _serving_name(revision),
                        SHOWN_ONLY: QUEUE_CONTAINER,
                    },
                },
                "spec": _pod_spec(revision, digests, configs),
            },
        },
    }


def _initial_scale(revision: Revision, configs: Configs) -> int:
    """The initial scale, or the minimum where that is more: the autoscaler would ask for it at once."""
    settings, annotations = configs.get(CONFIG_AUTOSCALER), revision.metadata.annotations
    least = integer(annotations, MIN_SCALE)
    return max(initial_scale(annotations, settings), settings.min_scale if least is None else least)


def labels_of_children(revision: Revision) -> dict[str, str]:
    """The revision's labels without those that routes move, plus its own name."""
    meta = revision.metadata
    return {
        LABEL_APP: meta.name,
        **without(meta.labels, LABEL_ROUTE, LABEL_ROUTING_STATE),
        LABEL_REVISION: meta.name,
        LABEL_REVISION_UID: meta.uid,
    }


def annotations_of_children(revision: Revision) -> dict[str, str]:
    return inherited(revision.metadata.annotations, ROUTES, ROUTING_STATE_MODIFIED)


def user_port(container: Container) -> int:
    """Where the container listens: its one declared port, else 8080."""
    if container.ports and container.ports[0].container_port:
        return container.ports[0].container_port
    return DEFAULT_PORT


def protocol_of(revision: Revision) -> str:
    """`h2c` when the port is so named, else `http1`."""
    container = revision.spec.serving_container
    names = [port.name for port in container.ports] if container else []
    return H2C_PORT_NAME if H2C_PORT_NAME in names else "http1"


def _serving_name(revision: Revision) -> str:
    container = revision.spec.serving_container
    return container.name if container else ""


def _progress_deadline_s(revision: Revision, configs: Configs) -> int:
    """The annotation was validated at admission; a stored one that cannot be read counts as absent."""
    default = configs.get(CONFIG_DEPLOYMENT).progress_deadline_s
    text = revision.metadata.annotations.get(PROGRESS_DEADLINE)
    try:
        return int(parse_go(text) if text else default)
    except ValueError:
        return int(default)


def _pod_spec(revision: Revision, digests: Mapping[str, str], configs: Configs) -> Obj:
    spec = as_json(revision.spec)
    pod = {key: value for key, value in spec.items() if key not in _REVISION_ONLY}
    serving = revision.spec.serving_container
    env = _knative_env(revision)
    pod["containers"] = [
        _serving(given, view, env) if view is serving else _other(given, env)
        for given, view in zip(spec.get("containers") or (), revision.spec.containers, strict=True)
    ]
    if init := spec.get("initContainers"):
        pod["initContainers"] = [_other(container, env) for container in init]
    for container in (*pod["containers"], *pod.get("initContainers", ())):
        container["image"] = digests.get(container.get("name", "")) or container.get("image", "")
    port = user_port(serving) if serving else DEFAULT_PORT
    pod["containers"].append(
        make_queue_proxy(revision, port, protocol_of(revision), configs=configs)
    )
    if revision.spec.timeout_seconds is not None:
        pod["terminationGracePeriodSeconds"] = revision.spec.timeout_seconds
    return {**_placement(revision, configs), **pod}


def _placement(revision: Revision, configs: Configs) -> Obj:
    """Where pods go, as far as the revision does not say it itself."""
    settings = configs.get(CONFIG_DEPLOYMENT)
    found: Obj = {}
    if settings.affinity == SPREAD:
        term = {
            "labelSelector": {"matchLabels": {LABEL_REVISION: revision.metadata.name}},
            "topologyKey": "kubernetes.io/hostname",
        }
        preferred = [{"weight": 100, "podAffinityTerm": term}]
        anti = {"preferredDuringSchedulingIgnoredDuringExecution": preferred}
        found["affinity"] = {"podAntiAffinity": anti}
    if name := settings.runtime_class(revision.metadata.labels):
        found["runtimeClassName"] = name
    return found


def _knative_env(revision: Revision) -> list[Obj]:
    meta = revision.metadata
    return [
        {"name": "K_REVISION", "value": meta.name},
        {"name": "K_CONFIGURATION", "value": meta.labels.get(LABEL_CONFIGURATION, "")},
        {"name": "K_SERVICE", "value": meta.labels.get(LABEL_SERVICE, "")},
    ]


def _other(container: Obj, env: list[Obj]) -> Obj:
    """A container that takes no requests."""
    return {
        "terminationMessagePolicy": _TERMINATION_POLICY,
        **container,
        "env": [*(container.get("env") or ()), *env],
    }


def _serving(container: Obj, view: Container, env: list[Obj]) -> Obj:
    port = user_port(view)
    made = _other(container, [{"name": "PORT", "value": str(port)}, *env])
    made["ports"] = [{"name": USER_PORT_NAME, "containerPort": port}]
    names: set[str | int] = {"", 0, "0", *(p.name for p in view.ports)}
    for key in _PROBES:
        if probe := container.get(key):
            made[key] = _with_port(probe, port, names)
    return made


def _with_port(probe: Obj, port: int, names: set[str | int]) -> Obj:
    """The port filled in where the author left it out or wrote its name."""
    made = dict(probe)
    for handler in ("httpGet", "tcpSocket", "grpc"):
        action = made.get(handler)
        if action is not None and action.get("port", 0) in names:
            made[handler] = {**action, "port": port}
    return made

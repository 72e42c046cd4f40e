"""Objects of Knative's installation that clients look for: the gateway's Services, and the parts of the control plane. Pure.

The parts run inside the platform, not as pods: their Deployments say so with no replicas, which is all that they ask for, so that
`kubectl wait` and `kubectl rollout status` are answered at once. The gateway's Services carry the real address and port.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from serving.api.names import ACTIVATOR_SERVICE, GATEWAY_SERVICE, SYSTEM_NAMESPACE
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINTS, SERVICE
from tanebi.api.meta import Obj

KOURIER_NAMESPACE: Final = "kourier-system"
NOTE: Final = "tanebi.dev/note"

_PARTS: Final = ("activator", "autoscaler", "controller", "webhook")
_RUNS_INSIDE: Final = "runs inside the platform's own process, not as a pod"
_GATEWAYS: Final = (
    (SYSTEM_NAMESPACE, GATEWAY_SERVICE, "the gateway"),
    (KOURIER_NAMESPACE, "kourier", "the gateway, under the name of Knative's default ingress"),
    (KOURIER_NAMESPACE, "kourier-internal", "the gateway, for clients inside"),
)
_HTTP: Final = ("http", 80, 8012)
_PORTS: Final = {
    ACTIVATOR_SERVICE: (_HTTP, ("http2", 81, 8013), ("https", 443, 8112)),
    "autoscaler": (("http", 8080, 8080),),
    "controller": (("http-metrics", 9090, 9090),),
    "webhook": (("https-webhook", 443, 8443),),
}


def gateway_services(host: str, port: int, tls_port: int | None = None) -> Iterator[Obj]:
    """`host` and `port`: where the gateway listens, for https too at `tls_port`. Their status names the address, as a load
    balancer's does."""
    listening = [("http2", 80, port)]
    if tls_port is not None:
        listening.append(("https", 443, tls_port))
    for namespace, name, note in _GATEWAYS:
        internal = name.endswith("-internal")
        made = _service(namespace, name, note)
        made["spec"] = {
            "type": "ClusterIP" if internal else "LoadBalancer",
            "sessionAffinity": "None",
            "ports": [
                {
                    "name": title,
                    "protocol": "TCP",
                    "port": number,
                    "targetPort": target,
                    **({} if internal else {"nodePort": target}),
                }
                for title, number, target in listening
            ],
        }
        if not internal:
            entry = {"ip": host} if _is_address(host) else {"hostname": host}
            made["status"] = {"loadBalancer": {"ingress": [entry]}}
        yield made


def part_services() -> Iterator[Obj]:
    for name, ports in _PORTS.items():
        made = _service(SYSTEM_NAMESPACE, name, _RUNS_INSIDE)
        made["spec"] = {
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ports": [
                {"name": title, "protocol": "TCP", "port": number, "targetPort": target}
                for title, number, target in ports
            ],
        }
        yield made


def activator_endpoints(address: str, port: int) -> Obj:
    """Where the gateway, which is the activator, is reached from inside. No rule leads there by the Service's own address."""
    made = _service(SYSTEM_NAMESPACE, ACTIVATOR_SERVICE, "the gateway")
    made["metadata"]["labels"]["endpointslice.kubernetes.io/skip-mirror"] = "true"
    ports = [
        {"name": name, "port": port, "protocol": "TCP"}
        for name, _, _ in _PORTS[ACTIVATOR_SERVICE]
        if name != "https"
    ]
    subset = {"addresses": [{"ip": address}], "ports": ports}
    return {
        **made,
        "apiVersion": ENDPOINTS.api_version,
        "kind": ENDPOINTS.kind,
        "subsets": [subset],
    }


def part_deployments() -> Iterator[Obj]:
    for name in _PARTS:
        labels = {"app": name, **_labels(name)}
        yield {
            "apiVersion": DEPLOYMENT.api_version,
            "kind": DEPLOYMENT.kind,
            "metadata": {
                "name": name,
                "namespace": SYSTEM_NAMESPACE,
                "labels": labels,
                "annotations": {NOTE: _RUNS_INSIDE},
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": name, "image": "none"}]},
                },
            },
        }


def _service(namespace: str, name: str, note: str) -> Obj:
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app": name, **_labels(name)},
            "annotations": {NOTE: note},
        },
    }


def _labels(component: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "knative-serving",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "tanebi",
    }


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()

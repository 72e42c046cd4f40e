"""Variables that name the Services of a pod's namespace, as containers have had them since before there was DNS.

Pure (k8s.io/kubernetes pkg/kubelet/envvars). Caller: tanebi.kubelet.environment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tanebi.api.core.network import Service

NONE: Final = "None"


def variables(services: Iterable[Service]) -> dict[str, str]:
    found: dict[str, str] = {}
    for service in services:
        if service.spec.cluster_ip not in ("", NONE) and service.spec.ports:
            found |= _of(service)
    return found


def _of(service: Service) -> dict[str, str]:
    prefix, address = _name(service.metadata.name), service.spec.cluster_ip
    first = service.spec.ports[0]
    found = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(first.port)}
    for port in service.spec.ports:
        protocol = port.protocol or "TCP"
        url = f"{protocol.lower()}://{address}:{port.port}"
        link = f"{prefix}_PORT_{port.port}_{protocol.upper()}"
        if port.name:
            found[f"{prefix}_SERVICE_PORT_{_name(port.name)}"] = str(port.port)
        if port is first:
            found[f"{prefix}_PORT"] = url
        found |= {
            link: url,
            f"{link}_PROTO": protocol.lower(),
            f"{link}_PORT": str(port.port),
            f"{link}_ADDR": address,
        }
    return found


def _name(text: str) -> str:
    return text.upper().replace("-", "_")

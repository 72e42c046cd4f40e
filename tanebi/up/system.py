"""Publishes what clients of a Knative installation look for. Caller: tanebi.up.platform, once the gateway listens."""

from __future__ import annotations

from typing import Final

from serving.reconcile.resources.system import (
    KOURIER_NAMESPACE,
    activator_endpoints,
    gateway_services,
    part_deployments,
    part_services,
)
from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINTS, NAMESPACE, SERVICE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, key_of
from tanebi.kube.client import Kube

_KOURIER: Final[Obj] = {
    "apiVersion": NAMESPACE.api_version,
    "kind": NAMESPACE.kind,
    "metadata": {"name": KOURIER_NAMESPACE},
}


async def publish(
    kube: Kube, host: str, port: int, tls_port: int | None, *, inside: tuple[str, int]
) -> None:
    """Made as they should be, whatever an earlier run left. `inside`: where pods reach the gateway. Raises as the API does."""
    await _apply(kube, NAMESPACE, _KOURIER)
    for service in (*gateway_services(host, port, tls_port), *part_services()):
        status = service.pop("status", None)
        stored = await _apply(kube, SERVICE, service)
        if status is not None and stored.get("status") != status:
            await kube.update_status(SERVICE, {**stored, "status": status})
    await _apply(kube, ENDPOINTS, activator_endpoints(*inside))
    for deployment in part_deployments():
        await _apply(kube, DEPLOYMENT, deployment)


async def _apply(kube: Kube, kind: AnyKind, obj: Obj) -> Obj:
    namespace, name = key_of(obj)
    return await kube.patch(kind, namespace, name, obj, type="apply", force=True)

"""The serving reconcilers on the real API server and engine; pods, autoscaler and gateway are played. For contract tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import autoscaler.api
import serving.api
from activator.api.ingress import INGRESS
from autoscaler.api import POD_AUTOSCALER
from serving.api import SERVICE
from serving.api.images import Missing, Resolved
from serving.reconcile.configuration import ConfigurationReconciler
from serving.reconcile.domainclaim import DomainClaimReconciler
from serving.reconcile.domainmapping import DomainMappingReconciler
from serving.reconcile.revision import RevisionReconciler
from serving.reconcile.route import RouteReconciler
from serving.reconcile.service import ServiceReconciler
from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.api.core.kinds import KINDS as CORE_KINDS
from tanebi.api.core.plain import Secret
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Obj
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.engine import Engine
from tanebi.kube.errors import Conflict, NotFound
from tanebi.kube.faulty import Chooser, FaultyTransport, never
from tanebi.testing.control import control_plane
from tanebi.testing.waiting import wait_until

KINDS: Final = (*serving.api.KINDS, *autoscaler.api.KINDS, INGRESS)
CONFIGS: Final = (*serving.api.CONFIGS, *autoscaler.api.CONFIGS)


class Images:
    def lookup(
        self, image: str, secrets: Sequence[Secret] = (), policy: str = ""
    ) -> Resolved | Missing | None:
        if image.endswith("none"):
            return Missing("no such image")
        return Resolved(f"{image}@sha256:1")


def true(*types: str) -> list[Obj]:
    return [{"type": type_, "status": "True"} for type_ in types]


STATUSES: Final[tuple[tuple[AnyKind, Obj], ...]] = (
    (DEPLOYMENT, {"readyReplicas": 1, "availableReplicas": 1, "conditions": true("Progressing")}),
    (INGRESS, {"conditions": true("Ready")}),
    (
        POD_AUTOSCALER,
        {
            "serviceName": "public",
            "desiredScale": 1,
            "actualScale": 1,
            "conditions": true("Ready", "Active", "ScaleTargetInitialized"),
        },
    ),
)


class Around:
    """Everybody else: whatever is asked for comes up at once."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def follow(self, cache: Cache, tasks: Any) -> None:
        for kind, status in STATUSES:
            cache.subscribe(kind, self._answerer(kind, status, tasks))

    def _answerer(self, kind: AnyKind, status: Obj, tasks: Any) -> Any:
        def changed(old: Obj | None, new: Obj | None) -> None:
            if new is None:
                return
            generation = new["metadata"]["generation"]
            if (new.get("status") or {}).get("observedGeneration") != generation:
                said = {**status, "observedGeneration": generation}
                tasks.start_soon(self._say, kind, {**new, "status": said})

        return changed

    async def _say(self, kind: AnyKind, obj: Obj) -> None:
        try:
            await self._kube.update_status(kind, obj)
        except (Conflict, NotFound):
            return  # the newer object is answered, or it is gone


@asynccontextmanager
async def platform(path: Path, *, faults: Chooser = never) -> AsyncIterator[tuple[Kube, Any]]:
    """A client of the server and the server. `faults` go between the reconcilers and the server."""
    async with control_plane(
        path, kinds=KINDS, configs=CONFIGS, namespaces=("default", "other", "knative-serving")
    ) as control:
        faulty = FaultyTransport(control.transport, faults, clock=control.clock)
        kube = Kube(faulty, field_manager="tanebi")
        cache = Cache(kube, control.clock)
        engine = Engine(kube, cache, LiveConfigs(cache, CONFIGS), control.clock, control.rng)
        images = Images()
        engine.add(ServiceReconciler())
        engine.add(ConfigurationReconciler())
        engine.add(RevisionReconciler(images))
        engine.add(RouteReconciler())
        engine.add(DomainMappingReconciler(Kinds((*CORE_KINDS, *KINDS)), (SERVICE,)))
        engine.add(DomainClaimReconciler())
        Around(control.kube).follow(cache, control.tasks)
        await control.tasks.start(cache.run)
        await control.tasks.start(engine.run)
        yield control.kube, control.server


def service(name: str = "hello", *, image: str = "dev.local/hello", **spec: Any) -> Obj:
    template = {"spec": {"containers": [{"image": image}]}}
    return {
        "apiVersion": SERVICE.api_version,
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": template, **spec},
    }


def ready(obj: Obj) -> tuple[str, str]:
    status = obj.get("status") or {}
    if status.get("observedGeneration") != obj["metadata"]["generation"]:
        return "Unknown", "stale"
    said = {c["type"]: c for c in status.get("conditions") or ()}.get("Ready") or {}
    return said.get("status", "Unknown"), said.get("reason", "")


async def until_ready(
    kube: Kube, name: str = "hello", *, status: str = "True", timeout_s: float = 10.0
) -> Obj:
    async def there() -> Obj | None:
        found = await kube.get(SERVICE, "default", name)
        return found if ready(found)[0] == status else None

    found = await wait_until(there, timeout_s, what=f"{name} is Ready={status}")
    assert found is not None
    return found


async def names(kube: Kube, kind: AnyKind) -> list[str]:
    return [obj["metadata"]["name"] for obj in (await kube.list(kind, "default")).items]

"""The four serving reconcilers on the real API server and engine; pods, autoscaler and gateway are played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

import autoscaler.api
import serving.api
from activator.api.ingress import INGRESS
from autoscaler.api import POD_AUTOSCALER
from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.api.images import Missing, Resolved
from serving.reconcile.configuration import ConfigurationReconciler
from serving.reconcile.revision import RevisionReconciler
from serving.reconcile.route import RouteReconciler
from serving.reconcile.service import ServiceReconciler
from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.core.kinds import SERVICE as CORE_SERVICE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.engine import Engine
from tanebi.kube.errors import ApiError, Conflict, NotFound
from tanebi.testing.control import control_plane
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

KINDS: Final = (*serving.api.KINDS, *autoscaler.api.KINDS, INGRESS)
CONFIGS: Final = (*serving.api.CONFIGS, *autoscaler.api.CONFIGS)
QUIET_S: Final = 0.3


class Images:
    def lookup(self, image: str) -> Resolved | Missing | None:
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
async def platform(path: Path) -> AsyncIterator[tuple[Kube, Any]]:
    async with control_plane(
        path, kinds=KINDS, configs=CONFIGS, namespaces=("default", "knative-serving")
    ) as control:
        cache = Cache(control.kube, control.clock)
        engine = Engine(
            control.kube, cache, LiveConfigs(cache, CONFIGS), control.clock, control.rng
        )
        images = Images()
        engine.add(ServiceReconciler())
        engine.add(ConfigurationReconciler())
        engine.add(RevisionReconciler(images))
        engine.add(RouteReconciler())
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


async def until_ready(kube: Kube, name: str = "hello", *, status: str = "True") -> Obj:
    async def there() -> Obj | None:
        found = await kube.get(SERVICE, "default", name)
        return found if ready(found)[0] == status else None

    found = await wait_until(there, what=f"{name} is Ready={status}")
    assert found is not None
    return found


async def names(kube: Kube, kind: AnyKind) -> list[str]:
    return [obj["metadata"]["name"] for obj in (await kube.list(kind, "default")).items]


async def test_a_service_comes_up_and_then_nothing_is_written(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, server):
        await kube.create(SERVICE, service())
        found = await until_ready(kube)
        assert found["status"]["url"] == "http://hello.default.localhost"
        assert await names(kube, REVISION) == ["hello-00001"]
        assert await names(kube, CORE_SERVICE) == ["hello"]
        await anyio.sleep(QUIET_S)
        version = server.store.revision
        await anyio.sleep(QUIET_S)
        assert server.store.revision == version, "somebody keeps writing"


async def test_a_change_makes_a_revision_and_a_bad_one_moves_nothing(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        labels = {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}
        await kube.patch(SERVICE, "default", "hello", labels)
        found = await until_ready(kube)
        assert found["status"]["latestReadyRevisionName"] == "hello-00002"
        bad = {"spec": {"template": {"spec": {"containers": [{"image": "dev.local/none"}]}}}}
        await kube.patch(SERVICE, "default", "hello", bad)
        found = await until_ready(kube, status="False")
        assert found["status"]["latestReadyRevisionName"] == "hello-00002"
        assert [t["revisionName"] for t in found["status"]["traffic"]] == ["hello-00002"]


async def test_a_revision_cannot_be_changed(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        patch = {"spec": {"timeoutSeconds": 5}}
        with pytest.raises(ApiError, match="Immutable fields changed"):
            await kube.patch(REVISION, "default", "hello-00001", patch)


async def test_a_config_map_is_honoured_live(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "config-domain", "namespace": "knative-serving"},
            "data": {"example.org": ""},
        }
        await kube.create(CONFIG_MAP, config)

        async def moved() -> bool:
            found = await kube.get(SERVICE, "default", "hello")
            return bool(found["status"]["url"] == "http://hello.default.example.org")

        await wait_until(moved, what="the url follows config-domain")


async def test_old_revisions_are_collected(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        data = {
            "min-non-active-revisions": "0",
            "retain-since-create-time": "0s",
            "retain-since-last-active-time": "0s",
        }
        meta = {"name": "config-gc", "namespace": "knative-serving"}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        await kube.create(CONFIG_MAP, config)
        await kube.create(SERVICE, service())
        await until_ready(kube)
        labels = {"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}
        await kube.patch(SERVICE, "default", "hello", labels)

        async def collected() -> bool:
            return await names(kube, REVISION) == ["hello-00002"]

        await wait_until(collected, what="the first revision is gone")


async def test_deleting_a_service_takes_everything_along(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        await kube.delete(SERVICE, "default", "hello")

        async def gone() -> bool:
            kinds = (CONFIGURATION, ROUTE, REVISION, DEPLOYMENT, POD_AUTOSCALER, INGRESS)
            return not any([await names(kube, kind) for kind in (*kinds, CORE_SERVICE)])

        await wait_until(gone, what="no child is left")


async def test_many_services_at_once(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(kube.create, SERVICE, service(f"s-{number}"))
        for number in range(20):
            await until_ready(kube, f"s-{number}")

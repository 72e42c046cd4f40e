"""The four serving reconcilers on the real API server and engine: from a Service to all that belongs to it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from activator.api.ingress import INGRESS
from autoscaler.api import POD_AUTOSCALER
from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.core.kinds import SERVICE as CORE_SERVICE
from tanebi.kube.errors import ApiError
from tanebi.testing.waiting import wait_until
from tests.contract.serving_platform import names, platform, service, until_ready

pytestmark = pytest.mark.anyio
QUIET_S = 0.3


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

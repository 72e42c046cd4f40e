"""The serving reconcilers when things are deleted, taken, wrong, hurried, or when the API fails: they end where they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from serving.api import (
    CONFIGURATION,
    DOMAIN_CLAIM,
    DOMAIN_MAPPING,
    REVISION,
    ROUTE,
    SERVICE,
)
from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.core.kinds import SERVICE as CORE_SERVICE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.base.rng import system_rng
from tanebi.kube.client import Kube
from tanebi.kube.errors import NotFound
from tanebi.kube.faulty import Odds
from tanebi.testing.waiting import wait_until
from tests.contract.serving_platform import names, platform, service, until_ready

pytestmark = pytest.mark.anyio
QUIET_S = 0.3


def text(value: str, *, name: str = "") -> Obj:
    """A patch that makes a new template; `name`: chosen by the author."""
    template: Obj = {"metadata": {"annotations": {"text": value}}}
    if name:
        template["metadata"]["name"] = name
    return {"spec": {"template": template}}


async def condition(kube: Kube, kind: AnyKind, name: str, type_: str) -> Obj:
    try:
        status = (await kube.get(kind, "default", name)).get("status") or {}
    except NotFound:
        return {}
    return next((c for c in status.get("conditions") or () if c["type"] == type_), {})


async def until_said(kube: Kube, kind: AnyKind, name: str, type_: str, reason: str) -> Obj:
    found: Obj = {}

    async def said() -> bool:
        nonlocal found
        found = await condition(kube, kind, name, type_)
        return found.get("reason") == reason

    await wait_until(said, what=f"{kind.kind} {name} {type_} {reason}")
    return found


async def latest(kube: Kube, name: str = "hello") -> str:
    found = await kube.get(SERVICE, "default", name)
    return str((found.get("status") or {}).get("latestReadyRevisionName"))


async def until_latest(kube: Kube, revision: str) -> Obj:
    async def there() -> bool:
        return await latest(kube) == revision

    await wait_until(there, what=f"latest is {revision}")
    return await until_ready(kube)


async def test_a_pinned_revision_is_deleted(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        pinned = [{"revisionName": "hello-00001", "percent": 100}]
        await kube.patch(SERVICE, "default", "hello", text("2"))
        await until_latest(kube, "hello-00002")
        await kube.patch(SERVICE, "default", "hello", {"spec": {"traffic": pinned}})
        await until_ready(kube)
        await kube.delete(REVISION, "default", "hello-00001")
        said = await until_said(kube, ROUTE, "hello", "AllTrafficAssigned", "RevisionMissing")
        assert said["message"] == 'Revision "hello-00001" referenced in traffic not found.'
        back = [{"latestRevision": True, "percent": 100}]
        await kube.patch(SERVICE, "default", "hello", {"spec": {"traffic": back}})
        await until_ready(kube)


async def test_the_newest_revision_is_deleted_and_made_again(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        before = (await kube.get(REVISION, "default", "hello-00001"))["metadata"]["uid"]
        await kube.delete(REVISION, "default", "hello-00001")

        async def another() -> bool:
            try:
                found = await kube.get(REVISION, "default", "hello-00001")
            except NotFound:
                return False
            return bool(found["metadata"]["uid"] != before)

        await wait_until(another, what="it is made again")
        await until_ready(kube)


@pytest.mark.parametrize("kind", [CONFIGURATION, ROUTE], ids=["configuration", "route"])
async def test_a_child_is_deleted_and_made_again(tmp_path: Path, kind: AnyKind) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        before = (await kube.get(kind, "default", "hello"))["metadata"]["uid"]
        await kube.delete(kind, "default", "hello")

        async def another() -> bool:
            try:
                found = await kube.get(kind, "default", "hello")
            except NotFound:
                return False
            return bool(found["metadata"]["uid"] != before)

        await wait_until(another, what="it is made again")
        await until_ready(kube)


@pytest.mark.parametrize(
    ("kind", "type_"), [(CONFIGURATION, "ConfigurationsReady"), (ROUTE, "RoutesReady")]
)
async def test_a_name_is_somebody_elses(tmp_path: Path, kind: AnyKind, type_: str) -> None:
    async with platform(tmp_path) as (kube, _):
        spec: dict[str, Any] = {
            CONFIGURATION: {"template": service()["spec"]["template"]},
            ROUTE: {"traffic": [{"revisionName": "other", "percent": 100}]},
        }[kind]
        names_ = {"apiVersion": kind.api_version, "kind": kind.kind}
        meta = {"name": "hello", "namespace": "default"}
        await kube.create(kind, {**names_, "metadata": meta, "spec": spec})
        await kube.create(SERVICE, service())
        said = await until_said(kube, SERVICE, "hello", type_, "NotOwned")
        assert said["message"] == f'There is an existing {kind.kind} "hello" that we do not own.'
        await kube.delete(kind, "default", "hello")
        await until_ready(kube)


async def test_a_placeholder_is_somebody_elses(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        meta = {"name": "hello", "namespace": "default"}
        spec = {"ports": [{"port": 1}]}
        foreign = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        await kube.create(CORE_SERVICE, foreign)
        await kube.create(SERVICE, service())
        said = await until_said(kube, ROUTE, "hello", "IngressReady", "NotOwned")
        assert "existing placeholder Service" in said["message"]
        await kube.delete(CORE_SERVICE, "default", "hello")
        await until_ready(kube)


async def test_a_revision_name_is_taken(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        for name in ("hello", "hello-too"):
            named = service(name)
            named["spec"]["template"]["metadata"] = {"name": "hello-too-1"}
            await kube.create(SERVICE, named)
            if name == "hello":
                await until_ready(kube)
        said = await until_said(kube, SERVICE, "hello-too", "RoutesReady", "RevisionNameTaken")
        assert said["message"] == (
            'The revision name "hello-too-1" is taken by a conflicting Revision, '
            "so traffic will not be migrated"
        )
        said = await condition(kube, CONFIGURATION, "hello-too", "Ready")
        assert (said["reason"], "already exists" in said["message"]) == ("RevisionFailed", True)


async def test_a_failing_revision_is_mended_by_the_next(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service(image="dev.local/none"))
        found = await until_ready(kube, status="False")
        assert not found["status"].get("latestReadyRevisionName")
        good = {"spec": {"template": {"spec": {"containers": [{"image": "dev.local/hello"}]}}}}
        await kube.patch(SERVICE, "default", "hello", good)
        await until_latest(kube, "hello-00002")


async def test_a_hundred_quick_updates_end_at_the_last(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, server):
        await kube.create(SERVICE, service())
        for number in range(100):
            await kube.patch(SERVICE, "default", "hello", text(str(number)))
        found = await kube.get(SERVICE, "default", "hello")
        assert found["metadata"]["generation"] == 101

        async def there() -> bool:
            revision = await latest(kube)
            if not revision.startswith("hello-"):
                return False
            shown = await kube.get(REVISION, "default", revision)
            return bool(shown["metadata"]["annotations"].get("text") == "99")

        await wait_until(there, 20, what="the last template is the latest")
        await until_ready(kube)
        await anyio.sleep(QUIET_S)
        version = server.store.revision
        await anyio.sleep(QUIET_S)
        assert server.store.revision == version, "somebody keeps writing"


@pytest.mark.parametrize("propagation", ["Foreground", "Background"])
async def test_deleted_in_either_way(tmp_path: Path, propagation: Any) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        await kube.delete(SERVICE, "default", "hello", propagation=propagation)

        async def gone() -> bool:
            kinds = (SERVICE, CONFIGURATION, ROUTE, REVISION, DEPLOYMENT)
            return not any([await names(kube, kind) for kind in kinds])

        await wait_until(gone, what="nothing is left")


async def test_orphans_are_taken_by_nobody(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        await kube.create(SERVICE, service())
        await until_ready(kube)
        await kube.delete(SERVICE, "default", "hello", propagation="Orphan")

        async def orphaned() -> bool:
            found = await kube.get(CONFIGURATION, "default", "hello")
            return not (found["metadata"].get("ownerReferences") or await names(kube, SERVICE))

        await wait_until(orphaned, what="the configuration has no owner")
        await kube.create(SERVICE, service())
        said = await until_said(kube, SERVICE, "hello", "ConfigurationsReady", "NotOwned")
        assert said["status"] == "False"
        assert await names(kube, REVISION) == ["hello-00001"]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_an_api_with_bad_days(tmp_path: Path, seed: int) -> None:
    """Requests and answers are lost, refused and slow; watches break: everything comes up all the same."""
    odds = Odds(system_rng(seed), 0.2)
    async with platform(tmp_path, faults=odds) as (kube, _):
        for number in range(3):
            await kube.create(SERVICE, service(f"s-{number}"))
        await kube.patch(SERVICE, "default", "s-0", text("2"))
        await anyio.sleep(QUIET_S)
        odds.healed = True
        for number in range(3):
            await until_ready(kube, f"s-{number}")
        # The Service may have been changed before its Configuration was made: then there is one revision, else two.
        newest = await kube.get(REVISION, "default", await latest(kube, "s-0"))
        assert newest["metadata"]["annotations"]["text"] == "2"
        made = set(await names(kube, REVISION))
        assert made - {"s-0-00002"} == {"s-0-00001", "s-1-00001", "s-2-00001"}


def mapping(namespace: str) -> Obj:
    ref = {"apiVersion": SERVICE.api_version, "kind": "Service", "name": "hello"}
    return {
        "apiVersion": DOMAIN_MAPPING.api_version,
        "kind": DOMAIN_MAPPING.kind,
        "metadata": {"name": "shop.example.org", "namespace": namespace},
        "spec": {"ref": ref},
    }


async def test_a_host_is_claimed_and_given_back(tmp_path: Path) -> None:
    async with platform(tmp_path) as (kube, _):
        meta = {"name": "config-network", "namespace": "knative-serving"}
        data = {"autocreate-cluster-domain-claims": "true"}
        network = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        await kube.create(CONFIG_MAP, network)
        await kube.create(SERVICE, service())
        await until_ready(kube)
        await kube.create(DOMAIN_MAPPING, mapping("default"))

        async def mapped(namespace: str, type_: str, status: str) -> bool:
            found = await kube.get(DOMAIN_MAPPING, namespace, "shop.example.org")
            conditions = (found.get("status") or {}).get("conditions") or ()
            return any((c["type"], c["status"]) == (type_, status) for c in conditions)

        await wait_until(lambda: mapped("default", "Ready", "True"), what="the host is served")
        await kube.create(DOMAIN_MAPPING, mapping("other"))
        await wait_until(lambda: mapped("other", "DomainClaimed", "False"), what="it is taken")
        await kube.delete(DOMAIN_MAPPING, "default", "shop.example.org")
        await wait_until(lambda: mapped("other", "DomainClaimed", "True"), what="it is given back")
        await kube.delete(DOMAIN_MAPPING, "other", "shop.example.org")

        async def free() -> bool:
            return not (await kube.list(DOMAIN_CLAIM, None)).items

        await wait_until(free, what="nobody has the host")

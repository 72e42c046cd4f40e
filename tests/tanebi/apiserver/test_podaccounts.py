"""Which new pods get a volume with a token, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.jwt import KeyRing
from tanebi.apiserver.podaccounts import EXPIRATION_S, MOUNT_PATH, volume
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.rng import system_rng
from tanebi.testing.clock import FakeClock
from tests.tanebi.apiserver.calling import KINDS, SHOP, Api

pytestmark = pytest.mark.anyio
SPACE = "/api/v1/namespaces/default"


@pytest.fixture
async def signing(tmp_path: Path) -> AsyncIterator[Api]:
    """A server that signs tokens, and has the account `robot`."""
    store, clock = Store.open(Path(":memory:")), FakeClock()
    keys = KeyRing(tmp_path)
    server = ApiServer(store, KINDS, (SHOP,), clock=clock, rng=system_rng(1), keys=keys)
    await bootstrap(server, (SHOP,))
    api = Api(server, store, clock)
    await account(api)
    yield api
    store.close()


async def account(api: Api, name: str = "robot", **more: Any) -> None:
    await api.ok("POST", f"{SPACE}/serviceaccounts", {"metadata": {"name": name}, **more})


async def created(api: Api, *containers: Obj, **spec: Any) -> Obj:
    listed = [{"name": f"c{i}", "image": "i", **c} for i, c in enumerate(containers or ({},))]
    body = {"metadata": {"generateName": "p-"}, "spec": {"containers": listed, **spec}}
    made: Obj = (await api.ok("POST", f"{SPACE}/pods", body))["spec"]
    return made


async def test_every_container_mounts_it(signing: Api) -> None:
    init = [{"name": "i", "image": "i"}]
    spec = await created(signing, {}, {}, initContainers=init, serviceAccountName="robot")
    (made,) = spec["volumes"]
    name = made["name"]
    assert name.startswith("kube-api-access-")
    assert len(name) == len("kube-api-access-") + 5
    assert made == volume(name)
    assert made["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3607
    assert EXPIRATION_S == 3607
    for container in (*spec["initContainers"], *spec["containers"]):
        (mount,) = container["volumeMounts"]
        assert (mount["name"], mount["mountPath"], mount["readOnly"]) == (name, MOUNT_PATH, True)
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("robot", "robot")


async def test_an_account_that_is_missing(signing: Api) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert (await created(signing))["volumes"], "each namespace is about to have its `default`"
    body["spec"]["serviceAccountName"] = "nobody"  # type: ignore[index]
    refused = await signing.refused(403, "POST", f"{SPACE}/pods", body)
    assert refused["message"] == (
        'pods "p" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found'
    )


@pytest.mark.parametrize(
    ("of_pod", "of_account", "wanted"),
    [(None, None, True), (None, False, False), (True, False, True), (False, True, False)],
)
async def test_the_pods_word_goes_before_its_accounts(
    signing: Api, of_pod: bool | None, of_account: bool | None, wanted: bool
) -> None:
    said = {} if of_account is None else {"automountServiceAccountToken": of_account}
    await account(signing, "other", **said)
    more = {} if of_pod is None else {"automountServiceAccountToken": of_pod}
    spec = await created(signing, serviceAccount="other", **more)
    assert spec["serviceAccountName"] == "other"
    assert bool(spec.get("volumes")) is wanted


async def test_what_a_container_mounts_there_itself_stays(signing: Api) -> None:
    own = {"volumeMounts": [{"name": "v", "mountPath": MOUNT_PATH}]}
    volumes: list[Obj] = [{"name": "v", "emptyDir": {}}]
    spec = await created(signing, own, volumes=volumes)
    assert [one["name"] for one in spec["volumes"]] == ["v"]
    spec = await created(signing, own, {}, volumes=volumes)
    assert len(spec["volumes"]) == 2
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "v"


async def test_a_pod_that_brings_the_volume_along_gets_no_second_one(signing: Api) -> None:
    spec = await created(signing, volumes=[volume("kube-api-access-abcde")])
    assert [one["name"] for one in spec["volumes"]] == ["kube-api-access-abcde"]
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-abcde"


async def test_secrets_for_pulling(signing: Api) -> None:
    await account(signing, "puller", imagePullSecrets=[{"name": "registry"}])
    spec = await created(signing, serviceAccountName="puller")
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    spec = await created(signing, serviceAccountName="puller", imagePullSecrets=[{"name": "own"}])
    assert spec["imagePullSecrets"] == [{"name": "own"}]


async def test_a_server_that_signs_nothing_mounts_nothing(api: Api) -> None:
    assert not (await created(api, serviceAccountName="nobody")).get("volumes")

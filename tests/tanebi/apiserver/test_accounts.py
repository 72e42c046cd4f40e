"""What each namespace has by itself, and Secrets that are filled."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import orjson
import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.accounts import ROOT_CA, TOKEN_TYPE, AccountKeeper
from tanebi.apiserver.jwt import KeyRing
from tanebi.apiserver.tokens import TokenService
from tanebi.base.rng import system_rng
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

SPACES = "/api/v1/namespaces"


@pytest.fixture
async def tokens(api: Api, tmp_path: Path) -> AsyncIterator[TokenService]:
    made = TokenService(api.store, KeyRing(tmp_path), clock=api.clock, rng=system_rng(2))
    keeper = AccountKeeper(api.server.objects, made, ca_pem="the authority")
    async with anyio.create_task_group() as group:
        await group.start(keeper.run)
        yield made
        group.cancel_scope.cancel()


async def test_a_new_namespace_and_an_old_one(api: Api, tokens: TokenService) -> None:
    async def there(path: str) -> bool:
        return (await api("GET", path)).status == 200

    await api.ok("POST", SPACES, {"metadata": {"name": "fresh"}})
    for space in ("fresh", "default"):
        await wait_until(lambda space=space: there(f"{SPACES}/{space}/serviceaccounts/default"))
        await wait_until(lambda space=space: there(f"{SPACES}/{space}/configmaps/{ROOT_CA}"))
    found = await api.ok("GET", f"{SPACES}/fresh/configmaps/{ROOT_CA}")
    assert found["data"] == {"ca.crt": "the authority"}
    await api.ok("DELETE", f"{SPACES}/fresh/serviceaccounts/default")
    await wait_until(lambda: there(f"{SPACES}/fresh/serviceaccounts/default"))


async def test_a_secret_for_a_token_is_filled(api: Api, tokens: TokenService) -> None:
    await api.ok("POST", f"{SPACES}/default/serviceaccounts", {"metadata": {"name": "robot"}})
    meta: Obj = {"name": "t", "annotations": {"kubernetes.io/service-account.name": "robot"}}
    await api.ok("POST", f"{SPACES}/default/secrets", {"metadata": meta, "type": TOKEN_TYPE})

    async def filled() -> Obj:
        found: Obj = (await api.ok("GET", f"{SPACES}/default/secrets/t")).get("data") or {}
        return found

    data = await wait_until(filled)
    user = tokens.user(base64.b64decode(data["token"]).decode())
    assert user is not None
    assert user.name == "system:serviceaccount:default:robot"
    assert base64.b64decode(data["namespace"]) == b"default"
    await api.ok("DELETE", f"{SPACES}/default/secrets/t")
    assert tokens.user(base64.b64decode(data["token"]).decode()) is None


async def test_the_certificate_of_the_authority_is_put_right(
    api: Api, tokens: TokenService
) -> None:
    path = f"{SPACES}/default/configmaps/{ROOT_CA}"

    async def data() -> Obj | None:
        answer = await api("GET", path)
        found: Obj | None = orjson.loads(answer.body).get("data")
        return found

    async def right() -> bool:
        return await data() == {"ca.crt": "the authority"}

    await wait_until(right)
    await api.ok("PUT", path, {"metadata": {"name": ROOT_CA}, "data": {"ca.crt": "another"}})
    await wait_until(right)

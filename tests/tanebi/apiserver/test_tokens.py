"""Tokens of service accounts: what they are asked for, and when they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tanebi.api.meta import Key
from tanebi.apiserver.jwt import KeyRing
from tanebi.apiserver.tokens import ISSUER, LIFE_S, TokenService
from tanebi.base.rng import system_rng
from tanebi.kube.errors import ApiError, BadRequest, Conflict, NotFound
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

SA = "/api/v1/namespaces/default/serviceaccounts"
SECRETS = "/api/v1/namespaces/default/secrets"
ROBOT = Key("default", "robot")


@pytest.fixture
def service(api: Api, tmp_path: Path) -> TokenService:
    return TokenService(api.store, KeyRing(tmp_path), clock=api.clock, rng=system_rng(1))


async def robot(api: Api) -> Any:
    return await api.ok("POST", SA, {"metadata": {"name": "robot"}})


def token(service: TokenService, **spec: Any) -> str:
    return str(service.request(ROBOT, {"spec": spec})["status"]["token"])


async def test_a_token_is_its_account(api: Api, service: TokenService) -> None:
    account = await robot(api)
    made = service.request(ROBOT, {})
    assert made["spec"]["expirationSeconds"] == LIFE_S
    user = service.user(made["status"]["token"])
    assert user is not None
    assert user.name == "system:serviceaccount:default:robot"
    assert user.uid == account["metadata"]["uid"]
    assert "system:serviceaccounts:default" in user.groups
    assert service.keys is not None
    claims = service.keys.claims(made["status"]["token"])
    assert claims is not None
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "robot"
    assert (claims["iss"], claims["aud"]) == (ISSUER, [ISSUER])


async def test_its_time_and_its_audience(api: Api, service: TokenService) -> None:
    await robot(api)
    short, other = token(service, expirationSeconds=600), token(service, audiences=["vault"])
    assert service.user(other) is None
    assert service.user(other, ["vault"]) is not None
    api.clock.advance(599)
    assert service.user(short) is not None
    api.clock.advance(2)
    assert service.user(short) is None


async def test_it_ends_with_its_account(api: Api, service: TokenService) -> None:
    await robot(api)
    old = token(service)
    await api.ok("DELETE", f"{SA}/robot")
    assert service.user(old) is None
    await robot(api)  # another one of that name
    assert service.user(old) is None


async def test_it_ends_with_what_it_is_bound_to(api: Api, service: TokenService) -> None:
    await robot(api)
    secret = await api.ok("POST", SECRETS, {"metadata": {"name": "s"}})
    ref = {"apiVersion": "v1", "kind": "Secret", "name": "s"}
    bound = token(service, boundObjectRef=ref)
    assert service.user(bound) is not None
    with pytest.raises(Conflict):
        token(service, boundObjectRef={**ref, "uid": "another"})
    token(service, boundObjectRef={**ref, "uid": secret["metadata"]["uid"]})
    await api.ok("DELETE", f"{SECRETS}/s")
    assert service.user(bound) is None


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"expirationSeconds": 60}, BadRequest),
        ({"expirationSeconds": "soon"}, BadRequest),
        ({"expirationSeconds": 1 << 40}, BadRequest),
        ({"audiences": [str(n) for n in range(20)]}, BadRequest),
        ({"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "n"}}, BadRequest),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "n"}}, NotFound),
    ],
)
async def test_refused(
    api: Api, service: TokenService, spec: dict[str, Any], kind: type[ApiError]
) -> None:
    await robot(api)
    with pytest.raises(kind):
        token(service, **spec)


async def test_without_account_or_keys(api: Api, service: TokenService) -> None:
    with pytest.raises(NotFound):
        token(service)
    await robot(api)
    bare = TokenService(api.store, None, clock=api.clock, rng=system_rng(1))
    with pytest.raises(BadRequest):
        token(bare)
    assert bare.user(token(service)) is None
    assert service.user("no token") is None


async def test_a_token_tells_its_pod_and_its_node(api: Api, service: TokenService) -> None:
    await robot(api)
    node = await api.ok("POST", "/api/v1/nodes", {"metadata": {"name": "here"}})
    spec = {"containers": [{"name": "a", "image": "a"}], "nodeName": "here"}
    pod = await api.ok(
        "POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "p"}, "spec": spec}
    )
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "p"}
    user = service.user(token(service, boundObjectRef=bound))
    assert user is not None
    extra = {name.partition("/")[2]: values for name, values in user.extra}
    assert extra.pop("credential-id")[0].startswith("JTI=")
    assert extra == {
        "pod-name": ("p",),
        "pod-uid": (pod["metadata"]["uid"],),
        "node-name": ("here",),
        "node-uid": (node["metadata"]["uid"],),
    }

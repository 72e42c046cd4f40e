from __future__ import annotations

import json
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kube.client import Kube
from tanebi.kube.transport import Request, Response
from tanebi.kubelet.environment import ConfigError
from tanebi.kubelet.tokens import PodTokens, wanted_by

pytestmark = pytest.mark.anyio

ROOT = "/api/v1/namespaces/ns/serviceaccounts"


class Accounts:
    """The two calls of the API that are made. Implements Transport."""

    def __init__(self, *names: str, automount: bool | None = None, status: int = 0) -> None:
        self.names = names
        self.automount = automount
        self.status = status
        self.asked: list[Any] = []

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        name, _, token = request.path.removeprefix(f"{ROOT}/").partition("/")
        if self.status:
            return Response(self.status, {}, b"{}")
        if name not in self.names:
            body = {"kind": "Status", "code": 404, "reason": "NotFound", "message": "no"}
            return Response(404, {}, json.dumps(body).encode())
        if not token:
            account = {"automountServiceAccountToken": self.automount}
            return Response(200, {}, json.dumps(account).encode())
        spec = json.loads(request.body)["spec"]
        self.asked.append(spec)
        said = {"status": {"token": f"{name}:{','.join(spec.get('audiences', []))}"}}
        return Response(201, {}, json.dumps(said).encode())


class Cache:
    def __init__(self, authority: bool = True) -> None:
        self.authority = authority

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        return CONFIG_MAP.view({"data": {"ca.crt": "PEM"}}) if self.authority else None


def tokens(accounts: Accounts, cache: Any = None) -> PodTokens:
    return PodTokens(Kube(accounts, field_manager="test"), cache or Cache())  # type: ignore[arg-type]


def pod(*projected: Obj, **spec: Any) -> Pod:
    volumes = [{"name": "v", "projected": {"sources": list(projected)}}] if projected else []
    meta = {"name": "p", "namespace": "ns", "uid": "u"}
    return POD.view({"metadata": meta, "spec": {"containers": [], "volumes": volumes, **spec}})


async def test_what_a_pod_gets() -> None:
    accounts = Accounts("default")
    assert await tokens(accounts).mounted(pod()) == {
        "token": b"default:",
        "namespace": b"ns",
        "ca.crt": b"PEM",
    }
    bound = accounts.asked[0]["boundObjectRef"]
    assert (bound["kind"], bound["name"], bound["uid"]) == ("Pod", "p", "u")
    bare: Any = Cache(authority=False)
    assert "ca.crt" not in await tokens(accounts, bare).mounted(pod())


@pytest.mark.parametrize(
    ("of_pod", "of_account", "wanted"),
    [(None, None, True), (None, False, False), (True, False, True), (False, True, False)],
)
async def test_the_pods_word_goes_before_its_accounts(
    of_pod: bool | None, of_account: bool | None, wanted: bool
) -> None:
    found = tokens(Accounts("default", automount=of_account))
    own = pod(automountServiceAccountToken=of_pod)
    assert bool(await found.mounted(own)) is wanted


async def test_a_platform_without_accounts_and_an_account_that_is_missing() -> None:
    assert await tokens(Accounts()).mounted(pod()) == {}
    with pytest.raises(ConfigError, match='serviceaccount "robot" not found'):
        await tokens(Accounts("default")).mounted(pod(serviceAccountName="robot"))


async def test_an_api_that_fails_is_told() -> None:
    with pytest.raises(ConfigError, match="token of the service account"):
        await tokens(Accounts("default", status=500)).mounted(pod())


async def test_what_volumes_ask_for() -> None:
    own = pod(
        {"serviceAccountToken": {"path": "a", "audience": "vault", "expirationSeconds": 700}},
        {"serviceAccountToken": {"path": "b"}},
        {"configMap": {"name": "c"}},
    )
    assert list(wanted_by(own)) == [("vault", 700), ("", 3600)]
    found = await tokens(Accounts("default")).projected(own)
    assert found == {("vault", 700): b"default:vault", ("", 3600): b"default:"}
    assert await tokens(Accounts()).projected(own) == {}

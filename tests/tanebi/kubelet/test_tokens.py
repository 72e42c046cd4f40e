"""Tokens for pods: what is asked, what is kept, and when it is asked again."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kube.client import Kube
from tanebi.kube.transport import Request, Response
from tanebi.kubelet.environment import ConfigError
from tanebi.kubelet.tokens import LOOK_S, RETRY_S, PodTokens, wanted_by
from tanebi.testing.clock import FakeClock
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

API: Obj = {"serviceAccountToken": {"path": "token", "expirationSeconds": 1000}}
VAULT: Obj = {"serviceAccountToken": {"path": "a", "audience": "vault", "expirationSeconds": 700}}


class Accounts:
    """The one call of the API that is made. Implements Transport."""

    def __init__(self) -> None:
        self.status = 201
        self.asked: list[tuple[str, Any]] = []

    async def request(self, request: Request, *, timeout_s: float) -> Response:
        spec = json.loads(request.body)["spec"]
        self.asked.append((request.path, spec))
        if self.status != 201:
            said = {"kind": "Status", "code": self.status, "message": "no such thing"}
            return Response(self.status, {}, json.dumps(said).encode())
        token = f"{len(self.asked)}:{','.join(spec.get('audiences', []))}"
        made = {"spec": spec, "status": {"token": token}}
        return Response(201, {}, json.dumps(made).encode())


def tokens(accounts: Accounts, clock: FakeClock | None = None) -> PodTokens:
    kube = Kube(accounts, field_manager="test")  # type: ignore[arg-type]
    return PodTokens(kube, clock or FakeClock())


def pod(*projected: Obj, **spec: Any) -> Pod:
    volumes = [{"name": "v", "projected": {"sources": list(projected)}}] if projected else []
    meta = {"name": "p", "namespace": "ns", "uid": "u"}
    return POD.view({"metadata": meta, "spec": {"containers": [], "volumes": volumes, **spec}})


async def test_what_is_asked() -> None:
    accounts = Accounts()
    found = await tokens(accounts).projected(pod(API, VAULT, serviceAccountName="robot"))
    assert set(found) == {("", 1000), ("vault", 700)}
    assert found["vault", 700].endswith(b":vault")
    for path, spec in accounts.asked:
        assert path == "/api/v1/namespaces/ns/serviceaccounts/robot/token"
        bound = {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}
        assert spec["boundObjectRef"] == bound
    assert await tokens(accounts).projected(pod({"configMap": {"name": "c"}})) == {}
    assert len(accounts.asked) == 2


async def test_what_is_kept_and_for_how_long() -> None:
    accounts, clock = Accounts(), FakeClock()
    held = tokens(accounts, clock)
    assert await held.projected(pod(API)) == {("", 1000): b"1:"}
    clock.advance(799)
    assert await held.projected(pod(API)) == {("", 1000): b"1:"}
    clock.advance(2)
    assert await held.projected(pod(API)) == {("", 1000): b"2:"}
    held.forget("u")
    assert await held.projected(pod(API)) == {("", 1000): b"3:"}


async def test_an_api_that_fails_is_told_once_there_is_nothing_left() -> None:
    accounts, clock = Accounts(), FakeClock()
    held = tokens(accounts, clock)
    await held.projected(pod(API))
    accounts.status = 500
    clock.advance(801)
    assert await held.projected(pod(API)) == {("", 1000): b"1:"}, "good for a while"
    count = len(accounts.asked)
    await held.projected(pod(API))
    assert len(accounts.asked) == count, "not asked again at once"
    clock.advance(RETRY_S + 200)
    with pytest.raises(ConfigError, match="token of the service account"):
        await held.projected(pod(API))
    accounts.status = 404
    with pytest.raises(ConfigError, match="no such thing"):
        await held.projected(pod(API))


async def test_who_runs_is_told_when_it_is_time() -> None:
    clock = FakeClock()
    held = tokens(Accounts(), clock)
    told: list[str] = []
    held.subscribe(told.append)
    await held.projected(pod(API))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(held.run)
        await anyio.wait_all_tasks_blocked()
        clock.advance(LOOK_S)
        await anyio.wait_all_tasks_blocked()
        assert told == []
        clock.advance(800)
        await wait_until(lambda: told == ["u"])
        tasks.cancel_scope.cancel()


def test_a_volume_that_does_not_say_for_how_long() -> None:
    own = pod(VAULT, {"serviceAccountToken": {"path": "b"}}, {"configMap": {"name": "c"}})
    assert list(wanted_by(own)) == [("vault", 700), ("", 3600)]

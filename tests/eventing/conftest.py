"""A world of objects and a peer that answers, for tests of the broker's shell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from eventing.api.names import BROKER_CLASS, OUR_CLASS
from eventing.events import Event, parse
from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Key, Obj, Resource, key_of
from tanebi.http.messages import Headers, HttpResponse

R = TypeVar("R", bound=Resource)
Callback = Callable[[Obj | None, Obj | None], None]


class FakeWorld:
    """Implements eventing.broker.World and tanebi.kube.plan.Seen over a dict."""

    def __init__(self) -> None:
        self._objects: dict[tuple[AnyKind, Key], Obj] = {}
        self._callbacks: list[tuple[AnyKind, Callback]] = []

    def put(self, kind: AnyKind, obj: Obj) -> None:
        key = key_of(obj)
        old = self._objects.get((kind, key))
        self._objects[kind, key] = obj
        self._tell(kind, old, obj)

    def remove(self, kind: AnyKind, namespace: str, name: str) -> None:
        self._tell(kind, self._objects.pop((kind, Key(namespace, name))), None)

    def _tell(self, kind: AnyKind, old: Obj | None, new: Obj | None) -> None:
        for wanted, callback in self._callbacks:
            if wanted is kind:
                callback(old, new)

    def subscribe(self, kind: AnyKind, callback: Callback) -> None:
        self._callbacks.append((kind, callback))
        for (found, _), obj in list(self._objects.items()):
            if found is kind:
                callback(None, obj)

    async def wait_synced(self, *kinds: AnyKind) -> None:
        return None

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return self._objects.get((kind, Key(namespace, name)))

    def owned(self, kind: AnyKind, uid: str) -> list[Obj]:
        return []

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None:
        obj = self.raw(kind, namespace, name)
        return kind.view(obj) if obj is not None else None

    def list(self, kind: Kind[R], namespace: str | None, selector: Any = None) -> list[R]:
        return [
            kind.view(obj)
            for (found, key), obj in sorted(self._objects.items(), key=lambda item: item[0][1])
            if found is kind and namespace in (None, key.namespace)
        ]


@dataclass(slots=True)
class Received:
    url: str
    headers: dict[str, str]
    body: bytes
    event: Event


Answer = HttpResponse | Exception | Awaitable[HttpResponse]


@dataclass(slots=True)
class FakePeer:
    """Implements tanebi.http.messages.Sender. `answers` by URL; 202 where nothing is said."""

    answers: dict[str, Callable[[Received], Answer]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        wait_s: float,
        timeout_s: float,
        response_max: int,
    ) -> HttpResponse:
        said = {name.decode().lower(): value.decode("latin-1") for name, value in headers}
        got = Received(url, said, body, parse(headers, body))
        self.received.append(got)
        answer = self.answers.get(url, lambda _: HttpResponse(202))(got)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpResponse) else await answer

    def at(self, url: str) -> list[Received]:
        return [one for one in self.received if one.url == url]


def broker(name: str = "default", *, uid: str = "b-1", cls: str = OUR_CLASS, **spec: Any) -> Obj:
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Broker",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": uid,
            "generation": 1,
            "annotations": {BROKER_CLASS: cls},
        },
        "spec": spec,
    }


def trigger(
    name: str = "audit", *, uid: str = "t-1", to: str = "http://sink/", dls: str = "", **spec: Any
) -> Obj:
    status = {"subscriberUri": to, "deadLetterSinkUri": dls}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": "shop", "uid": uid, "generation": 1},
        "spec": {"broker": "default", "subscriber": {"uri": to or "http://later/"}, **spec},
        "status": {k: v for k, v in status.items() if v},
    }


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def peer() -> FakePeer:
    return FakePeer()


@pytest.fixture
def make_broker() -> Callable[..., Obj]:
    return broker


@pytest.fixture
def make_trigger() -> Callable[..., Obj]:
    return trigger

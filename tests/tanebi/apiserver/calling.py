"""A client that calls a server without a socket, and a kind of our own to try things on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import orjson
from pydantic import Field

from tanebi.api.core.kinds import KINDS as CORE
from tanebi.api.fielderrors import FieldError, invalid, missing, via
from tanebi.api.kind import Admission, Column, ConfigKind, Kind, ScalePaths
from tanebi.api.meta import KStatus, Model, Obj, Resource
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import ADMIN, User
from tanebi.kube.transport import Request, Response, Stream
from tanebi.testing.clock import FakeClock


class WidgetSpec(Model):
    size: int = 0
    colour: str = ""
    parts: list[dict[str, str]] = Field(default_factory=list)
    free: dict[str, Any] = Field(default_factory=dict)
    replicas: int | None = None


class WidgetStatus(KStatus):
    replicas: int = 0
    selector: str = ""


class Widget(Resource):
    """Something to try things on."""

    spec: WidgetSpec = Field(default_factory=WidgetSpec)
    status: WidgetStatus = Field(default_factory=WidgetStatus)


def default_widget(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    spec.setdefault("colour", admission.configs.get(SHOP))
    return obj


def validate_widget(widget: Widget, old: Widget | None, admission: Admission) -> list[FieldError]:
    errors = []
    if widget.spec.size < 0:
        errors.append(invalid(widget.spec.size, "size"))
    if not widget.spec.colour:
        errors.append(missing("colour"))
    if widget.spec.colour == "beige":
        errors.append(FieldError("beige is dull", ("colour",)).as_warning())
    return via("spec", errors)


def parse_shop(data: Mapping[str, str]) -> str:
    colour = data.get("colour", "red")
    if colour == "none":
        raise ValueError("failed to parse 'colour': 'none' is no colour")
    return colour


SHOP: Final = ConfigKind(
    "knative-serving", "config-shop", parse_shop, example="# colour: red\n", data={}
)
WIDGET: Final = Kind(
    "tanebi.dev",
    "v1",
    "Widget",
    "widgets",
    Widget,
    short_names=("wd",),
    categories=("all",),
    scale=ScalePaths(),
    columns=(
        Column("Size", ".spec.size", type="integer"),
        Column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
    ),
    webhook="validation.webhook.serving.knative.dev",
    defaults=default_widget,
    validate=validate_widget,
)
KINDS: Final = (*CORE, WIDGET)


@dataclass
class Api:
    """Calls a server as a client would."""

    server: ApiServer
    store: Store
    clock: FakeClock
    user: User = ADMIN
    answers: list[Response] = field(default_factory=list)

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        request = Request(method, path, dict(query or {}), dict(headers or {}), raw)
        answer = await self.server.handle(request, self.user)
        assert isinstance(answer, Response), "a stream where an answer was expected"
        return answer

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of an answer that must be a success."""
        answer = await self(method, path, body, **more)
        assert answer.status < 400, answer.body.decode()
        return orjson.loads(answer.body)

    async def refused(
        self, code: int, method: str, path: str, body: Any = None, **more: Any
    ) -> Any:
        """The Status of an answer that must be this refusal."""
        answer = await self(method, path, body, **more)
        status = orjson.loads(answer.body)
        assert (answer.status, status["kind"], status["code"]) == (code, "Status", code), status
        assert status["status"] == "Failure"
        return status

    async def stream(self, path: str, **query: str) -> AsyncIterator[bytes]:
        answer = await self.server.handle(Request("GET", path, query), self.user)
        assert isinstance(answer, Stream), answer.body
        return answer.chunks

    async def events(self, path: str, count: int, **query: str) -> list[tuple[str, Obj]]:
        """The first `count` events of a watch."""
        found: list[tuple[str, Obj]] = []
        chunks: Any = await self.stream(path, watch="true", **query)
        with anyio.fail_after(5):
            async with aclosing(chunks):
                async for chunk in chunks:
                    lines = [orjson.loads(line) for line in chunk.splitlines()]
                    found += [(line["type"], line["object"]) for line in lines]
                    if len(found) >= count:
                        return found
        raise AssertionError(f"the watch ended after {len(found)} events")

    async def widget(self, name: str, **meta: Any) -> Obj:
        body = widget(name, **meta)
        created: Obj = await self.ok("POST", WIDGETS, body)
        return created


WIDGETS: Final = "/apis/tanebi.dev/v1/namespaces/default/widgets"
CONFIG_MAPS: Final = "/api/v1/namespaces/default/configmaps"


def widget(name: str, *, spec: Obj | None = None, **meta: Any) -> Obj:
    return {
        "apiVersion": "tanebi.dev/v1",
        "kind": "Widget",
        "metadata": {"name": name, **meta},
        "spec": spec or {"size": 1},
    }


def config_map(name: str, **data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }

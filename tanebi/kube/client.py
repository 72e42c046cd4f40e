"""The client: verbs of the Kubernetes API over any transport.

Not a cache and not a retry loop: one call is one request. Callers: everything that reads or writes resources.
Objects come back as JSON (`Obj`); `kind.view(obj)` gives the typed view.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.kube import request
from tanebi.kube.errors import ServerError, from_response
from tanebi.kube.request import PatchType, Propagation
from tanebi.kube.transport import Request, Response, Stream, Transport
from tanebi.kube.watch import WatchEvent, WatchParser

REQUEST_TIMEOUT_S: Final = 30.0
ERROR_BODY_BYTES_MAX: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of a list, each with apiVersion and kind, and the version to watch from."""

    items: list[Obj]
    resource_version: str
    continue_: str = ""


class Kube:
    """`field_manager` names the writer in managedFields."""

    def __init__(
        self, transport: Transport, *, field_manager: str, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> None:
        self.transport = transport
        self.field_manager = field_manager
        self.timeout_s = timeout_s

    def as_manager(self, field_manager: str) -> Kube:
        """The same connection under another writer's name."""
        return Kube(self.transport, field_manager=field_manager, timeout_s=self.timeout_s)

    async def get(self, kind: AnyKind, ns: str, name: str, *, subresource: str = "") -> Obj:
        """Raises NotFound."""
        return await self._object(request.get(kind, ns, name, subresource=subresource))

    async def list(
        self,
        kind: AnyKind,
        ns: str | None,
        *,
        labels: str = "",
        fields: str = "",
        limit: int | None = None,
        continue_: str = "",
    ) -> Listing:
        """Of one namespace, or of all for None."""
        wanted = request.list_(
            kind, ns, labels=labels, fields=fields, limit=limit, continue_=continue_
        )
        body = await self._object(wanted)
        meta = body.get("metadata") or {}
        names = {"apiVersion": kind.api_version, "kind": kind.kind}
        items = [names | item for item in body.get("items") or ()]
        return Listing(items, str(meta.get("resourceVersion") or ""), meta.get("continue") or "")

    async def create(self, kind: AnyKind, obj: Obj) -> Obj:
        """The object as stored. Raises AlreadyExists, InvalidObject."""
        return await self._object(request.create(kind, obj, manager=self.field_manager))

    async def update(self, kind: AnyKind, obj: Obj) -> Obj:
        """Replace. Raises Conflict when `obj` carries a resourceVersion that is not the newest."""
        return await self._object(request.update(kind, obj, manager=self.field_manager))

    async def update_status(self, kind: AnyKind, obj: Obj) -> Obj:
        """Replace `status` only. Raises Conflict as `update` does."""
        wanted = request.update(
            kind, _for_status(obj), manager=self.field_manager, subresource="status"
        )
        return await self._object(wanted)

    async def patch(
        self,
        kind: AnyKind,
        ns: str,
        name: str,
        body: Any,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        force: bool = False,
    ) -> Obj:
        """`apply` creates what does not exist; `force` takes fields from other appliers."""
        return await self._object(
            request.patch(
                kind,
                ns,
                name,
                body,
                type=type,
                manager=self.field_manager,
                subresource=subresource,
                force=force,
            )
        )

    async def delete(
        self,
        kind: AnyKind,
        ns: str,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: Propagation = "Background",
        grace_s: int | None = None,
    ) -> Obj:
        """The deleted object, or a Status. Raises NotFound; Conflict when the uid is another's."""
        return await self._object(
            request.delete(
                kind,
                ns,
                name,
                uid=uid,
                resource_version=resource_version,
                propagation=propagation,
                grace_s=grace_s,
            )
        )

    @asynccontextmanager
    async def watch(
        self,
        kind: AnyKind,
        ns: str | None,
        *,
        resource_version: str,
        labels: str = "",
        fields: str = "",
        timeout_s: int | None = None,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """Changes after `resource_version`, until the server ends the stream.

        Iterating raises BadWatch on nonsense and Unreachable when the stream breaks; opening raises ApiError
        (Expired among them: list anew).
        """
        wanted = request.watch(
            kind,
            ns,
            resource_version=resource_version,
            labels=labels,
            fields=fields,
            timeout_s=timeout_s,
        )
        async with self.stream(wanted) as stream:
            async with aclosing(_events(stream, WatchParser(position=resource_version))) as events:
                yield events

    @asynccontextmanager
    async def stream(self, wanted: Request) -> AsyncIterator[Stream]:
        """Any streamed answer (logs). Raises ApiError when the server refuses, Unreachable when it is gone."""
        async with self.transport.stream(wanted) as stream:
            if stream.status >= 400:
                raise from_response(stream.status, await _capped(stream))
            yield stream

    async def call(self, wanted: Request) -> Response:
        """Any request; returns only what succeeded. Raises ApiError, Unreachable."""
        response = await self.transport.request(wanted, timeout_s=self.timeout_s)
        if response.status >= 400:
            raise from_response(response.status, response.body)
        return response

    async def _object(self, wanted: Request) -> Obj:
        response = await self.call(wanted)
        try:
            body = orjson.loads(response.body)
        except orjson.JSONDecodeError as error:
            raise ServerError(f"{wanted.method} {wanted.path}: the answer is not JSON") from error
        if not isinstance(body, dict):
            raise ServerError(f"{wanted.method} {wanted.path}: the answer is not an object")
        return body


def _for_status(obj: Obj) -> Obj:
    """Without what that door ignores, which is most of an object: nobody need encode, decode and check it."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    shown: Obj = {k: v for k, v in obj.items() if k in ("apiVersion", "kind")}
    return {**shown, "metadata": metadata, "status": obj.get("status") or {}}


async def _events(stream: Stream, parser: WatchParser) -> AsyncGenerator[WatchEvent, None]:
    async for chunk in stream.chunks:
        for event in parser.feed(chunk):
            yield event


async def _capped(stream: Stream) -> bytes:
    body = b""
    async for chunk in stream.chunks:
        body += chunk
        if len(body) > ERROR_BODY_BYTES_MAX:
            break
    return body[:ERROR_BODY_BYTES_MAX]

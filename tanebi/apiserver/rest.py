"""Verbs over resources: a request for a known kind becomes calls of Objects, its outcome an answer.

Not here: which path is which (paths), what a write means (objects), other doors such as discovery (server).
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tanebi.api.core.kinds import NAMESPACE
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import codec, options, status
from tanebi.apiserver.admission import warning_headers
from tanebi.apiserver.history import Entry
from tanebi.apiserver.objects import Objects, Written
from tanebi.apiserver.options import ListOptions
from tanebi.apiserver.paths import Target
from tanebi.apiserver.scale import ScaleDoor
from tanebi.apiserver.store import HistoryGone
from tanebi.apiserver.user import User
from tanebi.apiserver.views import View, negotiate
from tanebi.apiserver.watch import Scope, WatchStream
from tanebi.apiserver.writing import Writer
from tanebi.kube.errors import BadRequest, Expired, ServerTimeout
from tanebi.kube.transport import Request, Response, Stream

WATCH_CONTENT_TYPE: Final = "application/json"
_JSON_HEADERS: Final = {"content-type": codec.JSON}


@dataclass(frozen=True, slots=True)
class Call:
    """One request for one kind."""

    request: Request
    user: User
    kind: AnyKind
    target: Target

    @property
    def namespace(self) -> str | None:
        return self.target.namespace if self.kind.namespaced else None

    @property
    def key(self) -> Key:
        return Key(self.namespace or "", self.target.name)


class Rest:
    """The resources' doors."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._store = objects.store
        self._clock = objects.clock
        self._writer = Writer(objects)
        self._scale = ScaleDoor(objects, self._writer)

    async def handle(
        self, request: Request, user: User, kind: AnyKind, target: Target
    ) -> Response | Stream:
        """Raises ApiError, Unavailable."""
        call = Call(request, user, kind, target)
        if target.subresource:
            return await self._subresource(call)
        return await (self._object(call) if target.name else self._collection(call))

    # --- doors ----------------------------------------------------------------------------------

    async def _collection(self, call: Call) -> Response | Stream:
        method = call.request.method
        if method == "GET":
            wanted = options.list_options(call.request.query)
            return self._watch(call, wanted) if wanted.watch else self._list(call, wanted)
        if call.kind.namespaced and call.namespace is None:
            raise status.wrong_method(method)
        if method == "POST":
            written = await self._writer.create(call.request, call.user, call.kind, call.namespace)
            return self._written(call, written)
        if method == "DELETE":
            return await self._delete_collection(call)
        raise status.wrong_method(method)

    async def _object(self, call: Call) -> Response | Stream:
        method, request = call.request.method, call.request
        if call.kind.namespaced and call.namespace is None:
            raise status.no_such_path()
        if method == "GET":
            if request.query.get("watch"):
                named = f"metadata.name={call.target.name}"
                return self._watch(
                    call, options.list_options({**request.query, "fieldSelector": named})
                )
            return self._one(call, self._stored(call))
        if method == "DELETE":
            wanted = options.delete_options(request.query, _optional_body(request))
            return self._deleted(
                call, await self._objects.delete(call.kind, call.key, call.user, options=wanted)
            )
        return await self._write(call, "")

    async def _subresource(self, call: Call) -> Response:
        kind, name = call.kind, call.target.subresource
        if name == "scale" and kind.scale is not None:
            return await self._scale.handle(call.request, call.user, kind, call.key)
        known = (name == "status" and kind.status) or (name == "finalize" and kind is NAMESPACE)
        if not known or (kind.namespaced and call.namespace is None):
            raise status.no_such_path()
        if call.request.method == "GET":
            return self._one(call, self._stored(call))
        return await self._write(call, name)

    async def _write(self, call: Call, subresource: str) -> Response:
        request = call.request
        if request.method == "PUT":
            written = await self._writer.replace(
                request, call.user, call.kind, call.key, subresource=subresource
            )
        elif request.method == "PATCH":
            written = await self._writer.patch(
                request, call.user, call.kind, call.key, subresource=subresource
            )
        else:
            raise status.wrong_method(request.method)
        return self._written(call, written)

    # --- reading --------------------------------------------------------------------------------

    def _stored(self, call: Call) -> Entry:
        entry = self._store.get(call.kind.resource, call.key)
        if entry is None:
            raise status.not_found(call.kind, call.target.name)
        return entry

    def _view(self, call: Call, *, watching: bool = False) -> View:
        request = call.request
        return negotiate(
            call.kind,
            request.headers.get("accept", ""),
            request.query,
            now=self._clock.wall(),
            watching=watching,
        )

    def _one(self, call: Call, entry: Entry) -> Response:
        view = self._view(call)
        return Response(200, {"content-type": view.content_type}, view.one(entry))

    def _list(self, call: Call, wanted: ListOptions) -> Response:
        self._check_version(wanted)
        scope = Scope(call.namespace, wanted)
        entries = self._store.list(call.kind.resource, call.namespace)
        if not scope.unfiltered:
            entries = [entry for entry in entries if scope.holds(entry.obj)]
        entries, meta = self._page(entries, wanted)
        view = self._view(call)
        return Response(200, {"content-type": view.content_type}, view.many(entries, meta))

    def _check_version(self, wanted: ListOptions) -> None:
        asked, have = int(wanted.resource_version or 0), self._store.revision
        if asked > have:
            cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            raise ServerTimeout(
                f"Too large resource version: {asked}, current: {have}",
                details={"causes": [cause], "retryAfterSeconds": 1},
            )
        if wanted.match == "Exact" and asked != have:
            raise Expired(f"The provided resourceVersion {asked} is not kept; the newest is {have}")

    def _page(self, entries: list[Entry], wanted: ListOptions) -> tuple[list[Entry], Obj]:
        revision = self._store.revision
        if wanted.continue_:
            revision, after = _read_token(wanted.continue_)
            if revision < self._store.compacted:
                raise Expired(
                    "The provided continue parameter is too old to display a consistent list result."
                )
            entries = [e for e in entries if _key(e) > after]
        meta: Obj = {"resourceVersion": str(revision)}
        if wanted.limit and len(entries) > wanted.limit:
            meta["remainingItemCount"] = len(entries) - wanted.limit
            entries = entries[: wanted.limit]
            meta["continue"] = _token(revision, _key(entries[-1]))
        return entries, meta

    def _watch(self, call: Call, wanted: ListOptions) -> Stream:
        scope = Scope(call.namespace, wanted)
        from_now = wanted.resource_version in ("", "0")
        from_now = from_now or wanted.initial_events
        position = self._store.revision if from_now else int(wanted.resource_version)
        view = self._view(call, watching=True)
        try:
            watcher = self._store.watch(call.kind.resource, position)
        except HistoryGone as gone:
            raise Expired(str(gone)) from gone
        initial = self._store.list(call.kind.resource, call.namespace) if from_now else []
        stream = WatchStream(
            self._store,
            watcher,
            scope,
            view,
            clock=self._clock,
            initial=[entry for entry in initial if scope.holds(entry.obj)],
        )
        return Stream(200, {"content-type": WATCH_CONTENT_TYPE}, stream)

    # --- answers of writes ----------------------------------------------------------------------

    def _written(self, call: Call, written: Written) -> Response:
        view = self._view(call)
        headers = {"content-type": view.content_type} | warning_headers(written.warnings)
        return Response(201 if written.created else 200, headers, view.one(written.entry))

    def _deleted(self, call: Call, written: Written) -> Response:
        if not written.removed or call.kind.kind == "Pod":
            return self._one(call, written.entry)
        details = status.of_kind(call.kind, call.target.name) | {"uid": written.entry.uid}
        return Response(200, _JSON_HEADERS, orjson.dumps(status.success(details)))

    async def _delete_collection(self, call: Call) -> Response:
        wanted = options.delete_options(call.request.query, _optional_body(call.request))
        scope = Scope(call.namespace, options.list_options(call.request.query))
        found = self._store.list(call.kind.resource, call.namespace)
        entries = [entry for entry in found if scope.holds(entry.obj)]
        for entry in entries:
            key = _key(entry)
            if self._store.newest(call.kind.resource, key) is not None:
                await self._objects.delete(call.kind, key, call.user, options=wanted)
        view = self._view(call)
        meta: Obj = {"resourceVersion": str(self._store.revision)}
        return Response(200, {"content-type": view.content_type}, view.many(entries, meta))


def _optional_body(request: Request) -> Obj:
    if not request.body:
        return {}
    body, _ = codec.decode(request.body, request.headers.get("content-type", ""))
    return body


def _key(entry: Entry) -> Key:
    meta = entry.obj["metadata"]
    return Key(meta.get("namespace") or "", meta["name"])


def _token(revision: int, after: Key) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([revision, *after])).decode()


def _read_token(token: str) -> tuple[int, Key]:
    """Raises BadRequest."""
    try:
        value: Any = orjson.loads(base64.urlsafe_b64decode(token))
        revision, namespace, name = value
        return int(revision), Key(str(namespace), str(name))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequest("continue key is not valid") from error

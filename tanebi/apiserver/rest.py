"""Verbs over resources: a request for a known kind becomes calls of Objects, its outcome an answer.

Not here: which path is which (paths), what a write means (objects), other doors such as discovery (server).
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

import anyio
import orjson
from anyio.lowlevel import checkpoint

from tanebi.api.core.kinds import NAMESPACE, POD
from tanebi.api.core.kinds_administration import CERTIFICATE_REQUEST
from tanebi.api.core.pod_validation import EPHEMERAL
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import codec, options, status
from tanebi.apiserver.admission import warning_headers
from tanebi.apiserver.editions import is_ready, shown
from tanebi.apiserver.fieldlabels import for_kind
from tanebi.apiserver.history import Entry, watch_line
from tanebi.apiserver.listing import (
    Listed,
    check_list,
    check_not_future,
    check_watch,
    key_of,
    list_page,
)
from tanebi.apiserver.objects import Objects, Written
from tanebi.apiserver.options import DeleteOptions, ListOptions
from tanebi.apiserver.paths import Target
from tanebi.apiserver.scale import ScaleDoor
from tanebi.apiserver.store import HistoryGone
from tanebi.apiserver.user import User
from tanebi.apiserver.views import View, negotiate
from tanebi.apiserver.watch import Scope, WatchStream
from tanebi.apiserver.writing import Writer
from tanebi.base.errors import Unavailable
from tanebi.kube.errors import ApiError, Expired, NotFound, ServerTimeout
from tanebi.kube.transport import Request, Response, Stream

WATCH_CONTENT_TYPE: Final = "application/json"
SLICE: Final = 100
DELETES_AT_ONCE: Final = 64
DOORS: Final = (("finalize", NAMESPACE), ("approval", CERTIFICATE_REQUEST), (EPHEMERAL, POD))
CONVERSION_TRIES: Final = 8
# Kinds whose deletion answers with the object that was; others with a Status.
_RETURNED: Final = frozenset(
    {"Pod", "PodTemplate", "Service", "ServiceAccount", "ResourceQuota", "Namespace"}
    | {"PersistentVolume", "PersistentVolumeClaim", "StorageClass", "VolumeAttachment"}
    | {"CSIDriver", "CSINode"}
)
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
            answer: Response | Stream = await self._subresource(call)
        else:
            answer = await (self._object(call) if target.name else self._collection(call))
        return _with_deprecation(kind, answer) if kind.deprecation else answer

    # --- doors ----------------------------------------------------------------------------------

    async def _collection(self, call: Call) -> Response | Stream:
        method = call.request.method
        if method == "GET":
            wanted = _list_options(call)
            return await (self._watch(call, wanted) if wanted.watch else self._list(call, wanted))
        if call.kind.namespaced and call.namespace is None:
            raise status.wrong_method()
        if method == "POST":
            written = await self._writer.create(call.request, call.user, call.kind, call.namespace)
            return await self._written(call, written)
        if method == "DELETE":
            return await self._delete_collection(call)
        raise status.wrong_method()

    async def _object(self, call: Call) -> Response | Stream:
        method, request = call.request.method, call.request
        if call.kind.namespaced and call.namespace is None:
            raise status.no_such_path()
        if method == "GET":
            if "watch" in request.query:
                named = f"metadata.name={call.target.name}"
                wanted_list = options.list_options({**request.query, "fieldSelector": named})
                if wanted_list.watch:
                    return await self._watch(call, wanted_list)
            version = options.list_options(request.query).resource_version
            check_not_future(version, self._store.revision)
            return await self._one(call, self._stored(call))
        if method == "DELETE":
            wanted = options.delete_options(request.query, _optional_body(request))
            return await self._deleted(
                call, await self._objects.delete(call.kind, call.key, call.user, options=wanted)
            )
        return await self._write(call, "")

    async def _subresource(self, call: Call) -> Response:
        kind, name = call.kind, call.target.subresource
        if name == "scale" and kind.scale is not None:
            return await self._scale.handle(call.request, call.user, kind, call.key)
        known = (name == "status" and kind.status) or (name, kind) in DOORS
        if not known or (kind.namespaced and call.namespace is None):
            raise status.no_such_path()
        if call.request.method == "GET":
            return await self._one(call, self._stored(call))
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
            raise status.wrong_method()
        return await self._written(call, written)

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

    async def _one(self, call: Call, entry: Entry) -> Response:
        view = self._view(call)
        await self._objects.conversions.ready(call.kind, (entry,))
        return Response(200, {"content-type": view.content_type}, view.one(entry))

    async def _list(self, call: Call, wanted: ListOptions) -> Response:
        check_list(wanted)
        scope = Scope(call.namespace, wanted)
        return await self._many(call, await self._page(call, wanted, scope))

    async def _page(self, call: Call, wanted: ListOptions, scope: Scope) -> Listed:
        """What a selector sees has to be converted first, where a webhook does that."""
        kind = call.kind
        missing: list[Entry] = []

        def holds(entry: Entry) -> bool:
            if not is_ready(kind, entry):
                missing.append(entry)
                return False
            return scope.holds(shown(kind, entry)[0])

        selecting = None if scope.unfiltered else holds
        for _ in range(CONVERSION_TRIES):
            listed = list_page(self._store, kind.resource, call.namespace, wanted, selecting)
            if not missing:
                return listed
            await self._objects.conversions.ready(kind, missing)
            missing.clear()
        raise ServerTimeout("the objects change faster than they are converted; try again")

    async def _many(self, call: Call, listed: Listed) -> Response:
        """A long list is put together in slices, between which others have their turn."""
        view = self._view(call)
        parts = []
        for start in range(0, len(listed.entries), SLICE):
            some = listed.entries[start : start + SLICE]
            await self._objects.conversions.ready(call.kind, some)
            parts.append(view.slice(some))
            await checkpoint()
        body = view.whole(parts, listed.meta)
        return Response(200, {"content-type": view.content_type}, body)

    async def _watch(self, call: Call, wanted: ListOptions) -> Stream:
        check_watch(wanted)
        scope = Scope(call.namespace, wanted)
        view = self._view(call, watching=True)
        begin = wanted.initial_events
        if begin is None:
            begin = wanted.resource_version in ("", "0")
        from_now = begin or wanted.resource_version in ("", "0")
        if begin:
            check_not_future(wanted.resource_version, self._store.revision)
        position = self._store.revision if from_now else int(wanted.resource_version)
        headers = {"content-type": WATCH_CONTENT_TYPE}
        try:
            watcher = self._store.watch(call.kind.resource, position, call.namespace, scope.name)
        except HistoryGone as gone:
            # In the stream, as Kubernetes' watch cache does: clients read it there.
            error = watch_line("ERROR", orjson.dumps(Expired(str(gone)).to_status()))
            return Stream(200, headers, _once(error))
        initial = self._store.list(call.kind.resource, call.namespace) if begin else []
        begun = self._store.revision
        stream = WatchStream(
            self._store,
            watcher,
            scope,
            view,
            clock=self._clock,
            begun=begun,
            conversions=self._objects.conversions,
        )
        try:
            await stream.begin(initial)
        except BaseException:
            await stream.aclose()
            raise
        return Stream(200, headers, stream)

    # --- answers of writes ----------------------------------------------------------------------

    async def _written(self, call: Call, written: Written) -> Response:
        view = self._view(call)
        await self._objects.conversions.ready(call.kind, (written.entry,))
        headers = {"content-type": view.content_type} | warning_headers(written.warnings)
        return Response(201 if written.created else 200, headers, view.one(written.entry))

    async def _deleted(self, call: Call, written: Written) -> Response:
        told = warning_headers(written.warnings)
        if not written.removed or (call.kind.builtin and call.kind.kind in _RETURNED):
            found = await self._one(call, written.entry)
            return Response(found.status, {**found.headers, **told}, found.body)
        details = status.of_kind(call.kind, call.target.name) | {"uid": written.entry.uid}
        headers = _JSON_HEADERS | told
        return Response(200, headers, orjson.dumps(status.success(details)))

    async def _delete_collection(self, call: Call) -> Response:
        """Deletes what a list with the same options would give; answers with that list."""
        wanted = options.delete_options(call.request.query, _optional_body(call.request))
        listing = _list_options(call)
        check_list(listing)
        scope = Scope(call.namespace, listing)
        listed = await self._page(call, listing, scope)
        refused: list[ApiError | Unavailable] = []
        for start in range(0, len(listed.entries), DELETES_AT_ONCE):
            async with anyio.create_task_group() as group:
                for entry in listed.entries[start : start + DELETES_AT_ONCE]:
                    group.start_soon(self._delete_one, call, key_of(entry), wanted, refused)
            if refused:
                raise refused[0]
        listed.meta["resourceVersion"] = str(self._store.revision)
        return await self._many(call, listed)

    async def _delete_one(
        self, call: Call, key: Key, wanted: DeleteOptions, refused: list[ApiError | Unavailable]
    ) -> None:
        try:
            await self._objects.delete(call.kind, key, call.user, options=wanted)
        except NotFound:
            return  # whoever was faster has done what was asked
        except (ApiError, Unavailable) as error:
            refused.append(error)


async def _once(line: bytes) -> AsyncIterator[bytes]:
    yield line


def _list_options(call: Call) -> ListOptions:
    wanted = options.list_options(call.request.query)
    return replace(wanted, fields=for_kind(call.kind, wanted.fields))


def _optional_body(request: Request) -> Obj:
    if not request.body:
        return {}
    body, _ = codec.decode(request.body, request.headers.get("content-type", ""))
    return body


def _with_deprecation(kind: AnyKind, answer: Response | Stream) -> Response | Stream:
    told = warning_headers([kind.deprecation])["warning"]
    before = answer.headers.get("warning")
    headers = {**answer.headers, "warning": f"{told}, {before}" if before else told}
    return replace(answer, headers=headers)

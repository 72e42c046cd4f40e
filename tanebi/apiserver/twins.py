"""The door to kinds that are another one's objects in other words.

Requests are asked of the stored kind, bodies and answers translated: whole objects, lists, and each line of a watch. A patch is
made on the view and written as a replacement of the version it was made from. Tables come from the stored kind as they are.
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, Self

import orjson

from tanebi.api.core.twins import TWINS, Twin
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import codec, editions
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.paths import Target
from tanebi.apiserver.writing import Writer, body_of, read_patch
from tanebi.kube.transport import Request, Response, Stream

LINE_BYTES_MAX: Final = 8 * 1024 * 1024

Ask = Callable[[Request, Target], Awaitable[Response | Stream]]


class TwinDoor:
    """`ask` puts a request to the stored kind."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._writer = Writer(objects)
        self._twins: Mapping[AnyKind, Twin] = {twin.kind: twin for twin in TWINS}

    def of(self, kind: AnyKind | None) -> Twin | None:
        return self._twins.get(kind) if kind is not None else None

    async def handle(
        self, request: Request, twin: Twin, target: Target, ask: Ask
    ) -> Response | Stream:
        """Raises ApiError."""
        stored = twin.stored
        there = replace(target, group=stored.group, version=stored.version, plural=stored.plural)
        inner = replace(request, path=_path(request.path, twin), query=_query(request.query, twin))
        if request.method in ("POST", "PUT"):
            body, _ = body_of(request)
            inner = self._with_body(inner, twin.store(body, self._live(stored, target)))
        elif request.method == "PATCH":
            inner = self._patched(request, inner, twin, target)
        if inner.method == "POST":
            there = replace(there, name="", subresource="")
        answer = await ask(inner, there)
        if isinstance(answer, Stream):
            return replace(answer, chunks=_Lines(answer.chunks, twin))
        return replace(answer, body=_shown(answer.body, twin))

    def _patched(self, request: Request, inner: Request, twin: Twin, target: Target) -> Request:
        patching = read_patch(request)
        live = self._live(twin.stored, target)
        if live is None and patching.type != "apply":
            return inner  # the stored kind says NotFound
        key = Key(target.namespace or "", target.name)
        if live is None:
            created = replace(inner, method="POST", path=inner.path.rpartition("/")[0])
            return self._with_body(created, twin.store(patching.body, None))
        view = self._writer.patched(twin.kind, twin.show(live), key, patching)
        return self._with_body(replace(inner, method="PUT"), twin.store(view, live))

    def _live(self, stored: AnyKind, target: Target) -> Obj | None:
        key = Key(target.namespace or "", target.name)
        entry = self._objects.store.newest(stored.resource, key) if target.name else None
        return editions.private(stored, entry) if entry is not None else None

    def _with_body(self, request: Request, obj: Obj) -> Request:
        headers = {**request.headers, "content-type": codec.JSON}
        return replace(request, headers=headers, body=orjson.dumps(obj))


class _Lines:
    """The lines of a watch, translated. Chunks need not be whole lines."""

    def __init__(self, chunks: AsyncIterator[bytes], twin: Twin) -> None:
        self._chunks = chunks
        self._twin = twin
        self._rest = b""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            chunk = self._rest + await anext(self._chunks)
            whole, end, self._rest = chunk.rpartition(b"\n")
            if end or len(self._rest) > LINE_BYTES_MAX:
                return b"".join(_line(line, self._twin) for line in whole.split(b"\n") if line)

    async def aclose(self) -> None:
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


def _line(line: bytes, twin: Twin) -> bytes:
    event = orjson.loads(line)
    event["object"] = _view(event["object"], twin)
    return orjson.dumps(event) + b"\n"


def _shown(body: bytes, twin: Twin) -> bytes:
    try:
        found = orjson.loads(body)
    except (
        orjson.JSONDecodeError
    ):  # YAML was asked for: the stored kind's own form is the honest one
        return body
    return orjson.dumps(_view(found, twin))


def _view(obj: Obj, twin: Twin) -> Obj:
    """The view of an object or a list of the stored kind; anything else as it is."""
    stored = twin.stored
    if obj.get("apiVersion") != stored.api_version:
        return obj
    if obj.get("kind") == stored.list_kind:
        items = [_item(item, twin) for item in obj.get("items") or ()]
        return {**obj, "apiVersion": twin.kind.api_version, "items": items}
    return twin.show(obj) if obj.get("kind") == stored.kind else obj


def _item(item: Obj, twin: Twin) -> Obj:
    shown = twin.show(item)
    if "apiVersion" not in item:  # items of a list may leave their type out
        shown.pop("apiVersion", None)
    return shown


def _path(path: str, twin: Twin) -> str:
    here = _root(twin.kind)
    return _root(twin.stored) + path[len(here) :]


def _root(kind: AnyKind) -> str:
    return f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"


def _query(query: Mapping[str, str], twin: Twin) -> Mapping[str, str]:
    """Field selectors in the stored kind's words."""
    asked = query.get("fieldSelector")
    if not asked or not twin.fields:
        return query
    parts = []
    for part in asked.split(","):
        first, dot, rest = part.partition(".")
        name, sign, value = first.partition("=") if not dot else (first, "", "")
        parts.append(f"{twin.fields.get(name, name)}{sign}{value}{dot}{rest}")
    return {**query, "fieldSelector": ",".join(parts)}

"""The form in which a client wants objects: whole, as a table, or only their metadata; JSON or YAML.

Chosen by the Accept header as in Kubernetes (`application/json;as=Table;v=v1;g=meta.k8s.io`). Whole objects in JSON are sent as
the bytes that were stored. Pure. Callers: tanebi.apiserver.rest, watch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver import codec, tables
from tanebi.apiserver.editions import shown
from tanebi.apiserver.history import Change, Entry, watch_line
from tanebi.apiserver.tables import Include
from tanebi.kube.errors import BadRequest

Shape = Literal["object", "table", "partial"]

_SHAPES: Final[Mapping[str, Shape]] = {
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
}


@dataclass(frozen=True, slots=True)
class View:
    """How one answer shows objects of `kind`."""

    kind: AnyKind
    shape: Shape
    now: datetime
    as_yaml: bool = False
    include: Include = "Metadata"

    @property
    def content_type(self) -> str:
        return codec.YAML if self.as_yaml else codec.JSON

    @property
    def raw(self) -> bool:
        """True when stored bytes can be sent as they are."""
        return self.shape == "object" and not self.as_yaml

    def one(self, entry: Entry) -> bytes:
        obj, body = shown(self.kind, entry)
        return body if self.raw else codec.encode(self.of(obj), as_yaml=self.as_yaml)

    def of(self, obj: Obj) -> Obj:
        if self.shape == "table":
            meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return tables.table(
                self.kind, [tables.row(self.kind, obj, self.now, self.include)], meta
            )
        return tables.partial(obj) if self.shape == "partial" else obj

    def slice(self, entries: list[Entry]) -> bytes:
        """The items (or rows) of a part of a list, comma between. Whole objects are the stored bytes, not encoded anew."""
        if self.shape == "object":
            return b",".join([shown(self.kind, entry)[1] for entry in entries])
        objects = [shown(self.kind, entry)[0] for entry in entries]
        if self.shape == "table":
            rows = [tables.row(self.kind, obj, self.now, self.include) for obj in objects]
            return orjson.dumps(rows)[1:-1]
        return orjson.dumps([tables.partial(obj) for obj in objects])[1:-1]

    def whole(self, slices: list[bytes], meta: Obj) -> bytes:
        """A list out of its slices."""
        head = self._head(meta)
        body = b"".join((orjson.dumps(head)[:-2], b",".join(filter(None, slices)), b"]}"))
        return codec.encode(orjson.loads(body), as_yaml=True) if self.as_yaml else body

    def _head(self, meta: Obj) -> Obj:
        """A list without items; the empty list of them comes last."""
        if self.shape == "table":
            return tables.table(self.kind, [], meta)
        if self.shape == "partial":
            names = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        else:
            names = {"kind": self.kind.list_kind, "apiVersion": self.kind.api_version}
        return {**names, "metadata": meta, "items": []}

    def line(self, type_: str, change: Change) -> bytes:
        """A watch line for `change`, told as `type_` (a selector may turn a change into another). What leaves a selector is told
        as it was while it was in it, under the version at which it left."""
        if type_ == "DELETED" and change.type != "DELETED" and change.before is not None:
            was, _ = shown(self.kind, change.before)
            obj = was | {"metadata": was["metadata"] | {"resourceVersion": str(change.rv)}}
            return watch_line(type_, orjson.dumps(obj if self.raw else self.of(obj)))
        return self._line(type_, change.entry)

    def added(self, entry: Entry) -> bytes:
        return self._line("ADDED", entry)

    def _line(self, type_: str, entry: Entry) -> bytes:
        obj, body = shown(self.kind, entry)
        return watch_line(type_, body if self.raw else orjson.dumps(self.of(obj)))


def negotiate(
    kind: AnyKind, accept: str, query: Mapping[str, str], *, now: datetime, watching: bool = False
) -> View:
    """Raises NotAcceptable, BadRequest. The first alternative that we can give wins."""
    if not accept or accept == codec.JSON:
        return View(kind, "object", now)
    codec.check_accept(accept)
    include = query.get("includeObject") or "Metadata"
    if include not in ("None", "Metadata", "Object"):
        raise BadRequest(
            f'Unable to convert to Table as requested: includeObject: Invalid value: "{include}": '
            "must be 'Metadata', 'Object', 'None', or empty"
        )
    for part in accept.split(","):
        shape = _shape(part)
        if shape is not None:
            as_yaml = codec.media_type(part) == codec.YAML and not watching
            return View(kind, shape, now, as_yaml, include)  # type: ignore[arg-type]  # checked above
    raise codec.not_acceptable()


def _shape(part: str) -> Shape | None:
    """What one alternative asks for; None when it is not ours to give."""
    media, *parameters = [piece.strip() for piece in part.split(";")]
    if media.lower() not in (codec.JSON, codec.YAML, "*/*", "application/*"):
        return None
    given = dict(piece.split("=", 1) for piece in parameters if "=" in piece)
    if "as" not in given:
        return "object"
    if given.get("g") != "meta.k8s.io" or given.get("v") != "v1":
        return None
    return _SHAPES.get(given["as"])

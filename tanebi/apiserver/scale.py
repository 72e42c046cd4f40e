"""The `/scale` door: an autoscaling/v1 Scale in front of whatever the kind calls its replicas.

Caller: tanebi.apiserver.rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson

from tanebi.api.core import workload
from tanebi.api.kind import AnyKind, Kind
from tanebi.api.meta import Key, Obj
from tanebi.api.selectors import from_object
from tanebi.apiserver import codec, jsonpath, status
from tanebi.apiserver.admission import decode, warning_headers
from tanebi.apiserver.editions import shown
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.user import User
from tanebi.apiserver.writing import Patching, Writer, body_of, read_patch, write_options
from tanebi.kube.transport import Request, Response

SCALE: Final = Kind(
    "autoscaling", "v1", "Scale", "scales", workload.Scale, builtin=True, has_generation=False
)


class ScaleDoor:
    def __init__(self, objects: Objects, writer: Writer) -> None:
        self._objects = objects
        self._writer = writer

    async def handle(self, request: Request, user: User, kind: AnyKind, key: Key) -> Response:
        """Raises ApiError."""
        live = await self._live(kind, key)
        if request.method == "GET":
            return _answer(scale_of(kind, live), [])
        if request.method == "PUT":
            scale, _ = body_of(request)
        elif request.method == "PATCH":
            patching = read_patch(request)
            if patching.type == "apply":
                return await self._apply(patching, user, kind, key)
            scale = self._writer.patched(SCALE, scale_of(kind, live), key, patching)
        else:
            raise status.wrong_method()
        wanted = write_options(request)
        decoded = decode(SCALE, scale, validation=wanted.field_validation)
        written = await self._objects.update(
            kind,
            key,
            lambda obj: _scaled(kind, obj, decoded.obj),
            user,
            options=wanted,
            manage=self._writer.tracking(kind, wanted.manager, "scale"),
            unconditional=True,
        )
        await self._objects.conversions.ready(kind, (written.entry,))
        return _answer(scale_of(kind, shown(kind, written.entry)[0]), decoded.warnings)

    async def _live(self, kind: AnyKind, key: Key) -> Obj:
        entry = self._objects.newest(kind, key)
        await self._objects.conversions.ready(kind, (entry,))
        return shown(kind, entry)[0]

    async def _apply(self, patching: Patching, user: User, kind: AnyKind, key: Key) -> Response:
        """An apply of a Scale is one of the object behind it, that names its replicas alone."""
        given = decode(SCALE, patching.body, validation=patching.options.field_validation)
        wanted = (given.obj.get("spec") or {}).get("replicas")
        config: Obj = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": key.name},
        }
        if wanted is not None:
            _put(kind, config, wanted)
        applying = replace(patching, body=config)
        written = await self._objects.update(
            kind,
            key,
            lambda live: self._writer.patched(kind, live, key, applying, subresource="scale"),
            user,
            options=patching.options,
            unconditional=True,
        )
        return _answer(scale_of(kind, written.entry.obj), given.warnings)


def scale_of(kind: AnyKind, obj: Obj) -> Obj:
    """The Scale of a scalable object."""
    assert kind.scale is not None
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    current: Obj = {"replicas": jsonpath.first(kind.scale.status, obj) or 0}
    if selector := _selector(jsonpath.first(kind.scale.selector, obj)):
        current["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": jsonpath.first(kind.scale.spec, obj) or 0},
        "status": current,
    }


def _selector(value: Any) -> str:
    """A CRD gives its selector as text, a Deployment as an object."""
    return str(from_object(value)) if isinstance(value, dict) else str(value or "")


def _scaled(kind: AnyKind, obj: Obj, scale: Obj) -> Obj:
    assert kind.scale is not None
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        text = f"Invalid value: {replicas!r}: must be a whole number not less than 0"
        causes = [status.cause("FieldValueInvalid", "spec.replicas", text)]
        raise status.invalid(SCALE, obj["metadata"]["name"], causes)
    _put(kind, obj, replicas)
    meta = scale["metadata"]
    for name in ("uid", "resourceVersion"):
        if meta.get(name):
            obj["metadata"][name] = meta[name]
    return obj


def _put(kind: AnyKind, obj: Obj, replicas: int) -> None:
    assert kind.scale is not None
    *parents, last = kind.scale.spec.strip(".").split(".")
    at = obj
    for step in parents:
        at = at.setdefault(step, {})
    at[last] = replicas


def _answer(scale: Obj, warnings: list[str]) -> Response:
    headers = {"content-type": codec.JSON} | warning_headers(warnings)
    return Response(200, headers, orjson.dumps(scale))

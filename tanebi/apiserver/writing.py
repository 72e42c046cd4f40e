"""Request bodies that change objects: POST, PUT and the four kinds of PATCH.

Reads the body, asks Objects for the change, keeps managedFields with the patch package's help.
Callers: tanebi.apiserver.rest, scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import codec, options, status
from tanebi.apiserver.admission import Undecodable
from tanebi.apiserver.objects import Manage, Objects, Written
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.patch import PatchError, apply_patch, track_update
from tanebi.apiserver.user import User
from tanebi.kube.errors import ApiError, BadRequest, InvalidObject, UnsupportedMediaType
from tanebi.kube.request import PATCH_CONTENT_TYPES, PatchType
from tanebi.kube.transport import Request

_OPTIONS: Final = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
_TYPES: Final[Mapping[str, PatchType]] = {v: k for k, v in PATCH_CONTENT_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Patching:
    """One PATCH, read."""

    type: PatchType
    body: Any
    options: WriteOptions


class Writer:
    """Turns request bodies into changes."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def create(
        self, request: Request, user: User, kind: AnyKind, namespace: str | None
    ) -> Written:
        """Raises ApiError, Unavailable; so do the others."""
        wanted = write_options(request)
        obj, twice = body_of(request)
        return await self._objects.create(
            kind,
            namespace,
            obj,
            user,
            options=wanted,
            twice=twice,
            manage=self.tracking(kind, wanted.manager),
        )

    async def replace(
        self, request: Request, user: User, kind: AnyKind, key: Key, *, subresource: str
    ) -> Written:
        wanted = write_options(request)
        obj, twice = body_of(request)
        return await self._objects.update(
            kind,
            key,
            lambda live: obj,
            user,
            options=wanted,
            subresource=subresource,
            twice=twice,
            manage=self.tracking(kind, wanted.manager, subresource),
        )

    async def patch(
        self, request: Request, user: User, kind: AnyKind, key: Key, *, subresource: str
    ) -> Written:
        """An apply creates what does not exist."""
        patching = read_patch(request)
        applying = patching.type == "apply"
        missing = self._objects.store.newest(kind.resource, key) is None
        if applying and missing and not subresource:
            made = self.patched(kind, None, key, patching)
            made["metadata"].pop("resourceVersion", None)  # of what there was
            return await self._objects.create(
                kind,
                key.namespace or None,
                made,
                user,
                options=patching.options,
                name=key.name,
            )
        tracking = self.tracking(kind, patching.options.manager, subresource)
        try:
            return await self._objects.update(
                kind,
                key,
                lambda live: self.patched(kind, live, key, patching, subresource=subresource),
                user,
                options=patching.options,
                subresource=subresource,
                manage=None if applying else tracking,
                unconditional=True,
            )
        except Undecodable as error:
            if applying:
                raise
            raise _leaves_nothing(patching, error) from error

    def patched(
        self,
        kind: AnyKind,
        live: Obj | None,
        key: Key,
        patching: Patching,
        *,
        subresource: str = "",
    ) -> Obj:
        """The object after the patch, managedFields included when it is an apply."""
        try:
            return apply_patch(
                kind,
                live,
                patching.type,
                patching.body,
                manager=patching.options.manager,
                force=patching.options.force,
                now=self._objects.clock.wall(),
                subresource=subresource,
            )
        except PatchError as error:
            details = {"causes": error.causes} if error.causes else {}
            raise ApiError.of(error.code, error.reason, error.message, details) from error

    def tracking(self, kind: AnyKind, manager: str, subresource: str = "") -> Manage:
        """What keeps managedFields when `manager` writes by anything but an apply."""

        def manage(obj: Obj, old: Obj | None) -> Obj:
            # Only members that differ can change hands: a status update need not look through a pod's spec.
            before = old or {}
            differing = {k: v for k, v in obj.items() if k == "metadata" or before.get(k) != v}
            tracked = track_update(
                old and {k: v for k, v in old.items() if k in differing or k not in obj},
                differing,
                kind=kind,
                manager=manager,
                now=self._objects.clock.wall(),
                subresource=subresource,
            )
            return obj | {"metadata": tracked["metadata"]}

        return manage


def _leaves_nothing(patching: Patching, error: Undecodable) -> InvalidObject:
    """What a patch leaves is no such object: the patch is at fault."""
    shown = orjson.dumps(orjson.dumps(patching.body).decode()).decode()
    text = f"Invalid value: {shown}: {error.why}"
    causes = [status.cause("FieldValueInvalid", "patch", text)]
    return InvalidObject(f' "" is invalid: patch: {text}', details={"causes": causes})


def write_options(request: Request) -> WriteOptions:
    return options.write_options(
        request.query, request.headers.get("user-agent", ""), _OPTIONS[request.method]
    )


def body_of(request: Request) -> tuple[Obj, list[str]]:
    """The object in the body; names that stand twice in it are looked for when the client asked for validation."""
    content_type = request.headers.get("content-type", "")
    obj, twice = codec.decode(request.body, content_type)
    asked = request.query.get("fieldValidation") in ("Strict", "Warn")
    if asked and codec.media_type(content_type) in ("", codec.JSON):
        twice = codec.duplicates(request.body)
    return obj, twice


def read_patch(request: Request) -> Patching:
    """Raises BadRequest, InvalidObject, UnsupportedMediaType."""
    media = codec.media_type(request.headers.get("content-type", ""))
    type_ = _TYPES.get(media)
    if type_ is None:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(_TYPES)
        )
    wanted = write_options(request)
    if type_ == "apply":
        if not request.query.get("fieldManager"):
            required = "Required value: is required for apply patch"
            raise options.invalid("PatchOptions", "fieldManager", required)
        body = orjson.loads(codec.yaml_to_json(request.body))
        if wanted.field_validation == "Strict" and (found := codec.repeated_in_yaml(request.body)):
            told = "\n  ".join(found)
            head = (
                "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:"
            )
            raise BadRequest(f"{head}\n  {told}")
        return Patching(type_, body, wanted)
    if wanted.force:
        forbidden = "Forbidden: may not be specified for non-apply patch"
        raise options.invalid("PatchOptions", "force", forbidden)
    try:
        return Patching(type_, orjson.loads(request.body), wanted)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"error decoding patch: {error}") from error

"""Request bodies that change objects: POST, PUT and the four kinds of PATCH.

Reads the body, asks Objects for the change, keeps managedFields with the patch package's help.
Callers: tanebi.apiserver.rest, scale.
"""

from __future__ import annotations

from typing import Final

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import codec, options
from tanebi.apiserver.objects import Objects, Written
from tanebi.apiserver.options import WriteOptions
from tanebi.apiserver.user import User
from tanebi.kube.errors import UnsupportedMediaType
from tanebi.kube.transport import Request

PATCH_TYPES: Final = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


class Writer:
    """Turns request bodies into changes."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def create(
        self, request: Request, user: User, kind: AnyKind, namespace: str | None
    ) -> Written:
        wanted = write_options(request)
        obj, twice = body_of(request)
        return await self._objects.create(kind, namespace, obj, user, options=wanted, twice=twice)

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
        )

    async def patch(
        self, request: Request, user: User, kind: AnyKind, key: Key, *, subresource: str
    ) -> Written:
        raise UnsupportedMediaType("patches are not served yet")

    def patched(self, request: Request, kind: AnyKind, live: Obj) -> Obj:
        raise UnsupportedMediaType("patches are not served yet")


def write_options(request: Request) -> WriteOptions:
    return options.write_options(request.query, request.headers.get("user-agent", ""))


def body_of(request: Request) -> tuple[Obj, list[str]]:
    """The object in the body; names that stand twice in it are looked for when the client asked for validation."""
    content_type = request.headers.get("content-type", "")
    obj, twice = codec.decode(request.body, content_type)
    asked = request.query.get("fieldValidation") in ("Strict", "Warn")
    if asked and codec.media_type(content_type) in ("", codec.JSON):
        twice = codec.duplicates(request.body)
    return obj, twice

"""OpenAPI documents, v3 by group version and v2 in one, for `kubectl explain` and validation before apply. Pure.

Made from the models, once each, on first demand. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

import orjson
from pydantic import BaseModel

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.discovery import version
from tanebi.apiserver.schema import metadata_schema, schema_of

META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class OpenApi:
    def __init__(self, kinds: Iterable[AnyKind]) -> None:
        self._kinds = list(kinds)
        self._groups: dict[str, list[AnyKind]] = {}
        for kind in self._kinds:
            self._groups.setdefault(_group_path(kind), []).append(kind)
        self._documents: dict[str, bytes] = {}

    def index(self) -> Obj:
        """`/openapi/v3`: where each group's document is. The hash lets clients cache it."""
        return {
            "paths": {
                path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={self._hash(path)}"}
                for path in self._groups
            }
        }

    def group(self, path: str) -> bytes | None:
        """`/openapi/v3/<path>`, or None."""
        if path not in self._groups:
            return None
        if path not in self._documents:
            self._documents[path] = orjson.dumps(self._v3(path))
        return self._documents[path]

    @cached_property
    def v2(self) -> bytes:
        """`/openapi/v2`: everything, by the older format."""
        paths: Obj = {}
        for kind in self._kinds:
            paths |= _paths(kind, _reference(_name(kind), "#/definitions/"), v3=False)
        definitions = self._models(self._kinds, "#/definitions/")
        return orjson.dumps(
            {
                "swagger": "2.0",
                "info": _info(),
                "paths": paths,
                "definitions": definitions,
            }
        )

    def _hash(self, path: str) -> str:
        body = self.group(path) or b""
        return hashlib.sha256(body).hexdigest()[:32].upper()

    def _v3(self, path: str) -> Obj:
        kinds = self._groups[path]
        paths: Obj = {}
        for kind in kinds:
            paths |= _paths(kind, _reference(_name(kind), "#/components/schemas/"), v3=True)
        return {
            "openapi": "3.0.0",
            "info": _info(),
            "paths": paths,
            "components": {"schemas": self._models(kinds, "#/components/schemas/")},
        }

    def _models(self, kinds: list[AnyKind], prefix: str) -> Obj:
        models: Obj = {META_NAME: metadata_schema()}
        for kind in kinds:
            model: type[BaseModel] = kind.model
            schema = schema_of(model)
            properties = schema["properties"] | {"metadata": _reference(META_NAME, prefix)}
            gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
            models[_name(kind)] = schema | {
                "properties": properties,
                "x-kubernetes-group-version-kind": [gvk],
            }
        return models


def _info() -> Obj:
    return {"title": "Kubernetes", "version": version()["gitVersion"]}


def _group_path(kind: AnyKind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _name(kind: AnyKind) -> str:
    """`dev.knative.serving.v1.Service`: a group's labels backwards, as Kubernetes names its models."""
    group = ".".join(reversed(kind.group.split("."))) if kind.group else "io.k8s.api.core"
    return f"{group}.{kind.version}.{kind.kind}"


def _reference(name: str, prefix: str) -> Obj:
    return {"$ref": f"{prefix}{name}"}


def _paths(kind: AnyKind, reference: Obj, *, v3: bool) -> Obj:
    """The two paths of a kind; clients look in them for the kind's verbs and for the parameters of writes."""
    root = f"/{_group_path(kind)}"
    if kind.namespaced:
        root += "/namespaces/{namespace}"
    collection = f"{root}/{kind.plural}"
    writes = {"post": "post"}, {"put": "put", "patch": "patch", "delete": "delete"}
    return {
        collection: {
            "get": _operation(kind, "list", reference, v3=v3),
            **{m: _operation(kind, a, reference, v3=v3) for m, a in writes[0].items()},
        },
        f"{collection}/{{name}}": {
            "get": _operation(kind, "get", reference, v3=v3),
            **{m: _operation(kind, a, reference, v3=v3) for m, a in writes[1].items()},
        },
    }


def _operation(kind: AnyKind, action: str, reference: Obj, *, v3: bool) -> Obj:
    answer: Obj = {"description": "OK"}
    if v3:
        answer["content"] = {"application/json": {"schema": reference}}
    else:
        answer["schema"] = reference
    operation: dict[str, Any] = {
        "operationId": f"{action}{kind.group.title().replace('.', '')}{kind.version.title()}{kind.kind}",
        "responses": {"200": answer},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": kind.group,
            "version": kind.version,
            "kind": kind.kind,
        },
    }
    if action in ("post", "put", "patch"):
        # kubectl looks for this parameter before it asks the server to validate fields.
        operation["parameters"] = [
            _query("dryRun", v3=v3),
            _query("fieldManager", v3=v3),
            _query("fieldValidation", v3=v3),
        ]
    return operation


def _query(name: str, *, v3: bool) -> Obj:
    kind: Obj = {"schema": {"type": "string"}} if v3 else {"type": "string"}
    return {"name": name, "in": "query", **kind}

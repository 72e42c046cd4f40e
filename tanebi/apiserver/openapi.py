"""OpenAPI documents, v3 by group version and v2 in one, for `kubectl explain` and validation before apply. Pure.

Made on demand, from the types and from the schemas of user-defined kinds. Addresses carry a hash, answers an ETag.
Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import BaseModel

from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Obj
from tanebi.apiserver.discovery import version
from tanebi.apiserver.patch.schema import Schema as PatchSchema
from tanebi.apiserver.patch.schema import schema_of as patch_schema
from tanebi.apiserver.schema import HEAD, metadata_schema, schema_of
from tanebi.apiserver.structural.walk import PRESERVE

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
# An openapi.v2.Document that describes nothing: swagger "2.0", info with title and version, no paths. Clients in Go read v2 in
# this form alone, for kinds that v3 does not have; to find none of them there either is what makes their errors the right ones.
EMPTY: Final = b"\n\x032.0\x12\x10\n\nKubernetes\x12\x02v1\x42\x00"
JUNCTORS: Final = ("allOf", "anyOf", "not", "oneOf")
META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class OpenApi:
    """The documents, made on demand and kept until the kinds change."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._generation = -1
        self._groups: dict[str, list[AnyKind]] = {}
        self._documents: dict[str, Document] = {}

    def answer(
        self, path: str, query: Mapping[str, str], accept: str = ""
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body of `/openapi/…`; None for what there is not."""
        self._refresh()
        if path == "/openapi/v3":
            return 200, {}, orjson.dumps(self.index())
        if path == "/openapi/v2":
            if PROTOBUF in accept:
                return 200, {"content-type": PROTOBUF.replace("@", ".")}, EMPTY
            return 200, {"etag": self.v2.tag}, self.v2.body
        name = path.removeprefix("/openapi/v3/")
        if name not in self._groups:
            return None
        document, asked = self.group(name), query.get("hash")
        headers = {"etag": document.tag, "vary": "Accept"}
        if asked is None:
            return 200, headers, document.body
        if f'"{asked}"' != document.tag:
            return 301, {"location": self._url(name)}, b""
        # The address says which edition it is, so nobody need ask for it twice.
        return (
            200,
            headers | {"cache-control": "public, immutable, max-age=31536000"},
            document.body,
        )

    def _refresh(self) -> None:
        if self._generation == self._kinds.generation:
            return
        groups: dict[str, list[AnyKind]] = {}
        for kind in self._kinds:
            groups.setdefault(_group_path(kind), []).append(kind)
        # What has not changed need not be made again: a new kind touches one group.
        same = {path for path, kinds in groups.items() if self._groups.get(path) == kinds}
        self._documents = {p: d for p, d in self._documents.items() if p in same}
        self._groups, self._generation = groups, self._kinds.generation

    def index(self) -> Obj:
        """`/openapi/v3`: where each group's document is. The hash lets clients cache it."""
        self._refresh()
        return {"paths": {path: {"serverRelativeURL": self._url(path)} for path in self._groups}}

    def _url(self, path: str) -> str:
        tag = self.group(path).tag.strip('"')
        return f"/openapi/v3/{path}?hash={tag}"

    def group(self, path: str) -> Document:
        """`/openapi/v3/<path>`, which must be one of the index."""
        if path not in self._documents:
            self._documents[path] = Document.of(self._v3(path))
        return self._documents[path]

    @property
    def v2(self) -> Document:
        """`/openapi/v2`: everything, by the older format."""
        self._refresh()
        if "" not in self._documents:
            paths: Obj = {}
            for kind in self._kinds:
                paths |= _paths(kind, _reference(_name(kind), "#/definitions/"), v3=False)
            definitions = _models(list(self._kinds), "#/definitions/", older=True)
            self._documents[""] = Document.of(
                {"swagger": "2.0", "info": _info(), "paths": paths, "definitions": definitions}
            )
        return self._documents[""]

    def _v3(self, path: str) -> Obj:
        kinds = self._groups[path]
        paths: Obj = {}
        for kind in kinds:
            paths |= _paths(kind, _reference(_name(kind), "#/components/schemas/"), v3=True)
        return {
            "openapi": "3.0.0",
            "info": _info(),
            "paths": paths,
            "components": {"schemas": _models(kinds, "#/components/schemas/")},
        }


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    tag: str

    @classmethod
    def of(cls, value: Obj) -> Document:
        body = orjson.dumps(value)
        return cls(body, f'"{hashlib.sha512(body).hexdigest()[:32].upper()}"')


def _models(kinds: list[AnyKind], prefix: str, *, older: bool = False) -> Obj:
    """`older`: as version 2 of OpenAPI can say it."""
    models: Obj = {META_NAME: metadata_schema()}
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        marks = {"x-kubernetes-group-version-kind": [gvk]}
        if older and kind.structure is not None and kind.structure.schema.get(PRESERVE):
            models[_name(kind)] = {"type": "object", **marks}
            continue
        schema = _schema(kind)
        if older and kind.structure is not None:
            schema = _for_v2(schema)
        properties = {**schema.get("properties", {}), "metadata": _reference(META_NAME, prefix)}
        models[_name(kind)] = schema | {"properties": properties, **marks}
    return models


def _for_v2(schema: Any) -> Any:
    """Without what version 2, or kubectl's reading of it, does not know (apiextensions-apiserver openapi/v2 conversion.go)."""
    left_out = set(JUNCTORS)
    if schema.get("nullable"):
        left_out |= {"type", "nullable", "items", "properties"}
    if schema.get(PRESERVE):
        left_out |= {"items", "properties"} | (
            {"type"} if schema.get("type") == "object" else set()
        )
    found = {name: value for name, value in schema.items() if name not in left_out}
    if found.get("type") == "array" and "items" not in found:
        del found["type"]
    if isinstance(found.get("items"), dict):
        found["items"] = _for_v2(found["items"])
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _for_v2(found["additionalProperties"])
    if "properties" in found:
        inner = found["properties"]
        nullable = {name for name, one in inner.items() if one.get("nullable")}
        found["properties"] = {name: _for_v2(one) for name, one in inner.items()}
        if nullable and "required" in found:
            found["required"] = [name for name in found["required"] if name not in nullable]
    return found


def _schema(kind: AnyKind) -> Obj:
    if kind.structure is not None:
        whole = kind.structure.schema
        return whole | {"properties": {**HEAD, **(whole.get("properties") or {})}}
    model: type[BaseModel] = kind.model
    schema: Obj = schema_of(model)
    if not kind.builtin:
        return schema
    marked: Obj = _with_lists(schema, patch_schema(kind), ())
    return marked


def _with_lists(schema: Any, rules: PatchSchema, at: tuple[str, ...]) -> Any:
    """The schema with what patches go by: which lists are keyed, and by what."""
    if schema.get("type") == "array" and isinstance(items := schema.get("items"), dict):
        return {**schema, "items": _with_lists(items, rules, at), **_list_marks(rules, at)}
    if properties := schema.get("properties"):
        inner = {n: _with_lists(one, rules, (*at, n)) for n, one in properties.items()}
        return {**schema, "properties": inner}
    return schema


def _list_marks(rules: PatchSchema, at: tuple[str, ...]) -> Obj:
    rule = rules.list_rule(at)
    if rule is None:
        return {"x-kubernetes-list-type": "atomic"}
    if not rule.keys:
        return {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
    return {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(rule.keys),
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": rule.merge_key,
    }


def _info() -> Obj:
    return {"title": "Kubernetes", "version": version()["gitVersion"]}


def _group_path(kind: AnyKind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _name(kind: AnyKind) -> str:
    """`dev.knative.serving.v1.Service`: a group's labels backwards, as Kubernetes names its models."""
    group = ".".join(reversed(kind.group.split(".")))
    if kind.builtin:
        group = f"io.k8s.api.{kind.group.partition('.')[0] or 'core'}"
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

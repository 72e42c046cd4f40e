"""Requests of the Kubernetes API, built and nothing more.

Pure: no transport, no clock. Callers: tanebi.kube.client, and anybody who sends a request the client has no verb for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.kube.transport import Request

PatchType = Literal["json", "merge", "strategic", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]

PATCH_CONTENT_TYPES: Final[Mapping[PatchType, str]] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",  # JSON is YAML
}
JSON: Final = "application/json"


def collection_path(kind: AnyKind, ns: str | None) -> str:
    """Where a kind's objects live: of one namespace, or of all for None (and for cluster-scoped kinds)."""
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    if kind.namespaced and ns:
        return f"{root}/namespaces/{quote(ns, safe='')}/{kind.plural}"
    return f"{root}/{kind.plural}"


def object_path(kind: AnyKind, ns: str, name: str, subresource: str = "") -> str:
    """Raises ValueError without a name, or without a namespace for a namespaced kind."""
    if not name:
        raise ValueError(f"a {kind.kind} needs a name")
    if kind.namespaced and not ns:
        raise ValueError(f"{kind.kind} {name!r} needs a namespace")
    path = f"{collection_path(kind, ns)}/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path


def get(kind: AnyKind, ns: str, name: str, *, subresource: str = "") -> Request:
    return Request("GET", object_path(kind, ns, name, subresource), headers={"accept": JSON})


def list_(
    kind: AnyKind,
    ns: str | None,
    *,
    labels: str = "",
    fields: str = "",
    limit: int | None = None,
    continue_: str = "",
) -> Request:
    query = _selectors(labels, fields)
    if limit is not None:
        query["limit"] = str(limit)
    if continue_:
        query["continue"] = continue_
    return Request("GET", collection_path(kind, ns), query, {"accept": JSON})


def watch(
    kind: AnyKind,
    ns: str | None,
    *,
    resource_version: str,
    labels: str = "",
    fields: str = "",
    timeout_s: int | None = None,
) -> Request:
    """From `resource_version` on ("" means from now, with the present objects first); bookmarks are asked for."""
    query = _selectors(labels, fields)
    query |= {"watch": "true", "allowWatchBookmarks": "true"}
    if resource_version:
        query["resourceVersion"] = resource_version
    if timeout_s is not None:
        query["timeoutSeconds"] = str(timeout_s)
    return Request("GET", collection_path(kind, ns), query, {"accept": JSON})


def create(kind: AnyKind, obj: Obj, *, manager: str) -> Request:
    ns = (obj.get("metadata") or {}).get("namespace") or ""
    if kind.namespaced and not ns:
        raise ValueError(f"a new {kind.kind} needs a namespace")
    return _write("POST", collection_path(kind, ns), obj, manager)


def update(kind: AnyKind, obj: Obj, *, manager: str, subresource: str = "") -> Request:
    """A PUT. The object's own resourceVersion, when set, is the precondition."""
    meta = obj.get("metadata") or {}
    path = object_path(kind, meta.get("namespace") or "", meta.get("name") or "", subresource)
    return _write("PUT", path, obj, manager)


def patch(
    kind: AnyKind,
    ns: str,
    name: str,
    body: Any,
    *,
    type: PatchType,
    manager: str,
    subresource: str = "",
    force: bool = False,
) -> Request:
    query = {"fieldManager": manager}
    if type == "apply":
        query["force"] = "true" if force else "false"
    return Request(
        "PATCH",
        object_path(kind, ns, name, subresource),
        query,
        {"accept": JSON, "content-type": PATCH_CONTENT_TYPES[type]},
        orjson.dumps(body),
    )


def delete(
    kind: AnyKind,
    ns: str,
    name: str,
    *,
    uid: str | None = None,
    resource_version: str | None = None,
    propagation: Propagation = "Background",
    grace_s: int | None = None,
) -> Request:
    options: Obj = {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": propagation,
    }
    preconditions = {"uid": uid, "resourceVersion": resource_version}
    if given := {k: v for k, v in preconditions.items() if v is not None}:
        options["preconditions"] = given
    if grace_s is not None:
        options["gracePeriodSeconds"] = grace_s
    headers = {"accept": JSON, "content-type": JSON}
    return Request("DELETE", object_path(kind, ns, name), {}, headers, orjson.dumps(options))


def _write(method: str, path: str, obj: Obj, manager: str) -> Request:
    headers = {"accept": JSON, "content-type": JSON}
    return Request(method, path, {"fieldManager": manager}, headers, orjson.dumps(obj))


def _selectors(labels: str, fields: str) -> dict[str, str]:
    pairs = {"labelSelector": labels, "fieldSelector": fields}
    return {name: text for name, text in pairs.items() if text}

"""What a request asks for besides the object: query parameters and DeleteOptions. Pure.

Source: k8s.io/apimachinery apis/meta/v1 GetOptions … DeleteOptions. Bad values are refused with 400, unknown parameters ignored,
as Kubernetes does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from tanebi.api.meta import Obj
from tanebi.api.selectors import EVERYTHING, FieldSelector, Selector, parse, parse_fields
from tanebi.apiserver import status
from tanebi.kube.errors import BadRequest, InvalidObject

FieldValidation = Literal["Ignore", "Warn", "Strict"]
Propagation = Literal["Background", "Foreground", "Orphan"]

MANAGER_BYTES_MAX: Final = 128
LIST_LIMIT_MAX: Final = 100_000
ALL_FIELDS: Final = FieldSelector()


@dataclass(frozen=True, slots=True)
class WriteOptions:
    dry_run: bool = False
    manager: str = ""
    field_validation: FieldValidation = "Warn"
    force: bool = False


@dataclass(frozen=True, slots=True)
class ListOptions:
    labels: Selector = EVERYTHING
    fields: FieldSelector = ALL_FIELDS
    limit: int = 0
    continue_: str = ""
    resource_version: str = ""
    match: str = ""
    watch: bool = False
    bookmarks: bool = False
    initial_events: bool | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`grace_s` None means the object's own. An empty `uid` or `resource_version` demands nothing."""

    dry_run: bool = False
    grace_s: int | None = None
    propagation: Propagation | None = None
    uid: str = ""
    resource_version: str = ""


def write_options(
    query: Mapping[str, str], user_agent: str, kind: str = "UpdateOptions"
) -> WriteOptions:
    """`kind` is what Kubernetes calls the options of the request.

    Raises BadRequest, InvalidObject. Without a fieldManager it is the user agent's first word, as in Kubernetes."""
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        raise invalid(
            kind,
            "fieldValidation",
            f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"',
        )
    manager = query.get("fieldManager") or user_agent.split("/")[0] or "unknown"
    if why := _bad_manager(manager):
        raise invalid(kind, "fieldManager", why)
    return WriteOptions(
        dry_run=_dry_run(query.get("dryRun"), kind),
        manager=manager,
        field_validation=validation,  # type: ignore[arg-type]  # checked above
        force=_flag(query, "force"),
    )


def list_options(query: Mapping[str, str]) -> ListOptions:
    """Raises BadRequest."""
    try:
        labels = parse(query.get("labelSelector", ""))
        fields = parse_fields(query.get("fieldSelector", ""))
    except ValueError as error:
        raise BadRequest(str(error)) from error
    timeout = _number(query, "timeoutSeconds")
    return ListOptions(
        labels=labels,
        fields=fields,
        limit=min(max(_number(query, "limit", signed=True) or 0, 0), LIST_LIMIT_MAX),
        continue_=query.get("continue", ""),
        resource_version=_version(query.get("resourceVersion", "")),
        match=query.get("resourceVersionMatch", ""),
        watch=_flag(query, "watch"),
        bookmarks=_flag(query, "allowWatchBookmarks"),
        initial_events=_flag(query, "sendInitialEvents")
        if query.get("sendInitialEvents")
        else None,
        timeout_s=float(timeout) if timeout else None,
    )


def delete_options(query: Mapping[str, str], body: Obj) -> DeleteOptions:
    """The body wins over the query, as in Kubernetes. Raises BadRequest, InvalidObject."""
    conditions = body.get("preconditions") or {}
    grace = body.get("gracePeriodSeconds", _number(query, "gracePeriodSeconds"))
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool) or grace < 0):
        raise BadRequest(f"gracePeriodSeconds: not a whole number of seconds: {grace!r}")
    dry_run = body.get("dryRun") or query.get("dryRun")
    return DeleteOptions(
        dry_run=_dry_run(
            ",".join(dry_run) if isinstance(dry_run, list) else dry_run, "DeleteOptions"
        ),
        grace_s=grace,
        propagation=_propagation(query, body),
        uid=str(conditions.get("uid") or ""),
        resource_version=str(conditions.get("resourceVersion") or ""),
    )


def _propagation(query: Mapping[str, str], body: Obj) -> Propagation | None:
    orphan = body.get("orphanDependents")
    chosen = body.get("propagationPolicy") or query.get("propagationPolicy")
    if orphan is None and "orphanDependents" in query:
        orphan = _flag(query, "orphanDependents")
    if chosen and orphan is not None:
        raise invalid(
            "DeleteOptions",
            "propagationPolicy",
            f'Invalid value: "{chosen}": orphanDependents and deletionPropagation cannot be both set',
        )
    if chosen is None and orphan is not None:
        chosen = "Orphan" if orphan else "Background"
    match chosen:
        case "Background" | "Foreground" | "Orphan":
            return chosen
        case None | "":
            return None
    raise invalid(
        "DeleteOptions",
        "propagationPolicy",
        f'Unsupported value: "{chosen}": supported values: "Foreground", "Background", "Orphan", "nil"',
    )


def _dry_run(value: Any, kind: str) -> bool:
    if not value:
        return False
    if value != "All":
        raise invalid(
            kind, "dryRun", f'Unsupported value: []string{{"{value}"}}: supported values: "All"'
        )
    return True


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "").lower()
    if value in ("", "false", "0", "f"):
        # `?watch` without a value means true to Kubernetes.
        return name in query and value == ""
    if value in ("true", "1", "t"):
        return True
    raise BadRequest(f"{name}: not a boolean: {query[name]!r}")


def _number(query: Mapping[str, str], name: str, *, signed: bool = False) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.removeprefix("-" if signed else "").isdigit():
        raise BadRequest(f"strconv.ParseInt: parsing {orjson.dumps(text).decode()}: invalid syntax")
    return int(text)


def _version(text: str) -> str:
    if text and not (text.isascii() and text.isdigit()):
        raise BadRequest(f"Invalid value: {text!r}: resourceVersion must be a number")
    return text


def _bad_manager(manager: str) -> str:
    if len(manager.encode()) > MANAGER_BYTES_MAX:
        return f"Too long: may not be more than {MANAGER_BYTES_MAX} bytes"
    for at, char in enumerate(manager):
        if not char.isprintable():
            shown = orjson.dumps(manager).decode().replace("\\u00", "\\x")
            return f"Invalid value: {shown}: invalid character U+{ord(char):04X} (at position {at})"
    return ""


def invalid(kind: str, field: str, message: str) -> InvalidObject:
    """Options that cannot be, as Kubernetes refuses them."""
    return InvalidObject(
        f'{kind}.meta.k8s.io "" is invalid: {field}: {message}',
        details={
            "group": "meta.k8s.io",
            "kind": kind,
            "causes": [status.cause(status.reason_of(message), field, message)],
        },
    )

"""What a list is of: which moment, which part, and how the rest of it is asked for. Pure.

A list without a version is of now. A page that has more behind it carries a token with the version it was made at, and the next
page is of that version, however much was written between: the past is put together from the present and from the changes since.
When those are forgotten the answer is 410, with a token in it to go on from the present instead.
Rules of resourceVersion, resourceVersionMatch, limit and continue: Kubernetes' API concepts, and apimachinery
internalversion/validation. Caller: tanebi.apiserver.rest.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from tanebi.api.meta import Key, Obj
from tanebi.apiserver.history import Entry
from tanebi.apiserver.options import ListOptions
from tanebi.kube.errors import BadRequest, Expired, InvalidObject, ServerTimeout

PRESENT: Final = -1  # the version in a token that goes on from the present
TOO_OLD: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time "
    "the first chunk was returned and now may show up in the list."
)


class Past(Protocol):
    """The store, as far as lists go."""

    @property
    def revision(self) -> int: ...

    def list_at(self, resource: str, namespace: str | None, rv: int) -> list[Entry] | None: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """The objects of an answer and the metadata of their list."""

    entries: list[Entry]
    meta: Obj


def check_list(wanted: ListOptions) -> None:
    """Raises InvalidObject, BadRequest for options that contradict each other."""
    version, match = wanted.resource_version, wanted.match
    if wanted.initial_events is not None:
        raise _invalid("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list")
    if match and wanted.continue_:
        text = "resourceVersionMatch is forbidden when continue is provided"
        raise _invalid("resourceVersionMatch", f"Forbidden: {text}")
    if match and not version:
        text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _invalid("resourceVersionMatch", f"Forbidden: {text}")
    _check_match(match)
    if match == "Exact" and version == "0":
        text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise _invalid("resourceVersionMatch", f"Forbidden: {text}")
    if wanted.continue_ and version not in ("", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")


def check_watch(wanted: ListOptions) -> None:
    """Raises InvalidObject."""
    _check_match(wanted.match)
    if wanted.initial_events is None:
        if wanted.match:
            text = (
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            )
            raise _invalid("resourceVersionMatch", f"Forbidden: {text}")
    elif wanted.match != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise _invalid("resourceVersionMatch", f"Forbidden: {text}")


def _check_match(match: str) -> None:
    if match not in ("", "Exact", "NotOlderThan"):
        text = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise _invalid("resourceVersionMatch", text, "FieldValueNotSupported")


def check_not_future(asked: str, have: int) -> None:
    """Raises ServerTimeout, which makes clients try again: the version may come."""
    if int(asked or 0) <= have:
        return
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    raise ServerTimeout(
        f"Too large resource version: {asked}, current: {have}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )


def list_page(
    past: Past,
    resource: str,
    namespace: str | None,
    wanted: ListOptions,
    holds: Callable[[Entry], bool] | None,
) -> Listed:
    """One page. `holds` None: everything. Raises BadRequest, Expired, ServerTimeout."""
    check_not_future(wanted.resource_version, past.revision)
    version, after = _moment(past, wanted)
    entries = past.list_at(resource, namespace, version)
    if entries is None:
        if after is None:
            raise Expired("The resourceVersion for the provided list is too old.")
        raise Expired(TOO_OLD, metadata={"continue": token(PRESENT, after)})
    if holds is not None:
        entries = [entry for entry in entries if holds(entry)]
    if after is not None:
        entries = [entry for entry in entries if key_of(entry) > after]
    meta: Obj = {"resourceVersion": str(version)}
    if wanted.limit and len(entries) > wanted.limit:
        if holds is None:  # Kubernetes does not count what it would have to look at
            meta["remainingItemCount"] = len(entries) - wanted.limit
        entries = entries[: wanted.limit]
        meta["continue"] = token(version, key_of(entries[-1]))
    return Listed(entries, meta)


def _moment(past: Past, wanted: ListOptions) -> tuple[int, Key | None]:
    """The version to list, and the key to go on after."""
    if wanted.continue_:
        version, after = read_token(wanted.continue_)
        return (past.revision if version == PRESENT else version), after
    asked = int(wanted.resource_version or 0)
    # Without a match a limit makes an exact version of it: Kubernetes' legacy rule.
    exact = wanted.match == "Exact" or (not wanted.match and wanted.limit and asked)
    return (asked if exact else past.revision), None


def key_of(entry: Entry) -> Key:
    meta = entry.obj["metadata"]
    return Key(meta.get("namespace") or "", meta["name"])


def token(version: int, after: Key) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([version, *after])).decode()


def read_token(text: str) -> tuple[int, Key]:
    """Raises BadRequest."""
    try:
        value: Any = orjson.loads(base64.urlsafe_b64decode(text))
        version, namespace, name = value
        return int(version), Key(str(namespace), str(name))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error


def _invalid(field: str, message: str, reason: str = "FieldValueForbidden") -> InvalidObject:
    return InvalidObject(
        f'ListOptions.meta.k8s.io "" is invalid: {field}: {message}',
        details={
            "group": "meta.k8s.io",
            "kind": "ListOptions",
            "causes": [{"reason": reason, "message": message, "field": field}],
        },
    )

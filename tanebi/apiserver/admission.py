"""What an object goes through before it is stored: decoding, defaults, rules.

The order and the words are Kubernetes' with Knative's webhooks: defaulting, then the grammar of metadata, then the kind's own
rules; built-in kinds are refused with 422 and causes, others as their admission webhook would. Synchronous and free of I/O.
Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pydantic import ValidationError

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.fielderrors import FieldError, render
from tanebi.api.kind import Admission, AnyKind, no_defaults, no_rules
from tanebi.api.meta import Obj, Resource, drop_nulls, unknown_fields
from tanebi.apiserver import metadata, status
from tanebi.apiserver.configs import StoreConfigs
from tanebi.apiserver.fields import decode_error, omit_empty, prune, surplus
from tanebi.apiserver.options import FieldValidation
from tanebi.kube.errors import ApiError, BadRequest

WARNINGS_MAX: Final = 100


class Undecodable(BadRequest, told=False):
    """What was sent is no such object. `why` is that alone."""

    def __init__(self, kind: AnyKind, why: str) -> None:
        version, name = kind.version, kind.kind
        super().__init__(f'{name} in version "{version}" cannot be handled as a {name}: {why}')
        self.why = why


@dataclass(slots=True)
class Decoded:
    """An object that its types can read. `obj` is pruned; `warnings` go out as Warning headers."""

    obj: Obj
    warnings: list[str] = field(default_factory=list)


def decode(
    kind: AnyKind, raw: Obj, *, validation: FieldValidation, twice: Iterable[str] = ()
) -> Decoded:
    """Drop nulls and unknown fields. Raises BadRequest when a type is wrong, or on unknown fields under Strict.

    `raw` is the caller's no more: what comes back may be the same object, changed.
    """
    try:
        encoded = orjson.dumps(raw)
    except TypeError as error:
        # Only depth is left to be wrong with what was parsed from JSON.
        raise BadRequest(f"json: exceeded max depth: {error}") from error
    # A schema says where null is a value; elsewhere it means absent.
    nulls = b"null" in encoded and kind.structure is None
    obj: Obj = drop_nulls(raw) if nulls else raw
    if not isinstance(obj.setdefault("metadata", {}), dict):
        raise Undecodable(kind, "json: metadata is not an object")
    if kind.structure is not None:
        obj["metadata"] = drop_nulls(obj["metadata"])
    view = read(kind, obj)
    complaints = [f'duplicate field "{name}"' for name in twice]
    unknown = _unknown(kind, view, obj)
    complaints += [f'unknown field "{path}"' for path in unknown]
    if twice and unknown and kind.structure is None:
        complaints = _as_met(complaints, obj)
    if complaints and validation == "Strict":
        text = ", ".join(complaints[:WARNINGS_MAX])
        raise Undecodable(kind, f"strict decoding error: {text}")
    if unknown and kind.structure is None:
        prune(view, obj)
    if kind.builtin:
        omit_empty(view, obj)
    return Decoded(obj, complaints[:WARNINGS_MAX] if validation == "Warn" else [])


def _as_met(complaints: list[str], obj: Obj) -> list[str]:
    """In the order in which a reader of the body meets the fields."""
    met = {path: at for at, path in enumerate(_paths(obj, ""))}
    return sorted(complaints, key=lambda text: met.get(text.split('"')[1], len(met)))


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            where = f"{path}.{name}" if path else name
            yield where
            yield from _paths(inner, where)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, f"{path}[{index}]")


def _unknown(kind: AnyKind, view: Resource, obj: Obj) -> list[str]:
    """Paths of what the types do not know; of a user-defined kind it is gone already."""
    if kind.structure is None:
        return unknown_fields(view) if surplus(view) else []
    meta = view.metadata
    found = [f"metadata.{path}" for path in unknown_fields(meta)] if surplus(meta) else []
    if found:
        prune(meta, obj["metadata"])
    return kind.structure.prune(obj) + found


def read(kind: AnyKind, obj: Obj) -> Resource:
    """The typed view. Raises BadRequest in Go's words."""
    try:
        view: Resource = kind.view(obj)
    except ValidationError as error:
        text = decode_error(error, obj)
        if kind.webhook:
            text = f"mutation failed: cannot decode incoming new object: {text}"
            raise status.denied(_mutating(kind), text) from error
        raise Undecodable(kind, text) from error
    return view


def _mutating(kind: AnyKind) -> str:
    return kind.webhook.removeprefix("validation.")


class Gatekeeper:
    """Runs the kinds' own defaulting and validating functions."""

    def __init__(self, configs: StoreConfigs) -> None:
        self.configs = configs

    def complete(self, kind: AnyKind, obj: Obj, old: Obj | None, admission: Admission) -> Obj:
        """Defaults. `obj` may be changed; the result is the object to go on with."""
        if kind.structure is not None:
            kind.structure.complete(obj)
        if kind.defaults is no_defaults:
            return obj
        before = obj["metadata"]
        done = kind.defaults(obj, old, admission)
        # A defaulting function speaks for the object, not for its identity.
        for name in ("name", "namespace", "uid", "resourceVersion"):
            if name in before:
                done["metadata"][name] = before[name]
        return done

    def check(self, kind: AnyKind, obj: Obj, old: Obj | None, admission: Admission) -> list[str]:
        """Every rule. Returns warnings. Raises InvalidObject for built-in kinds, BadRequest otherwise."""
        name = str(obj["metadata"].get("name") or "")
        if causes := metadata.problems(kind, obj["metadata"], old["metadata"] if old else None):
            raise status.invalid(kind, name, causes)
        if obj["metadata"].get("deletionTimestamp"):
            return []
        causes = kind.problems(obj, old)
        if kind.structure is not None:
            causes = kind.structure.problems(obj, old)
        if causes:
            raise status.invalid(kind, name, causes)
        found = _broken_rules(kind, obj, old, admission)
        errors = [e for e in found if e.level == "error"]
        if errors:
            raise _refusal(kind, name, errors)
        if tried := [e for e in found if e.level == "callback"]:
            raise status.denied(kind.webhook, f"validation callback failed: {render(tried)}")
        if kind is CONFIG_MAP and (why := self.configs.refusal(obj)):
            raise status.denied(_config_webhook(obj), f"validation failed: {why}")
        return [
            line for line in render(e for e in found if e.level == "warning").split("\n") if line
        ]


def _broken_rules(
    kind: AnyKind, obj: Obj, old: Obj | None, admission: Admission
) -> list[FieldError]:
    if kind.validate is no_rules:
        return []
    return kind.validate(read(kind, obj), kind.view(old) if old else None, admission)


def _config_webhook(config_map: Obj) -> str:
    part = (
        "eventing" if config_map["metadata"].get("namespace") == "knative-eventing" else "serving"
    )
    return f"config.webhook.{part}.knative.dev"


def _refusal(kind: AnyKind, name: str, errors: list[FieldError]) -> ApiError:
    if kind.builtin or not kind.webhook:
        return status.invalid(kind, name, status.field_causes(errors))
    return status.denied(kind.webhook, f"validation failed: {render(errors)}")


def warning_headers(warnings: Iterable[str]) -> dict[str, str]:
    """RFC 7234 Warning, code 299, joined into one header."""
    shown: list[Any] = [_quoted(text) for text in warnings]
    return {"warning": ", ".join(f'299 - "{text}"' for text in shown)} if shown else {}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")

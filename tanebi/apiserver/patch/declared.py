"""Whether a configuration has the form that its kind's schema declares: server-side apply takes nothing else. Pure.

Kubernetes answers with 500 and without a reason; so do we, since clients look at both.
Behaviour: sigs.k8s.io/structured-merge-diff typed validation. Caller: tanebi.apiserver.patch.apply.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, unknown_fields
from tanebi.apiserver.fields import decode_error, surplus
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.fieldset import element, show
from tanebi.apiserver.patch.schema import ListRule, Path, Schema


def check(kind: AnyKind, config: Obj, schema: Schema) -> None:
    """Raises BadPatch."""
    problems = [*_undeclared(kind, config), *_ambiguous(config, schema, (), "")]
    if not problems:
        return
    meta = config.get("metadata") or {}
    where = f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"
    text = problems[0] if len(problems) == 1 else "errors:\n  " + "\n  ".join(problems)
    named = f"{kind.group}/{kind.version}, Kind={kind.kind}"
    raise BadPatch(f"failed to create typed patch object ({where}; {named}): {text}", code=500)


def _undeclared(kind: AnyKind, config: Obj) -> list[str]:
    if kind.structure is not None:
        found = kind.structure.prune(copy.deepcopy(config))
        try:
            meta = kind.view({"metadata": config.get("metadata") or {}}).metadata
        except ValidationError as error:
            return [decode_error(error, config)]
        found += [f"metadata.{path}" for path in unknown_fields(meta)] if surplus(meta) else []
    elif kind.builtin:
        try:
            view: Any = kind.view(config)
        except ValidationError as error:
            return [decode_error(error, config)]
        found = unknown_fields(view) if surplus(view) else []
    else:
        found = []
    return [f".{path}: field not declared in schema" for path in found]


def _ambiguous(value: Any, schema: Schema, at: Path, where: str) -> list[str]:
    """Items of keyed lists that cannot be told apart."""
    if isinstance(value, dict):
        return [
            text
            for name, member in value.items()
            for text in _ambiguous(member, schema, (*at, name), f"{where}.{name}")
        ]
    if not isinstance(value, list):
        return []
    rule = schema.list_rule(at)
    if rule is None:
        return []
    found, seen = [], set()
    for index, item in enumerate(value):
        try:
            key = element(item, rule, at)
        except BadPatch as error:
            found.append(f"{where}: element {index}: {error.message}")
            continue
        if key in seen:
            found.append(f"{where}: duplicate entries for key {show((key,))}")
        seen.add(key)
        found += _ambiguous(item, schema, at, f"{where}{_shown(key, rule)}")
    return found


def _shown(key: str, rule: ListRule) -> str:
    return show((key,)) if rule.keys else ""

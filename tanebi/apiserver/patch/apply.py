"""Server-side apply: merge what a manager wants, refuse what another owns, remove what it wants no more.

Pure. The applied configuration is merged into the live object; fields this manager applied before and names no longer go, unless
somebody else owns them; a field that another manager owns and the merge would change is a conflict, unless forced.
Behaviour: sigs.k8s.io/structured-merge-diff merge.Updater and k8s.io/apimachinery util/managedfields.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, annotations_of, drop_nulls, rfc3339
from tanebi.apiserver.patch import declared
from tanebi.apiserver.patch.difference import differ
from tanebi.apiserver.patch.errors import ApplyConflict, BadPatch, FieldConflict
from tanebi.apiserver.patch.fieldset import (
    Field,
    Fields,
    flatten,
    list_elements,
    show,
)
from tanebi.apiserver.patch.managers import (
    BEFORE_FIRST_APPLY,
    Holding,
    Holdings,
    Writer,
    read,
    write,
)
from tanebi.apiserver.patch.merging import merge_map
from tanebi.apiserver.patch.schema import Path, Schema, schema_of
from tanebi.apiserver.patch.zero import with_zeros

KUBECTL: Final = "kubectl"  # the manager's name when kubectl applies on the server
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_OWN_META: Final = ("name", "namespace", "resourceVersion", "uid")
# Admission writes into these and owns nothing (serving.knative.dev/creator): they go key by key, never as a whole.
_SHARED_MAPS: Final = ("annotations", "labels")


def apply(
    kind: AnyKind,
    live: Obj | None,
    config: Any,
    *,
    manager: str,
    force: bool,
    now: datetime,
    subresource: str = "",
) -> Obj:
    """The object after the apply, managedFields included. Raises BadPatch, ApplyConflict."""
    wanted = _configuration(kind, config, subresource)
    schema = schema_of(kind)
    writer = Writer("Apply", manager, kind.api_version, subresource)
    declared.check(kind, wanted, schema)
    holdings = _holdings(kind, live, now)
    before = holdings.get(writer, Holding(frozenset(), ""))
    fields = frozenset(flatten(wanted, schema))
    others = {w: h for w, h in holdings.items() if w != writer}
    merged: Obj = merge_map(live or {}, wanted, schema, ())
    kept = fields.union(*(h.fields for h in others.values()))
    for gone in _removals(before.fields - kept, kept):
        merged = _remove(merged, gone, schema, ())
    merged = _without_empty_maps(merged)
    difference = differ(with_zeros(kind, live, merged), merged, schema)
    taken = frozenset(difference.written - difference.empty)
    conflicts = _conflicts(others, taken)
    if conflicts and not force:
        allowed = _applied_by_the_client(live or {}, schema) if manager == KUBECTL else frozenset()
        # Their order is the fields': what is left is what the client-side apply did not say.
        conflicts = _conflicts(others, taken - allowed)
        if conflicts:
            raise ApplyConflict(conflicts)
    lost = taken | difference.removed
    settled: Holdings = {w: Holding(h.fields - lost, h.time) for w, h in others.items()}
    # Whoever asks for what is there already has not written it at any time.
    settled[writer] = Holding(fields, rfc3339(now) if difference else before.time)
    if manager == KUBECTL and LAST_APPLIED in annotations_of(live or {}):
        meta = merged["metadata"]
        said = {LAST_APPLIED: _as_last_applied(wanted)}
        merged = {**merged, "metadata": {**meta, "annotations": {**meta["annotations"], **said}}}
    return write(merged, settled)


def _applied_by_the_client(live: Obj, schema: Schema) -> Fields:
    """Fields that `kubectl apply` set before it applied on the server, and that nobody has changed since: they are its own,
    whatever managedFields call it. What Kubernetes does for who moves from one to the other."""
    try:
        last = orjson.loads(annotations_of(live).get(LAST_APPLIED) or "{}")
    except orjson.JSONDecodeError:
        return frozenset()
    if not isinstance(last, dict):
        return frozenset()
    present = flatten(live, schema)
    found = flatten(last, schema)
    return frozenset(f for f, value in found.items() if f in present and present[f] == value)


def _as_last_applied(wanted: Obj) -> str:
    """The configuration as `kubectl apply` keeps it, so that going back to it finds what was applied last."""
    return f"{orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()}\n"


def _configuration(kind: AnyKind, config: Any, subresource: str) -> Obj:
    """What the manager wants, without nulls and without what is not its business."""
    if not isinstance(config, dict):
        raise BadPatch("an applied configuration is an object")
    version, named = config.get("apiVersion", ""), config.get("kind", "")
    if (version, named) != (kind.api_version, kind.kind):
        group, _, bare = f"/{version}".rpartition("/")
        raise BadPatch(f"invalid object type: {group.lstrip('/')}/{bare}, Kind={named}")
    meta = config.get("metadata", {})
    if not isinstance(meta, dict):
        raise BadPatch("invalid object: metadata is not an object")
    if meta.get("managedFields"):
        raise BadPatch("metadata.managedFields must be nil")
    wanted: Obj = drop_nulls(config)
    if subresource == "status":
        named = {k: v for k, v in meta.items() if k in _OWN_META}
        return {k: v for k, v in wanted.items() if k in ("apiVersion", "kind", "status")} | {
            "metadata": named
        }
    if kind.status:
        wanted.pop("status", None)
    return wanted


def _holdings(kind: AnyKind, live: Obj | None, now: datetime) -> Holdings:
    """An object that was never tracked belongs to whoever wrote it before the first apply."""
    if live is None:
        return {}
    found = read(live)
    if not found:
        fields = differ(with_zeros(kind, None, live), live, schema_of(kind)).written
        writer = Writer("Update", BEFORE_FIRST_APPLY, kind.api_version)
        found[writer] = Holding(frozenset(fields), rfc3339(now))
    return found


def _conflicts(others: Holdings, taken: Fields) -> tuple[FieldConflict, ...]:
    found = [
        FieldConflict(holding.describe(writer), show(field))
        for writer, holding in others.items()
        for field in holding.fields & taken
    ]
    return tuple(sorted(found))


def _removals(gone: Fields, kept: Fields) -> list[Field]:
    """What to take away, each as high up as nothing is kept below it: a struct goes with what was defaulted inside."""
    needed = {field[:length] for field in kept for length in range(1, len(field) + 1)}
    needed.add(("f:metadata",))  # holds what is nobody's and must stay
    needed.update(("f:metadata", f"f:{name}") for name in _SHARED_MAPS)
    tops = set()
    for field in gone:
        for length in range(1, len(field) + 1):
            if field[:length] not in needed:
                tops.add(field[:length])
                break
    return sorted(tops)


def _without_empty_maps(obj: Obj) -> Obj:
    meta = obj.get("metadata") or {}
    kept = {name: value for name, value in meta.items() if value or name not in _SHARED_MAPS}
    return obj if len(kept) == len(meta) else {**obj, "metadata": kept}


def _remove(value: Any, field: Field, schema: Schema, at: Path) -> Any:
    """`value` without `field`, which may be gone already."""
    step, rest = field[0], field[1:]
    if step.startswith("f:"):
        name = step[2:]
        if not isinstance(value, dict) or name not in value:
            return value
        if not rest:
            return {k: v for k, v in value.items() if k != name}
        return {**value, name: _remove(value[name], rest, schema, (*at, name))}
    rule = schema.list_rule(at)
    elements = list_elements(value, rule, at) if isinstance(value, list) and rule else None
    if elements is None or step not in elements:
        return value
    if not rest:
        return [item for e, item in elements.items() if e != step]
    if rule is not None and rest[0][2:] in rule.keys:
        return value  # an item keeps its key as long as it is there
    return [_remove(item, rest, schema, at) if e == step else item for e, item in elements.items()]

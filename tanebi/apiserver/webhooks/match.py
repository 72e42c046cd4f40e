"""Which webhooks concern a write. Pure.

Behaviour: k8s.io/apiserver pkg/admission/plugin/webhook predicates and generic. Caller: tanebi.apiserver.webhooks.hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from tanebi.api.kind import AnyKind, Operation
from tanebi.api.meta import Key, Obj, labels_of
from tanebi.api.selectors import from_object
from tanebi.apiserver.cel import CannotEvaluate, Expression
from tanebi.apiserver.user import User
from tanebi.apiserver.webhooks.rules import VARIABLES

# Kubernetes asks no webhook about webhooks: a broken one could never be taken away.
EXEMPT: Final = frozenset(
    (
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    )
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write, as far as webhooks may know it. `old` is None for what is new; `options` is CreateOptions or the like.

    A connection (CONNECT) is about the options of its subresource, whose kind is `shown_as`.
    """

    kind: AnyKind
    operation: Operation
    key: Key
    user: User
    subresource: str = ""
    old: Obj | None = None
    options: Mapping[str, Any] | None = None
    dry_run: bool = False
    shown_as: str = ""


def matched_as(hook: Obj, attempt: Attempt, versions: Iterable[AnyKind]) -> AnyKind | None:
    """The kind in the version that the webhook is to see it in; None when its rules do not name this write.

    `versions` are all versions of the resource: with matchPolicy Equivalent a rule for one of them is for all.
    """
    rules = [r for r in hook.get("rules") or () if _operation_and_scope(r, attempt)]
    if any(_names(rule, attempt.kind, attempt.subresource) for rule in rules):
        return attempt.kind
    if hook.get("matchPolicy") == "Exact":
        return None
    for kind in versions:
        if any(_names(rule, kind, attempt.subresource) for rule in rules):
            return kind
    return None


def _operation_and_scope(rule: Obj, attempt: Attempt) -> bool:
    operations = rule.get("operations") or ()
    if "*" not in operations and attempt.operation not in operations:
        return False
    scope = rule.get("scope", "*")
    return bool(scope == "*" or (scope == "Namespaced") == attempt.kind.namespaced)


def _names(rule: Obj, kind: AnyKind, subresource: str) -> bool:
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if not {"*", kind.group} & set(groups) or not {"*", kind.version} & set(versions):
        return False
    wanted = {"*/*", f"{kind.plural}/*", f"*/{subresource}" if subresource else "*"}
    wanted.add(f"{kind.plural}/{subresource}" if subresource else kind.plural)
    return not wanted.isdisjoint(rule.get("resources") or ())


def selected(hook: Obj, attempt: Attempt, obj: Obj | None, space: Obj | None) -> bool:
    """Do the webhook's selectors hold? `space` is the namespace of the object, if it has one and it is there."""
    if attempt.kind.namespaced or (attempt.kind.kind == "Namespace" and attempt.kind.builtin):
        about = space if attempt.kind.namespaced else obj or attempt.old
        if not _holds(hook.get("namespaceSelector"), about):
            return False
    chosen = hook.get("objectSelector")
    return not chosen or any(_holds(chosen, one) for one in (obj, attempt.old) if one is not None)


def _holds(selector: Obj | None, obj: Obj | None) -> bool:
    return True if not selector else from_object(selector).matches(labels_of(obj or {}))


def conditions_hold(hook: Obj, given: Mapping[str, Any]) -> bool:
    """All matchConditions. One that is false decides; otherwise one that fails raises CannotEvaluate."""
    failed: CannotEvaluate | None = None
    for one in hook.get("matchConditions") or ():
        try:
            if not _expression(one["expression"]).holds(given):
                return False
        except CannotEvaluate as error:
            failed = CannotEvaluate(f'match condition "{one["name"]}": {error}')
    if failed is not None:
        raise failed
    return True


@lru_cache(maxsize=512)
def _expression(source: str) -> Expression:
    return Expression(source, variables=VARIABLES)

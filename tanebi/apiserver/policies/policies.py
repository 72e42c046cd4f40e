"""The policies in force, asked about each write: those that a binding names, with the parameters that it gives.

Caller: tanebi.apiserver.webhooks.hooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tanebi.api.core.kinds import NAMESPACE
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Key, Obj, labels_of
from tanebi.api.selectors import from_object
from tanebi.apiserver.policies.judging import Failure, denial, failures, warning
from tanebi.apiserver.policies.types import BINDING, POLICY
from tanebi.apiserver.store import Store
from tanebi.apiserver.webhooks.match import EXEMPT, Attempt, matched_as, selected
from tanebi.apiserver.webhooks.review import request_of
from tanebi.base.log import get_logger

log: Final = get_logger("apiserver.policies")


class Policies:
    """What administrators allow, by rules in CEL."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds

    @property
    def any(self) -> bool:
        """False, most of the time."""
        return bool(self._store.count(BINDING.resource))

    def check(self, attempt: Attempt, obj: Obj | None) -> list[str]:
        """Returns warnings. Raises ApiError, the first refusal there is."""
        warnings: list[str] = []
        if attempt.kind.resource in EXEMPT:
            return warnings
        for entry in self._store.list(BINDING.resource):
            binding = entry.obj["spec"]
            policy = self._store.get(POLICY.resource, Key("", str(binding["policyName"])))
            if policy is None:
                continue
            names = (str(binding["policyName"]), str(entry.obj["metadata"]["name"]))
            actions = binding.get("validationActions") or ()
            for failure in self._failures(policy.obj["spec"], binding, attempt, obj):
                if "Deny" in actions:
                    raise denial(attempt.kind.resource, attempt.key.name, *names, failure)
                if "Warn" in actions:
                    warnings.append(warning(*names, failure))
                if "Audit" in actions:
                    log.info("policy", policy=names[0], binding=names[1], why=failure.message)
        return warnings

    def _failures(
        self, spec: Obj, binding: Obj, attempt: Attempt, obj: Obj | None
    ) -> Iterator[Failure]:
        seen_as = self._matched(spec.get("matchConstraints") or {}, attempt, obj)
        if seen_as is None:
            return
        own = binding.get("matchResources")
        if own and self._matched(own, attempt, obj, whole="resourceRules" not in own) is None:
            return
        params = self._params(spec.get("paramKind"), binding.get("paramRef"), attempt)
        if params is None:
            if spec.get("failurePolicy") != "Ignore":
                text = "no params found for policy binding with `Deny` parameterNotFoundAction"
                yield Failure(f"failed to configure binding: {text}")
            return
        request = request_of(attempt, seen_as, obj, "")
        space = self._store.get(NAMESPACE.resource, Key("", attempt.key.namespace))
        given: dict[str, Any] = {
            "object": request["object"],
            "oldObject": request["oldObject"],
            "request": request,
            "namespaceObject": space.obj if space else None,
        }
        for param in params:
            yield from failures(spec, {**given, "params": param})

    def _matched(
        self, match: Obj, attempt: Attempt, obj: Obj | None, *, whole: bool = False
    ) -> AnyKind | None:
        """The kind to see the object as; None when the write is not meant. `whole`: no rules mean every resource."""
        versions = [kind for kind in self._kinds if kind.resource == attempt.kind.resource]
        space = self._store.get(NAMESPACE.resource, Key("", attempt.key.namespace))
        if not selected(match, attempt, obj, space.obj if space else None):
            return None
        left_out = _named(match.get("excludeResourceRules"), attempt)
        if matched_as({**match, "rules": left_out}, attempt, versions) is not None:
            return None
        if whole:
            return attempt.kind
        wanted = _named(match.get("resourceRules"), attempt)
        return matched_as({**match, "rules": wanted}, attempt, versions)

    def _params(
        self, kind: Obj | None, ref: Obj | None, attempt: Attempt
    ) -> list[Obj | None] | None:
        """None: there are none, and that is a refusal."""
        if not kind or not ref:
            return [None]
        found = self._kinds.of(str(kind.get("apiVersion")), str(kind.get("kind")))
        candidates: list[Obj] = []
        if found is not None:
            namespace = (ref.get("namespace") or attempt.key.namespace) if found.namespaced else ""
            if name := ref.get("name"):
                entry = self._store.get(found.resource, Key(str(namespace), str(name)))
                candidates = [entry.obj] if entry is not None else []
            else:
                chosen = from_object(ref.get("selector") or {})
                stored = self._store.list(found.resource, namespace if found.namespaced else None)
                candidates = [e.obj for e in stored if chosen.matches(labels_of(e.obj))]
        if candidates:
            return list(candidates)
        return [] if ref.get("parameterNotFoundAction") == "Allow" else None


def _named(rules: list[Obj] | None, attempt: Attempt) -> list[Obj]:
    """The rules that do not name other objects than this one."""
    return [
        rule
        for rule in rules or ()
        if not rule.get("resourceNames") or attempt.key.name in rule["resourceNames"]
    ]

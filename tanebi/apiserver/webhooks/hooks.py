"""The round of webhooks about one write: mutating ones one after the other, validating ones all at once.

Behaviour: k8s.io/apiserver pkg/admission/plugin/webhook mutating and validating. Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import anyio

from tanebi.api.core.kinds import NAMESPACE
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.cel import CannotEvaluate
from tanebi.apiserver.policies.policies import Policies
from tanebi.apiserver.store import Store
from tanebi.apiserver.webhooks.caller import Caller, CallFailed
from tanebi.apiserver.webhooks.match import EXEMPT, Attempt, conditions_hold, matched_as, selected
from tanebi.apiserver.webhooks.review import (
    BadReview,
    Verdict,
    answer,
    denial,
    patched,
    question,
    request_of,
)
from tanebi.apiserver.webhooks.types import MUTATING, VALIDATING
from tanebi.base.log import get_logger
from tanebi.base.rng import Rng, new_uid
from tanebi.kube.errors import ApiError, BadRequest, Forbidden, ServerError

log: Final = get_logger("apiserver.webhooks")


@dataclass(slots=True)
class Round:
    """What the mutating webhooks made of an object."""

    obj: Obj
    changed: bool = False
    warnings: list[str] = field(default_factory=list)


class Hooks:
    """Asks the webhooks that the store's configurations name. Close with `aclose`."""

    def __init__(self, store: Store, kinds: Kinds, rng: Rng) -> None:
        self._store = store
        self._kinds = kinds
        self._rng = rng
        self._caller = Caller(store)
        self._policies = Policies(store, kinds)

    async def aclose(self) -> None:
        await self._caller.aclose()

    @property
    def any(self) -> bool:
        """False, most of the time: there are no webhooks at all, and no policies."""
        stored = self._store.count(MUTATING.resource) or self._store.count(VALIDATING.resource)
        return bool(stored) or self._policies.any

    async def mutate(self, attempt: Attempt, obj: Obj | None) -> Round:
        """Ask every mutating webhook that the write concerns. Raises ApiError."""
        result = Round(obj or {})
        asked: list[
            tuple[Obj, int]
        ] = []  # webhook, and how many changes there had been when it was asked
        changes = 0
        for hook in self._hooks(MUTATING, attempt):
            if await self._mutated(hook, attempt, result, new=obj is not None):
                changes += 1
            asked.append((hook, changes))
        for hook, seen in asked:
            if hook.get("reinvocationPolicy") == "IfNeeded" and seen < changes:
                await self._mutated(hook, attempt, result, new=obj is not None)
        return result

    async def _mutated(self, hook: Obj, attempt: Attempt, result: Round, *, new: bool) -> bool:
        """Ask one webhook; True when it changed the object."""
        seen_as = self._concerned(hook, attempt, result.obj if new else None)
        if seen_as is None:
            return False
        verdict = await self._ask(hook, attempt, seen_as, result.obj if new else None)
        if verdict is None:
            return False
        result.warnings += verdict.warnings
        if verdict.patch is None or not new or attempt.shown_as:
            return False
        try:
            after = patched(result.obj, verdict.patch, seen_as, attempt.kind)
        except BadReview as error:
            _failed(hook, str(error))
            return False
        before, result.obj = result.obj, after
        result.changed = result.changed or after != before
        return after != before

    async def validate(self, attempt: Attempt, obj: Obj | None) -> list[str]:
        """Ask the policies, then every validating webhook that the write concerns; returns warnings. Raises ApiError."""
        warnings = self._policies.check(attempt, obj) if self._policies.any else []
        refused: dict[int, ApiError] = {}

        async def one(index: int, hook: Obj, seen_as: AnyKind) -> None:
            try:
                verdict = await self._ask(hook, attempt, seen_as, obj)
                warnings.extend(verdict.warnings if verdict else ())
            except ApiError as error:
                refused[index] = error

        async with anyio.create_task_group() as group:
            for index, hook in enumerate(self._hooks(VALIDATING, attempt)):
                seen_as = self._concerned(hook, attempt, obj)
                if seen_as is not None:
                    group.start_soon(one, index, hook, seen_as)
        if refused:
            raise refused[min(refused)]
        return warnings

    def _hooks(self, kind: AnyKind, attempt: Attempt) -> Iterator[Obj]:
        if attempt.kind.resource not in EXEMPT:
            for entry in self._store.list(kind.resource):
                yield from entry.obj.get("webhooks") or ()

    def _concerned(self, hook: Obj, attempt: Attempt, obj: Obj | None) -> AnyKind | None:
        """The kind to ask as, or None. Raises Forbidden, BadRequest."""
        resource = attempt.kind.resource
        versions = [kind for kind in self._kinds if kind.resource == resource]
        seen_as = matched_as(hook, attempt, versions)
        if seen_as is None:
            return None
        space = self._store.get(NAMESPACE.resource, Key("", attempt.key.namespace))
        if not selected(hook, attempt, obj, space.obj if space else None):
            return None
        request = request_of(attempt, seen_as, obj, "")
        given = {"object": request["object"], "oldObject": request["oldObject"], "request": request}
        try:
            if not conditions_hold(hook, given):
                return None
        except CannotEvaluate as error:
            if hook.get("failurePolicy") == "Ignore":
                return None
            raise Forbidden(f"{resource} {attempt.key.name!r} is forbidden: {error}") from error
        if attempt.dry_run and hook.get("sideEffects") not in ("None", "NoneOnDryRun"):
            raise BadRequest(f'admission webhook "{hook["name"]}" does not support dry run')
        return seen_as

    async def _ask(
        self, hook: Obj, attempt: Attempt, seen_as: AnyKind, obj: Obj | None
    ) -> Verdict | None:
        """None when it failed and may. Raises ApiError."""
        uid = new_uid(self._rng)
        body = question(request_of(attempt, seen_as, obj, uid))
        try:
            raw = await self._caller.ask(hook["clientConfig"], body, int(hook["timeoutSeconds"]))
            verdict = answer(raw, uid)
        except CallFailed as error:
            _failed(hook, f"failed to call webhook: {error}")
            return None
        except BadReview as error:
            _failed(hook, f"received invalid webhook response: {error}")
            return None
        if not verdict.allowed:
            raise denial(str(hook["name"]), verdict)
        return verdict


def _failed(hook: Obj, why: str) -> None:
    """Raises ServerError, unless the webhook may fail."""
    message = f'failed calling webhook "{hook["name"]}": {why}'
    if hook.get("failurePolicy") == "Ignore":
        log.warning("webhook ignored", webhook=hook["name"], error=why)
        return
    raise ServerError(
        f"Internal error occurred: {message}", details={"causes": [{"message": message}]}
    )

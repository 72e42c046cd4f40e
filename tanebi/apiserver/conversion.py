"""Objects of user-defined kinds in the version that is asked for, where a webhook converts between versions.

Reading is synchronous everywhere else, so whoever reads such a kind asks `ready` first: one question for all that need it.
Callers: tanebi.apiserver.objects, rest, scale, watch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.definitions.conversion import BadConversion, answer, question
from tanebi.apiserver.editions import is_ready, keep
from tanebi.apiserver.history import Entry
from tanebi.apiserver.store import Store
from tanebi.apiserver.webhooks.caller import Caller, CallFailed
from tanebi.base.rng import Rng, new_uid
from tanebi.kube.errors import ServerError

TIMEOUT_S: Final = 30
AT_ONCE: Final = 500  # objects in one question


class Conversions:
    """Asks the webhooks that definitions name. Close with `aclose`."""

    def __init__(self, store: Store, rng: Rng) -> None:
        self._caller = Caller(store)
        self._rng = rng

    async def aclose(self) -> None:
        await self._caller.aclose()

    async def ready(self, kind: AnyKind, entries: Iterable[Entry]) -> None:
        """Let editions.shown know each of `entries` as `kind`. Raises ServerError."""
        if kind.converter is None:
            return
        missing = [entry for entry in entries if not is_ready(kind, entry)]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            objects = [orjson.loads(entry.body) for entry in some]
            converted = await self._converted(kind, objects, kind.api_version)
            for entry, obj in zip(some, converted, strict=True):
                keep(kind, entry, obj)

    async def stored(self, kind: AnyKind, obj: Obj) -> Obj:
        """`obj`, which is in the version of `kind`, in the one that is stored. Raises ServerError."""
        if kind.converter is None or kind.stored_as == kind.api_version:
            return obj
        (converted,) = await self._converted(kind, [obj], kind.stored_as)
        return converted

    async def _converted(self, kind: AnyKind, objects: list[Obj], wanted: str) -> list[Obj]:
        assert kind.converter is not None
        uid = new_uid(self._rng)
        try:
            body = question(objects, wanted, uid)
            said = await self._caller.ask(dict(kind.converter), body, TIMEOUT_S)
            return answer(said, uid, objects, wanted)
        except (CallFailed, BadConversion) as error:
            described = f"{objects[0]['apiVersion']}, Kind={kind.kind}"
            raise ServerError(
                f"conversion webhook for {described} failed: {error}",
            ) from error

"""The schema of one version of a user-defined kind, as the rest of the server asks for it. Pure.

Implements tanebi.api.kind.Structure. Caller: tanebi.apiserver.definitions.kinds.
"""

from __future__ import annotations

from typing import Final

from tanebi.api.meta import Obj
from tanebi.apiserver.structural import validate, walk
from tanebi.apiserver.structural.rules import Rules

_UNASKED: Final = (
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing '
    "errors to complete validation"
)
_FORMLESS: Final = frozenset(
    f"FieldValue{what}"
    for what in ("NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid")
)


class Structural:
    """`schema` is fit (tanebi.apiserver.structural.check) and never changed."""

    def __init__(self, schema: Obj) -> None:
        self.schema = schema
        self._rules = Rules(schema)

    def prune(self, obj: Obj) -> list[str]:
        return sorted(walk.prune(self.schema, obj, root=True))

    def complete(self, obj: Obj) -> None:
        meta, obj["metadata"] = obj["metadata"], {}  # it is the server's business
        walk.complete(self.schema, obj)
        obj["metadata"] = meta

    def problems(self, obj: Obj, old: Obj | None) -> list[Obj]:
        """Rules in CEL are asked only of what has the right form: a value that is merely too big has it."""
        found = validate.problems(self.schema, obj)
        if any(problem["reason"] in _FORMLESS for problem in found):
            unasked = {"reason": "FieldValueInvalid", "message": _UNASKED, "field": "<nil>"}
            return [*found, unasked] if self._rules.any else found
        return [*found, *self._rules.problems(obj, old)]

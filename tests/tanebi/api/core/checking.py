"""How the rules of built-in kinds are asked in tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission, AnyKind
from tanebi.api.meta import Obj

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY: Any = None


def complete(kind: AnyKind, obj: Obj, old: Obj | None = None) -> Obj:
    obj.setdefault("metadata", {"name": "x", "namespace": "ns", "uid": "u"})
    return kind.defaults(obj, old, Admission("CREATE", "me", NOW, NOBODY))


def problems(kind: AnyKind, obj: Obj, old: Obj | None = None) -> str:
    """What is said about the completed object, as an update of `old` if that is given."""
    done = complete(kind, obj, old)
    admission = Admission("UPDATE" if old else "CREATE", "me", NOW, NOBODY)
    return render(kind.validate(kind.view(done), kind.view(old) if old else None, admission))


def cells(kind: AnyKind, obj: Obj) -> dict[str, Any]:
    return {c.name: c.cell(obj, NOW) for c in kind.columns if c.cell is not None}

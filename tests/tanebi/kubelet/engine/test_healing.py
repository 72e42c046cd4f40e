"""What is half removed, and whose it is."""

from __future__ import annotations

from typing import cast

import pytest

from tanebi.api.meta import Obj
from tanebi.base.clock import SystemClock
from tanebi.kubelet.engine import healing
from tanebi.kubelet.engine.client import EngineClient
from tanebi.kubelet.engine.errors import EngineError
from tanebi.kubelet.engine.spec import PLATFORM_LABEL

pytestmark = pytest.mark.anyio


class Engine:
    """One that shows these containers as half removed, the first time and from then on."""

    def __init__(self, *looks: list[Obj], fails: bool = False) -> None:
        self.looks = list(looks)
        self.removed: list[str] = []
        self._fails = fails

    async def half_removed(self) -> list[Obj]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    async def remove(self, container: str) -> None:
        self.removed.append(container)
        if self._fails:
            raise EngineError(500, "busy")


def made(id_: str, **labels: str) -> Obj:
    return {"Id": id_, "Names": [f"/{id_}"], "Labels": labels or None}


OURS = made("ours", **{PLATFORM_LABEL: "p"})


@pytest.mark.parametrize(
    ("engine", "removed", "count"),
    [
        (Engine([]), [], 0),
        (Engine([OURS]), ["ours"], 1),
        (Engine([OURS], []), [], 0),
        (Engine([made("x")], [made("x"), OURS]), [], 0),
        (Engine([OURS, made("strange")]), ["ours"], 1),
        (Engine([OURS], fails=True), ["ours"], 0),
    ],
    ids=["none", "ours", "removed meanwhile", "removed just now", "a stranger's", "stays"],
)
async def test_ours_are_removed(
    engine: Engine, removed: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healing, "AGAIN_S", 0.0)
    assert await healing.heal(cast(EngineClient, engine), SystemClock()) == count
    assert engine.removed == removed

"""Removing a pod's object, whatever the API says meanwhile."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.kube.errors import NotFound, Unreachable
from tanebi.kubelet.removal import remove
from tanebi.testing.clock import FakeClock

pytestmark = pytest.mark.anyio

META = {"name": "p", "namespace": "ns", "uid": "u"}


class Api:
    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked: list[dict[str, Any]] = []

    async def delete(self, kind: Any, ns: str, name: str, **options: Any) -> None:
        self.asked.append(options)
        if self.failures:
            raise self.failures.pop(0)


async def test_it_is_tried_until_it_is_told_or_gone() -> None:
    api: Any = Api(Unreachable("nobody"), NotFound("gone"))
    clock = FakeClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(remove, api, clock, POD.view({"metadata": META}), anyio.Event())
        while len(api.asked) < 2:
            await anyio.lowlevel.checkpoint()
            clock.advance(1)
    assert api.asked == [{"uid": "u", "grace_s": 0}] * 2


async def test_somebody_else_removed_it() -> None:
    api: Any = Api()
    gone = anyio.Event()
    gone.set()
    await remove(api, FakeClock(), POD.view({"metadata": META}), gone)
    assert api.asked == []

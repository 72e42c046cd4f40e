"""A server on a store in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.rng import system_rng
from tanebi.testing.clock import FakeClock
from tests.tanebi.apiserver.calling import KINDS, SHOP, Api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Everything but the collectors."""
    store = Store.open(Path(":memory:"))
    clock = FakeClock()
    server = ApiServer(store, KINDS, (SHOP,), clock=clock, rng=system_rng(1))
    await bootstrap(server, (SHOP,))
    yield Api(server, store, clock)
    store.close()


@pytest.fixture
async def running(api: Api) -> AsyncIterator[Api]:
    """With the collectors."""
    async with anyio.create_task_group() as group:
        await group.start(api.server.run)
        yield api
        group.cancel_scope.cancel()

"""A kubelet without a data plane beside it."""

from __future__ import annotations

import pytest

from tanebi.kubelet.drain import Drain, NoDrain

pytestmark = pytest.mark.anyio


async def test_nothing_is_waited_for() -> None:
    drain: Drain = NoDrain()
    await drain.drained(("127.0.0.1", 1), deadline_s=1000)

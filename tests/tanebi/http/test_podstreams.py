"""Each address by its version."""

from __future__ import annotations

import pytest

from tanebi.base.clock import SystemClock
from tanebi.http.podstreams import PodWays
from tanebi.http.upstream import Upstreams
from tanebi.testing.h2 import H2App, serving_h2
from tanebi.testing.http import answering, ok, serving

pytestmark = pytest.mark.anyio


async def test_an_address_speaks_what_somebody_says_it_does() -> None:
    clock = SystemClock()
    ways = PodWays(clock, Upstreams(clock))
    async with serving_h2(H2App()) as new, serving(answering(lambda h, b: ok(b""))) as old:
        ways.speaks_h2(new, True)
        ways.speaks_h2(new, True)
        ways.speaks_h2(new, False)  # another one still says so
        assert not (await ways.dial(new)).raw_heads
        assert (await ways.dial(old)).raw_heads
        assert ways.take(new) is not None
        assert ways.take(old) is None
        ways.speaks_h2(new, False)
        assert ways.take(new) is None
        ways.close()

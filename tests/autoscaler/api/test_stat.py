from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from autoscaler.api.stat import Stat
from tanebi.api.meta import Key


def test_a_stat_is_a_value() -> None:
    stat = Stat(Key("n", "r"), 1.5, 2.0)
    assert stat == Stat(Key("n", "r"), concurrency=1.5, requests=2.0)
    with pytest.raises(FrozenInstanceError):
        stat.requests = 3.0  # type: ignore[misc]

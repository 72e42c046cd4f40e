"""The account of what a peer does."""

from __future__ import annotations

import pytest

from tanebi.http.h2.frames import Broken, Code
from tanebi.http.h2.limits import CALM_MAX, RESETS_MAX, RESETS_PER_TICK, Account


def test_work_earns_what_control_frames_spend() -> None:
    account = Account()
    for _ in range(3 * CALM_MAX):
        account.earn()
        account.spend()
    for _ in range(CALM_MAX):
        account.spend()
    with pytest.raises(Broken) as raised:
        for _ in range(10):
            account.spend()
    assert raised.value.code is Code.ENHANCE_YOUR_CALM


def test_resets_come_back_with_time() -> None:
    account = Account()
    for _ in range(RESETS_MAX):
        account.spend_reset()
    account.tick()
    for _ in range(RESETS_PER_TICK):
        account.spend_reset()
    with pytest.raises(Broken):
        account.spend_reset()


def test_nothing_is_saved_beyond_the_maximum() -> None:
    account = Account()
    for _ in range(100):
        account.tick()
    assert (account.calm, account.resets) == (CALM_MAX, RESETS_MAX)

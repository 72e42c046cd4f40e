"""Waiting in tests: a predicate and a deadline, never a sleep and a hope."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

T = TypeVar("T")

POLL_S: Final = 0.005


async def wait_until(
    predicate: Callable[[], T | Awaitable[T]], timeout_s: float = 5.0, *, what: str = ""
) -> T:
    """The first truthy value of `predicate`. Raises AssertionError after `timeout_s`, with `what` in its text."""
    last: T | None = None
    with anyio.move_on_after(timeout_s):
        while True:
            found = predicate()
            last = await found if inspect.isawaitable(found) else found
            if last:
                return last
            await anyio.sleep(POLL_S)
    raise AssertionError(
        f"not within {timeout_s} s: {what or repr(predicate)} (last value: {last!r})"
    )

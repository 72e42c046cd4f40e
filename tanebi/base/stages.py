"""One task tree, built floor by floor and taken down in the reverse order.

Each part runs in a task group of its own inside the groups of the parts it stands on. Leaving the stages cancels the newest part,
waits for its end, then goes on to the one below: whatever a part needs is there until it has stopped. When a part fails, the
others are taken down in the same order and its error comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

import anyio


class Stages:
    """`async with Stages() as stages: await stages.start(part.run)`."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Stages:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, trace)

    async def start(self, run: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        """Return once the part reports that it has started. Its failure, now or later, ends all stages."""
        group = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(group.cancel_scope.cancel)
        await group.start(run)

    def at_end(self, callback: Callable[[], Any]) -> None:
        """Run `callback` when what was started before it is still up, and what comes after it is down."""
        self._stack.callback(callback)


def first_cause(error: BaseException) -> BaseException:
    """The first error inside nested groups: what to tell a person."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

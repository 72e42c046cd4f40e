from __future__ import annotations

from typing import Any

import anyio
import pytest

from tanebi.base.errors import Unavailable
from tanebi.cli.platform import Access, access
from tanebi.cli.podwatch import until_gone
from tanebi.cli.websocket import Door
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import pod, running

pytestmark = pytest.mark.anyio


async def made(shell: Shell, ns: str) -> tuple[Door, dict[str, Any]]:
    """A pod that runs, and the way to it."""

    def make() -> dict[str, Any]:
        api, name = shell.api, running(shell, pod("one", ns))
        found: dict[str, Any] = api.get(f"/api/v1/namespaces/{ns}/pods/{name}")
        api.close()
        return found

    return Door(access(shell.home), shell.home), await anyio.to_thread.run_sync(make)


async def test_its_end_is_seen(shell: Shell, ns: str) -> None:
    door, seen = await made(shell, ns)
    over = anyio.Event()

    async def watch() -> None:
        await until_gone(door, seen)
        over.set()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await anyio.wait_all_tasks_blocked()
            assert not over.is_set()
            path = f"/api/v1/namespaces/{ns}/pods/one"
            await anyio.to_thread.run_sync(shell.set_status, path, {"phase": "Failed"})
        assert over.is_set()


async def test_an_end_before_the_watch_and_another_of_the_name(shell: Shell, ns: str) -> None:
    door, seen = await made(shell, ns)
    await anyio.to_thread.run_sync(lambda: shell.good("delete", "pod", "one", "-n", ns))
    again, new = await made(shell, ns)
    with anyio.fail_after(10):
        await until_gone(door, seen)
        old = {**new, "metadata": {**new["metadata"], "resourceVersion": "1"}}
        async with anyio.create_task_group() as tasks:  # too old a version is no end
            tasks.start_soon(until_gone, again, old)
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(lambda: shell.good("delete", "pod", "one", "-n", ns))


async def test_the_end_of_the_platform(shell: Shell, ns: str) -> None:
    _, seen = await made(shell, ns)
    good = access(shell.home)
    nowhere = Door(Access("https://127.0.0.1:1", good.ca_pem, good.token), shell.home)
    with pytest.raises(Unavailable, match="no platform is running"):
        await until_gone(nowhere, seen)

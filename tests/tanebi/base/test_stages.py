import anyio
import pytest
from anyio.abc import TaskStatus

from tanebi.base.stages import Stages, first_cause
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Part:
    def __init__(self, name: str, log: list[str], *, fails: bool = False) -> None:
        self.name, self.log, self.fails = name, log, fails
        self.go = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        self.log.append(f"{self.name} up")
        task_status.started()
        try:
            await self.go.wait()
            if self.fails:
                raise ValueError(self.name)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                self.log.append(f"{self.name} down")


async def test_parts_go_down_in_the_reverse_order() -> None:
    log: list[str] = []
    async with Stages() as stages:
        await stages.start(Part("ground", log).run)
        stages.at_end(lambda: log.append("between"))
        await stages.start(Part("top", log).run)
    assert log == ["ground up", "top up", "top down", "between", "ground down"]


async def test_a_failing_part_takes_the_others_down_and_is_named() -> None:
    log: list[str] = []
    ground = Part("ground", log, fails=True)
    with pytest.raises(BaseExceptionGroup) as raised:
        async with Stages() as stages:
            await stages.start(ground.run)
            await stages.start(Part("top", log).run)
            ground.go.set()
            await wait_until(lambda: False, 5)
    assert isinstance(first_cause(raised.value), ValueError)
    assert log[-1] in ("top down", "ground down")
    assert {"top down", "ground down"} <= set(log)


async def test_a_part_that_cannot_start_is_named() -> None:
    async def broken(*, task_status: TaskStatus[None]) -> None:
        raise OSError("port taken")

    with pytest.raises(BaseException) as raised:
        async with Stages() as stages:
            await stages.start(broken)
    assert str(first_cause(raised.value)) == "port taken"

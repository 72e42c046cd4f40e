import pytest

from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


async def test_the_value_is_returned_once_it_is_there() -> None:
    seen: list[int] = []

    def grow() -> int:
        seen.append(1)
        return len(seen) if len(seen) >= 3 else 0

    assert await wait_until(grow) == 3


async def test_coroutines_are_awaited() -> None:
    async def ready() -> str:
        return "yes"

    assert await wait_until(ready) == "yes"


async def test_the_deadline_names_what_was_awaited() -> None:
    with pytest.raises(AssertionError, match=r"not within 0.02 s: the moon \(last value: False\)"):
        await wait_until(lambda: False, 0.02, what="the moon")

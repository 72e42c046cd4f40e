"""Who is attached sees what is printed from then on; who is slow is let go."""

from __future__ import annotations

import os

import anyio
import pytest

from tanebi.api.podstreams import STDERR, STDOUT, Output, Session, Wish
from tanebi.kubelet.attached import AHEAD_BYTES_MAX, CLIENTS_MAX, Console
from tanebi.kubelet.runtime import StartFailed

pytestmark = pytest.mark.anyio


async def heard(session: Session) -> list[Output]:
    with anyio.fail_after(5):
        return [piece async for piece in session.output()]


async def test_from_now_on_and_to_the_end() -> None:
    console = Console(None, terminal=False, once=False)
    console.printed("stdout", b"before")
    one, errors = console.attach(Wish()), console.attach(Wish(stdout=False))
    console.printed("stdout", b"a")
    console.printed("stderr", b"b")
    console.ended(4)
    assert await heard(one) == [(STDOUT, b"a"), (STDERR, b"b")]
    assert await heard(errors) == [(STDERR, b"b")]
    assert await one.wait() == 4
    late = console.attach(Wish())
    assert await heard(late) == []
    assert await late.wait() == 4


async def test_a_slow_client_is_let_go() -> None:
    console = Console(None, terminal=False, once=False)
    slow = console.attach(Wish())
    for _ in range(3):
        console.printed("stdout", bytes(AHEAD_BYTES_MAX // 2))
    with pytest.raises(OSError, match="slowly"):
        await heard(slow)


async def test_who_leaves_makes_room() -> None:
    console = Console(None, terminal=False, once=False)
    clients = [console.attach(Wish()) for _ in range(CLIENTS_MAX)]
    with pytest.raises(StartFailed):
        console.attach(Wish())
    await clients[0].close()
    console.attach(Wish())


@pytest.mark.parametrize("once", [False, True])
async def test_typing(once: bool) -> None:
    read, write = os.pipe()
    console = Console(write, terminal=False, once=once)
    watching, typing = console.attach(Wish()), console.attach(Wish(stdin=True))
    await watching.write(b"not mine to type")
    await watching.write_end()
    await typing.write(b"typed")
    await typing.resize(80, 24)  # there is no terminal: nothing happens
    await typing.write_end()
    await typing.close()
    assert os.read(read, 100) == b"typed"
    if once:
        assert os.read(read, 100) == b""
    console.ended(0)
    assert os.read(read, 100) == b""
    os.close(read)

"""Commands with their input and output connected: pipes and terminals, paces and ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tanebi.api.podstreams import STDERR, STDOUT, Session, Wish
from tanebi.kubelet.processsession import ProcessSession, spawn

pytestmark = pytest.mark.anyio

ENV = {"PATH": os.environ["PATH"]}
BOTH = Wish(stdin=True)


def shell(script: str, wish: Wish = BOTH) -> ProcessSession:
    return spawn(("sh", "-c", script), ENV, Path.cwd(), wish)


async def told(session: Session) -> dict[int, bytes]:
    found = {STDOUT: b"", STDERR: b""}
    with anyio.fail_after(20):
        async for channel, data in session.output():
            found[channel] += data
    return found


async def test_output_and_exit_code() -> None:
    session = shell("echo out; echo err >&2; exit 3")
    assert await told(session) == {STDOUT: b"out\n", STDERR: b"err\n"}
    assert await session.wait() == 3
    await session.close()


async def test_a_signal_is_128_and_its_number() -> None:
    session = shell("kill -9 $$")
    await told(session)
    assert await session.wait() == 137
    await session.close()


async def test_only_what_is_wished_is_connected() -> None:
    session = shell("cat; echo err >&2; echo out", Wish(stderr=False))
    assert await told(session) == {STDOUT: b"out\n", STDERR: b""}
    await session.close()


async def test_megabytes_through_a_command_at_its_pace() -> None:
    session, data = shell("cat"), os.urandom(3_000_000)

    async def write() -> None:
        await session.write(data)
        await session.write_end()
        await session.write_end()
        await session.write(b"nobody takes this")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        assert (await told(session))[STDOUT] == data
    assert await session.wait() == 0
    await session.close()


async def test_input_that_nobody_reads_is_dropped() -> None:
    session = shell("exit 0")
    assert await session.wait() == 0
    with anyio.fail_after(5):
        await session.write(bytes(1_000_000))
    await session.close()


async def test_a_child_that_keeps_the_pipe_does_not_keep_the_session() -> None:
    session = shell("sleep 30 & echo done")
    assert (await told(session))[STDOUT] == b"done\n"
    await session.close()
    os.killpg(session._process.pid, 9)


async def test_closing_ends_the_command() -> None:
    session = shell("sleep 60")
    with anyio.fail_after(5):
        await session.close()
    assert session._process.returncode == -9


async def test_a_terminal() -> None:
    session = shell(
        "tty; stty size; read line; echo got $line; echo err >&2", Wish(stdin=True, tty=True)
    )
    await session.resize(101, 33)
    await session.write(b"word\r")
    said = (await told(session))[STDOUT]
    assert said.startswith((b"/dev/pts/", b"word"))
    assert b"got word\r\n" in said
    assert b"err\r\n" in said
    assert await session.wait() == 0
    await session.close()


@pytest.fixture
def heeded() -> Iterator[None]:
    """As in a platform, which listens for Ctrl-C: what a shell started in the background has it ignored, and passes that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
async def test_ctrl_c_reaches_the_program_on_a_terminal() -> None:
    session = spawn(
        (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"),
        ENV,
        Path.cwd(),
        Wish(stdin=True, tty=True),
    )
    with anyio.fail_after(20):
        said = b""
        async for _, data in session.output():
            said += data
            if said == b"up\r\n":  # it comes in pieces
                await session.write(b"\x03")
        assert await session.wait() == 130
    await session.close()


@pytest.mark.parametrize("tty", [False, True])
def test_a_command_that_is_not_there(tty: bool) -> None:
    with pytest.raises(FileNotFoundError):
        spawn(("no-such-command",), ENV, Path.cwd(), Wish(tty=tty))

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import termios
from pathlib import Path

import anyio
import pytest

from tanebi.cli.terminal import Keyboard, is_terminal, raw, size_of, stdin_fd


@pytest.mark.anyio
async def test_a_pipe_is_waited_for() -> None:
    reader, writer = os.pipe()
    got: list[bytes] = []
    async with anyio.create_task_group() as tasks:

        async def read_all() -> None:
            while data := await Keyboard(reader).read():
                got.append(data)

        tasks.start_soon(read_all)
        await anyio.wait_all_tasks_blocked()
        os.write(writer, b"word")
        await anyio.wait_all_tasks_blocked()
        os.close(writer)
    os.close(reader)
    assert b"".join(got) == b"word"


@pytest.mark.anyio
async def test_files_devices_and_nothing_at_all(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 40_000)
    for path, expected in ((str(tmp_path / "f"), 40_000), (os.devnull, 0)):
        fd = os.open(path, os.O_RDONLY)
        keyboard, size = Keyboard(fd), 0
        while data := await keyboard.read():
            size += len(data)
        os.close(fd)
        assert size == expected
    assert await Keyboard(-1).read() == b""


def test_a_terminal_is_as_before_after_raw_mode() -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    assert is_terminal(theirs)
    assert size_of(theirs) == (80, 24)
    before = termios.tcgetattr(theirs)
    with pytest.raises(ZeroDivisionError), raw(theirs):
        assert not termios.tcgetattr(theirs)[3] & termios.ISIG
        raise ZeroDivisionError
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    assert not is_terminal(reader)
    assert size_of(reader) is None
    os.close(reader)
    os.close(writer)
    assert not is_terminal(-1)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert stdin_fd() == -1

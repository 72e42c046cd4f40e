"""Exec and attach as their client: channels both ways, and what a Status means."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import termios
from collections.abc import Iterator
from typing import Any

import pytest

from tanebi.apiserver.streaming import channels
from tanebi.apiserver.streaming.channels import ERROR, STDERR, STDOUT
from tanebi.base.errors import PeerError, TanebiError
from tanebi.cli.platform import access
from tanebi.cli.session import Ask, converse, outcome, receive_output
from tanebi.cli.terminal import Keyboard
from tanebi.cli.websocket import Door
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import pod, running


class Pieces:
    """A socket that has received these."""

    def __init__(self, *pieces: tuple[bytes, bool]) -> None:
        self._pieces = list(pieces)

    async def receive(self) -> tuple[bytes, bool] | None:
        return self._pieces.pop(0) if self._pieces else None


async def heard(*pieces: tuple[bytes, bool]) -> tuple[bytes | None, list[tuple[int, bytes]]]:
    printed: list[tuple[int, bytes]] = []
    socket: Any = Pieces(*pieces)
    status = await receive_output(socket, lambda channel, data: printed.append((channel, data)))
    return status, printed


@pytest.mark.anyio
async def test_messages_in_pieces() -> None:
    status, printed = await heard(
        (b"\1", True),
        (b"", False),
        (b"\1ab", False),
        (b"c", True),
        (b"\2x", True),
        (b"\7?", True),
        (b"\3{", False),
        (b"}", True),
        (b"\1never", True),
    )
    assert printed == [(STDOUT, b"ab"), (STDOUT, b"c"), (STDERR, b"x")]
    assert status == b"{}"


@pytest.mark.anyio
async def test_an_end_without_a_status_and_one_without_an_end() -> None:
    assert await heard((b"\1a", True), (b"\3", True)) == (None, [(STDOUT, b"a")])
    with pytest.raises(PeerError, match="length"):
        await heard((bytes((ERROR,)) + b"x" * 100_000, False))


def test_what_a_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(json.dumps(channels.ended(0)).encode()) == 0
    assert capsys.readouterr().err == ""
    assert outcome(json.dumps(channels.ended(137)).encode()) == 137
    assert capsys.readouterr().err == "command terminated with exit code 137\n"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (None, "stream-lost", "ended before the command did"),
        (b"nonsense", "stream-lost", "not told as a Status"),
        (b"[]", "no-stream", "could not be run"),
        (json.dumps(channels.failed("broke")).encode(), "no-stream", "occurred: broke"),
        (b'{"reason":"NonZeroExitCode","message":"m","details":{"causes":[1]}}', "no-stream", "m"),
    ],
)
def test_what_is_no_exit_code(status: bytes | None, code: str, says: str) -> None:
    with pytest.raises(TanebiError, match=says) as raised:
        outcome(status)
    assert raised.value.code == code


@pytest.fixture
def path(shell: Shell, ns: str) -> str:
    running(shell, pod("web", ns))
    return f"/api/v1/namespaces/{ns}/pods/web/exec"


@pytest.fixture
def terminal() -> Iterator[int]:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_input_and_its_end(shell: Shell, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"word")
    os.close(writer)
    ask = Ask(path, (("command", "cat"),), Keyboard(reader))
    assert converse(Door(access(shell.home), shell.home), ask) == 0
    os.close(reader)
    assert capsys.readouterr().out == "word"


def test_a_terminal_and_its_size(
    shell: Shell, path: str, terminal: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = termios.tcgetattr(terminal)
    ask = Ask(path, (("command", "size"),), Keyboard(terminal), tty=True, raw=True)
    assert converse(Door(access(shell.home), shell.home), ask) == 0
    assert capsys.readouterr().out == "80x24 True"
    assert termios.tcgetattr(terminal) == before


def test_being_told_to_go_leaves_the_terminal_as_it_was(
    shell: Shell, path: str, terminal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size is asked for once signals are heeded."""
    before = termios.tcgetattr(terminal)
    raw: list[bool] = []

    def ask_size(fd: int) -> None:
        raw.append(termios.tcgetattr(fd) != before)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("tanebi.cli.session.size_of", ask_size)
    ask = Ask(path, (("command", "forever"),), Keyboard(terminal), tty=True, raw=True)
    assert converse(Door(access(shell.home), shell.home), ask) == 128 + signal.SIGTERM
    assert raw[0]
    assert termios.tcgetattr(terminal) == before

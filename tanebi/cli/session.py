"""One exec or attach as its client: what is typed goes to the container, what it prints comes here, and at last its exit code.

`v5.channel.k8s.io`: a channel number in front of each message. Caller: tanebi.cli.exec.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import anyio
import click

from tanebi.apiserver.streaming.channels import (
    CLOSE,
    ERROR,
    RESIZE,
    STDERR,
    STDIN,
    STDOUT,
    V5,
)
from tanebi.base.errors import PeerError, Unavailable, UserError
from tanebi.base.stages import first_cause
from tanebi.cli.answers import SocketLost
from tanebi.cli.objects import dig
from tanebi.cli.terminal import Keyboard, raw, size_of
from tanebi.cli.websocket import Door, WebSocket

STATUS_MAX_BYTES: Final = 64 * 1024
END_OF_INPUT: Final = bytes((CLOSE, STDIN))
Write = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of the pod. `keyboard` None: nothing is typed. `tty`: the container's side has a terminal; `raw`: so has
    ours, and the keyboard is it."""

    path: str
    query: tuple[tuple[str, str], ...]
    keyboard: Keyboard | None = None
    tty: bool = False
    raw: bool = False

    def full_query(self) -> list[tuple[str, str]]:
        wished = {"stdin": self.keyboard is not None, "tty": self.tty, "stderr": not self.tty}
        flags = [(name, "true") for name, value in {"stdout": True, **wished}.items() if value]
        return [*self.query, *flags]


def converse(door: Door, ask: Ask) -> int:
    """The exit code of the command. Raises TanebiError when it did not come to its end."""
    try:
        return anyio.run(_converse, door, ask)
    except BaseExceptionGroup as group:
        raise first_cause(group) from group


async def _converse(door: Door, ask: Ask) -> int:
    async with await door.open(ask.path, ask.full_query(), (V5,)) as socket:
        with ExitStack() as stack:
            if ask.raw and ask.keyboard is not None:
                stack.enter_context(raw(ask.keyboard.fd))
            signalled: list[int] = []
            status: bytes | None = None
            async with anyio.create_task_group() as tasks:
                if ask.keyboard is not None:
                    tasks.start_soon(send_input, socket, ask.keyboard)
                    if ask.raw:
                        tasks.start_soon(
                            _signals, socket, ask.keyboard.fd, signalled, tasks.cancel_scope
                        )
                status = await receive_output(socket, write)
                tasks.cancel_scope.cancel()
    if signalled:
        return 128 + signalled[0]
    return outcome(status)


async def send_input(socket: WebSocket, keyboard: Keyboard) -> None:
    """Until there is no more of it, or nobody to take it."""
    try:
        while data := await keyboard.read():
            await socket.send(bytes((STDIN,)) + data)
        await socket.send(END_OF_INPUT)
    except SocketLost:
        return  # whoever reads says why


async def _signals(
    socket: WebSocket, fd: int, signalled: list[int], scope: anyio.CancelScope
) -> None:
    """The window's size now and whenever it changes. Being told to go leaves the terminal as it was."""
    with anyio.open_signal_receiver(signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP) as signals:
        await _send_size(socket, fd)
        async for number in signals:
            if number != signal.SIGWINCH:
                signalled.append(number)
                scope.cancel()
                return
            await _send_size(socket, fd)


async def _send_size(socket: WebSocket, fd: int) -> None:
    if size := size_of(fd):
        message = json.dumps({"Width": size[0], "Height": size[1]}).encode()
        try:
            await socket.send(bytes((RESIZE,)) + message)
        except SocketLost:
            return  # whoever reads says why


async def receive_output(socket: WebSocket, write: Write) -> bytes | None:
    """Print until the Status comes, which is returned; None when the connection ended before it."""
    status, channel = b"", None
    while (piece := await socket.receive()) is not None:
        data, last = piece
        if channel is None and data:
            channel, data = data[0], data[1:]
        if channel in (STDOUT, STDERR) and data:
            write(channel, data)
        elif channel == ERROR:
            status += data
            if len(status) > STATUS_MAX_BYTES:
                raise PeerError(
                    "stream-lost", "the end of the command was told at too great length"
                )
            if last and status:
                return status
        if last:
            channel = None
    return None


def write(channel: int, data: bytes) -> None:
    """Raises BrokenPipeError when nobody reads."""
    stream = sys.stdout.buffer if channel == STDOUT else sys.stderr.buffer
    stream.write(data)
    stream.flush()


def outcome(status: bytes | None) -> int:
    """The exit code that a Status tells. Raises TanebiError when it tells of something else, or there is none."""
    if status is None:
        raise Unavailable(
            "stream-lost",
            "the connection to the pod ended before the command did",
            hint="the pod or the platform went away: tanebi get pods",
        )
    try:
        told: Any = json.loads(status)
    except ValueError as error:
        raise PeerError("stream-lost", "the end of the command was not told as a Status") from error
    if dig(told, "status") == "Success":
        return 0
    if dig(told, "reason") == "NonZeroExitCode":
        for cause in dig(told, "details", "causes") or ():
            text = str(dig(cause, "message"))
            if dig(cause, "reason") == "ExitCode" and text.isdigit():
                click.echo(f"command terminated with exit code {text}", err=True)
                return int(text)
    raise UserError("no-stream", str(dig(told, "message") or "the command could not be run"))

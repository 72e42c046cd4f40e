"""`tanebi port-forward`: ports of this machine that lead to ports of a pod.

Each connection is a WebSocket of its own (`v5.channel.k8s.io`: channel 0 carries data, 1 what went wrong, 255 the end of one
side), so that one which is not read holds up itself alone, and at most what the sockets buffer is in memory.
"""

from __future__ import annotations

import errno
import signal
import socket as sockets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anyio
import click
from anyio.abc import SocketAttribute, SocketListener, SocketStream, TaskGroup

from tanebi.apiserver.streaming.channels import CLOSE, V5
from tanebi.base.errors import TanebiError, Unavailable, UserError
from tanebi.base.stages import first_cause
from tanebi.cli.answers import SocketLost
from tanebi.cli.client import ApiFailure, connect
from tanebi.cli.options import data_dir_option, namespace_option
from tanebi.cli.platform import access, data_dir
from tanebi.cli.podnames import Found, find_pod, runs
from tanebi.cli.podwatch import until_gone
from tanebi.cli.ports import Forward, parse_port, resolve
from tanebi.cli.websocket import Door, WebSocket

READ_BYTES: Final = 32 * 1024
CONNECTIONS_MAX: Final = 128  # at once, of one listening socket; more wait in its backlog
WHY_MAX_BYTES: Final = 4096
DATA, WHY, HEAD_BYTES = 0, 1, 2  # each channel begins with the port
END: Final = bytes((CLOSE, DATA))
LOCALHOST: Final = ("127.0.0.1", "::1")


@click.command("port-forward")
@click.argument("what", metavar="POD|TYPE/NAME")
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]REMOTE...")
@click.option(
    "--address",
    default="localhost",
    show_default=True,
    help="Where to listen: addresses with commas, or localhost.",
)
@namespace_option
@data_dir_option
def port_forward(
    what: str, ports: tuple[str, ...], address: str, namespace: str, folder: str | None
) -> int:
    """Reach ports of a pod at this machine: `port-forward POD 8080`, `port-forward ksvc/hello :8080`.

    REMOTE is a number or a name; of a `svc/` it is the Service's port. `:REMOTE` takes any free local port. TYPE/NAME is whatever
    has pods: a ready one is chosen once. Goes on until Ctrl-C, or until the pod is gone: being forwarded to does not keep it from
    being scaled down.
    """
    wanted = [parse_port(port) for port in ports]
    home = data_dir(folder)
    found = find_pod(connect(home), what, namespace)
    if not runs(found.pod):
        phase = found.pod.get("status", {}).get("phase", "Unknown")
        raise Unavailable(
            "no-pod", f"unable to forward port because pod is not running. Current status={phase}"
        )
    if found.note:
        click.echo(found.note, err=True)
    service = found.owner if found.owner_type.resource == "services" else None
    forwards = [resolve(one, found.pod, service) for one in wanted]
    forwarder = Forwarder(Door(access(home), home), found)
    try:
        return anyio.run(forwarder.run, forwards, addresses(address))
    except BaseExceptionGroup as group:
        raise first_cause(group) from group


def addresses(text: str) -> list[str]:
    """Raises UserError for what is no address."""
    found: list[str] = []
    for one in text.split(","):
        name = one.strip()
        if name == "localhost":
            found += LOCALHOST
        elif _is_address(name):
            found.append(name)
        else:
            raise UserError(
                "usage",
                f"--address {name!r} is no address",
                hint="write an IP address or localhost",
            )
    return found


def _is_address(text: str) -> bool:
    for family in (sockets.AF_INET, sockets.AF_INET6):
        try:
            sockets.inet_pton(family, text)
        except OSError:
            continue
        return True
    return False


@dataclass(frozen=True, slots=True)
class Listening:
    """One local address that leads to a port of the pod."""

    listener: SocketListener
    remote: int

    @property
    def local(self) -> int:
        return int(self.listener.extra(SocketAttribute.local_port))

    def shown(self) -> str:
        host = str(self.listener.extra(SocketAttribute.local_address)[0])
        return f"[{host}]:{self.local}" if ":" in host else f"{host}:{self.local}"


async def listen(forward: Forward, hosts: Sequence[str]) -> list[Listening]:
    """At each address where it can be had, with one port number. Raises UserError when it is at none of them."""
    found: list[Listening] = []
    refused: OSError | None = None
    for host in hosts:
        port = found[0].local if found else forward.local
        try:
            many = await anyio.create_tcp_listener(local_host=host, local_port=port)
        except OSError as error:
            refused = error
            continue
        found += [
            Listening(one, forward.remote)
            for one in many.listeners
            if isinstance(one, SocketListener)
        ]
    if not found:
        assert refused is not None, "there is at least one address"
        taken = refused.errno == errno.EADDRINUSE
        raise UserError(
            "local-port-refused",
            f"port {forward.local} of this machine "
            + ("belongs to another program" if taken else "cannot be had")
            + f" (at {', '.join(hosts)})",
            hint=f"choose another: OTHER:{forward.remote}, or :{forward.remote} for any free one",
        ) from refused
    return found


class Forwarder:
    """Listens, and joins each connection to one of the pod's ports."""

    def __init__(self, door: Door, found: Found) -> None:
        self._door = door
        self._pod = found.pod
        self._path = found.path("portforward")

    async def run(self, forwards: Sequence[Forward], hosts: Sequence[str]) -> int:
        """0 once it is interrupted. Raises TanebiError when the pod or the platform is gone."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            listening: list[Listening] = []
            try:
                for forward in forwards:
                    listening += await listen(forward, hosts)
                for one in listening:
                    click.echo(f"Forwarding from {one.shown()} -> {one.remote}")
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._mind_the_pod)
                    for one in listening:
                        tasks.start_soon(self._accept, one, tasks)
                    async for _ in signals:
                        break
                    tasks.cancel_scope.cancel()
            finally:
                for one in listening:
                    await one.listener.aclose()
        return 0

    async def _mind_the_pod(self) -> None:
        """Raises TanebiError once the pod or the platform is gone."""
        await until_gone(self._door, self._pod)
        raise self._gone()

    def _gone(self) -> Unavailable:
        return Unavailable(
            "stream-lost",
            f"lost connection to pod {self._pod['metadata']['name']}: it is gone",
            hint="start again: a TYPE/NAME finds its next pod",
        )

    async def _accept(self, listening: Listening, tasks: TaskGroup) -> None:
        free = anyio.Semaphore(CONNECTIONS_MAX)
        while True:
            await free.acquire()
            client = await listening.listener.accept()
            tasks.start_soon(self._serve, client, listening, free)

    async def _serve(
        self, client: SocketStream, listening: Listening, free: anyio.Semaphore
    ) -> None:
        """One connection. What goes wrong with it alone is said; the end of the pod ends everything."""
        click.echo(f"Handling connection for {listening.local}")
        try:
            async with client:
                query = (("ports", str(listening.remote)),)
                async with await self._door.open(self._path, query, (V5,)) as socket:
                    why = await join(client, socket)
            if why:
                click.echo(f"error: {why}", err=True)
        except ApiFailure as error:
            if error.status == 404:
                raise self._gone() from error
            click.echo(f"error: {error.message}", err=True)
        except Unavailable as error:
            if error.code == "not-running":
                raise
            click.echo(f"error: {error.message}", err=True)
        except TanebiError as error:
            click.echo(f"error: {error.message}", err=True)
        finally:
            free.release()


async def join(client: SocketStream, socket: WebSocket) -> str:
    """Copy both ways until the pod's side has ended. Returns what went wrong there."""
    why = ""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_to_pod, client, socket, tasks.cancel_scope)
        why = await _from_pod(client, socket)
        tasks.cancel_scope.cancel()
    return why


async def _to_pod(client: SocketStream, socket: WebSocket, scope: anyio.CancelScope) -> None:
    try:
        while True:
            try:
                data = await client.receive(READ_BYTES)
            except anyio.EndOfStream:
                await socket.send(END)
                return
            await socket.send(bytes((DATA,)) + data)
    except SocketLost:
        return  # whoever reads from the pod finds out as well
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        scope.cancel()  # the client has gone altogether


async def _from_pod(client: SocketStream, socket: WebSocket) -> str:
    why, channel = b"", None
    head = {DATA: HEAD_BYTES, WHY: HEAD_BYTES}
    while (piece := await socket.receive()) is not None:
        data, last = piece
        if channel is None and data:
            channel, data = data[0], data[1:]
        if channel in head:
            skipped = min(head[channel], len(data))
            head[channel] -= skipped
            data = data[skipped:]
        if channel == DATA and data:
            try:
                await client.send(data)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return ""  # our client has gone
        elif channel == WHY:
            why = (why + data)[:WHY_MAX_BYTES]
        if last:
            channel = None
    return why.decode("utf-8", "replace")

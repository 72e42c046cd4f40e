"""`python -m tanebi.kubelet.netkeeper`: makes networks for pods where the platform is an ordinary user's.

The process owns a user namespace, in which it may what root may on the machine, and stays in the machine's network. One thread
lives in a network of the namespace, *the enclosure*, to which the pods' lines lead; it cannot come back, and need not: a socket
belongs to the network in which it was made, and the other thread uses those that this one makes. So

- the platform asks it, by an inherited socket, for places, and enters them with `nsenter`, which the owner's user may;
- whatever is to reach a pod gets sockets from it, made in the enclosure and not yet connected (tanebi.http.ways);
- what pods say by TCP to the platform or the world comes to its relay (tanebi.kubelet.relay).

It ends with the platform. Caller: tanebi.kubelet.kept. One message is one JSON object; what it imports is little on purpose.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Final

from tanebi.base.limits import raise_file_limit
from tanebi.base.parent import die_with
from tanebi.http.ways import BATCH, trust
from tanebi.kubelet import namespaces, netlink
from tanebi.kubelet.lines import Block, Dress, Lines
from tanebi.kubelet.namespaces import Conversation, Namespaces, Visitor
from tanebi.kubelet.relay import BACKLOG, Relay, meant_for

MESSAGE_MAX: Final = 128 * 1024
CLIENTS_MAX: Final = 64
DNS_PORT: Final = 53


def main(arguments: list[str]) -> int:
    """`arguments`: the pid of a parent to die with; without, the user namespace is there already, and made by another program.
    The socket is what is the standard input of others, which all programs pass on.
    """
    control = socket.socket(fileno=os.dup(0))
    control.setblocking(False)
    if arguments:
        try:
            namespaces.own_user()
        except OSError as error:
            control.send(_refused(error))
            return 1
        die_with(int(arguments[0]))
    raise_file_limit()
    asyncio.run(_serve(control))
    return 0


async def _serve(control: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    config = json.loads(await loop.sock_recv(control, MESSAGE_MAX))
    try:
        keeper = await _settle(config)
    except OSError as error:
        control.send(_refused(error))
        return
    told = json.dumps({"pid": os.getpid()}).encode()
    socket.send_fds(control, [told], [sock.fileno() for sock in (*keeper.dns, keeper.rules)])
    keeper.rules.close()  # whose end ends the rules: the platform's to say when
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keeper.relay.run())
        tasks.create_task(keeper.give_sockets(tasks))
        while message := await loop.sock_recv(control, MESSAGE_MAX):
            answer = await keeper.do(json.loads(message))
            if answer is not None:
                control.send(answer)
        os._exit(0)  # the platform is gone: with us goes what it left


async def _settle(config: Mapping[str, Any]) -> Keeper:
    """Raises OSError."""
    block = Block(
        IPv4Network(config["net"]), config["name"], Path(config["folder"]), config["files"]
    )
    home = await asyncio.to_thread(namespaces.apart)
    visitor = Visitor("enclosure", home)
    targets = {
        int(port): (str(host), int(real)) for port, (host, real) in config["targets"].items()
    }
    inside = (block.net, IPv4Network(config["services"]))
    made = await visitor.at_home(partial(_enclosure, block, home, inside, list(targets)))
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(f"\0{config['door']}")
    door.listen(CLIENTS_MAX)
    door.setblocking(False)
    relay = Relay(made.relay, partial(meant_for, gateway=str(block.gateway), targets=targets))
    return Keeper(block, visitor, relay, door, made)


@dataclass(frozen=True, slots=True)
class _Enclosure:
    lines: Lines
    relay: socket.socket
    dns: tuple[socket.socket, socket.socket]  # UDP, TCP
    rules: socket.socket


def _enclosure(
    block: Block, home: Namespaces, inside: Sequence[IPv4Network], ports: Sequence[int]
) -> _Enclosure:
    """In the thread that lives there. Raises OSError."""
    lo, gateway = socket.if_nametoindex("lo"), block.gateway
    route = Conversation(netlink.NETLINK_ROUTE)
    route.do([netlink.link_up(lo), netlink.new_address(lo, gateway, gateway)])
    route.close()
    lines = Lines(block, home)
    relay = _bound(socket.SOCK_STREAM, gateway, 0)
    port = relay.getsockname()[1]
    lines.open(netlink.enclosed_rules(block.name, inside, gateway, relay=port, ports=ports))
    dns = tuple(_bound(kind, gateway, DNS_PORT) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM))
    rules = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETLINK_NETFILTER)
    return _Enclosure(lines, relay, (dns[0], dns[1]), rules)


def _bound(kind: socket.SocketKind, host: IPv4Address, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind((str(host), port))
    if kind == socket.SOCK_STREAM:
        sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


class Keeper:
    """What the process does once it has settled."""

    def __init__(
        self,
        block: Block,
        visitor: Visitor,
        relay: Relay,
        door: socket.socket,
        made: _Enclosure,
    ) -> None:
        self._block = block
        self._lines = made.lines
        self._visitor = visitor
        self._door = door
        self._clients = 0
        self.relay = relay
        self.dns = made.dns
        self.rules = made.rules

    async def do(self, asked: Mapping[str, Any]) -> bytes | None:
        """One wish of the platform; None: it wants no answer."""
        try:
            match asked["do"]:
                case "make":
                    build = partial(self._lines.build, IPv4Address(asked["address"]))
                    made = await self._visitor.at_home(build)
                    return json.dumps([made.net, made.mnt, made.uts]).encode()
                case "dress":
                    dress = Dress(asked["hostname"], asked["files"], asked["shown"])
                    await self._visitor.run(_place(asked), partial(self._lines.dress, dress))
                    return json.dumps({}).encode()
                case "drop":
                    _place(asked).close()
                    return None
                case other:
                    raise ValueError(f"unknown wish {other!r}")
        except OSError as error:
            return _refused(error)

    async def give_sockets(self, tasks: asyncio.TaskGroup) -> None:
        """To who asks at the door, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._door)
            if self._clients >= CLIENTS_MAX:
                client.close()
                continue
            tasks.create_task(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._clients += 1
        with client:
            try:
                trust(client)
                client.send(json.dumps({"net": str(self._block.net)}).encode())
                while wish := await loop.sock_recv(client, 1):
                    await self._give(client, min(wish[0], BATCH))
            except OSError:
                pass  # it has ended, or is not to be trusted
            finally:
                self._clients -= 1

    async def _give(self, client: socket.socket, count: int) -> None:
        """Raises OSError."""
        make: Callable[[], list[socket.socket]] = partial(_sockets, count)
        made = await self._visitor.at_home(make)
        try:
            socket.send_fds(client, [bytes([count])], [sock.fileno() for sock in made])
        finally:
            for sock in made:
                sock.close()


def _sockets(count: int) -> list[socket.socket]:
    return [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]


def _place(asked: Mapping[str, Any]) -> Namespaces:
    net, mnt, uts = asked["at"]
    return Namespaces(net, mnt, uts)


def _refused(error: OSError) -> bytes:
    return json.dumps({"errno": error.errno or 0, "why": error.strerror or str(error)}).encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

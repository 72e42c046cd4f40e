"""The hands that make places for pods in this process, which is root: lines lead to the machine's own network.

Caller: tanebi.kubelet.podnet.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from tanebi.base.log import get_logger
from tanebi.kubelet import namespaces, netlink
from tanebi.kubelet.addresses import interface_to
from tanebi.kubelet.doors import Doors
from tanebi.kubelet.lines import Block, Dress, Lines
from tanebi.kubelet.namespaces import Conversation, Namespaces, Visitor
from tanebi.kubelet.netlink import Forwarded
from tanebi.kubelet.runtime import Enter, as_it_is
from tanebi.kubelet.tokens import MOUNT_PATH

T = TypeVar("T")

_log = get_logger("network")


class LocalHands:
    """Implements tanebi.kubelet.podnet.Hands in this process, which is root: lines lead to the machine's own network."""

    def __init__(self, block: Block) -> None:
        """Raises OSError."""
        self._block = block
        self._home = namespaces.current()
        self._lines = Lines(block, self._home)
        self._maker = Visitor("tanebi-places", self._home)
        self._starter = Visitor("tanebi-starts", self._home)
        self._doors = Doors()
        self.can_show = False
        self.no_views = ""
        self.dns: tuple[socket.socket, ...] = ()

    async def start(self, forwarded: Sequence[Forwarded]) -> None:
        """The machine's side."""
        block = self._block
        self._lines.open(netlink.machine_rules(block.name, block.net, block.gateway, forwarded))
        self.can_show = made_to_show()
        await self._starter.at_home(bool)  # its thread is there when it is needed

    async def make(self, address: IPv4Address) -> Namespaces:
        return await self._maker.at_home(partial(self._lines.build, address))

    async def visit(self, inside: Namespaces, dress: Dress | None, work: Callable[[Enter], T]) -> T:
        def dressed() -> T:
            if dress is not None:
                self._lines.dress(dress)
            return work(as_it_is)

        return await self._starter.run(inside, dressed)

    def drop(self, inside: Namespaces) -> None:
        inside.close()

    def let_in(self, address: IPv4Address) -> None:
        interface = interface_to(address, Path("/proc/net/route").read_text())
        if interface:
            self._doors.open(interface)

    def rules(self) -> Conversation:
        return Conversation(netlink.NETLINK_NETFILTER)

    def path(self, inside: Namespaces) -> str:
        return f"/proc/{os.getpid()}/fd/{inside.net}"

    def close(self) -> None:
        for part in (self._maker, self._starter, self._lines):
            part.close()
        self._doors.close()
        self._home.close()


def made_to_show() -> bool:
    """Whether there is a folder over which a pod's own can be laid; it stays empty, and is never removed: others may use it."""
    try:
        Path(MOUNT_PATH).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.info("no place for service accounts in pods", path=MOUNT_PATH, why=error.strerror)
        return False
    return True

"""Pods' namespaces, and the line that joins each to the network of whoever makes them.

A line is two interfaces (veth), without a bridge: the platform's end carries the gateway's address, which is the same for all,
and a route to the pod. So nothing has a life of its own: the lines go with the pods' namespaces, the packet rules with the socket
that made them. A killed platform leaves nothing.

Callers: tanebi.kubelet.hands where we are root, tanebi.kubelet.netkeeper in a user namespace.
Imports little, because the keeper is small.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from tanebi.kubelet import namespaces, netlink
from tanebi.kubelet.namespaces import Conversation, Namespaces
from tanebi.kubelet.netlink import Message

POD_SIDE: Final = "eth0"
_FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True, slots=True)
class Block:
    """Addresses that are ours, what the interfaces of their lines begin with, and an absolute folder for us alone.

    `files` (path: content) are what a pod sees in the place of the machine's.
    """

    net: IPv4Network
    name: str
    folder: Path
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def gateway(self) -> IPv4Address:
        return self.net[1]


@dataclass(frozen=True, slots=True)
class Dress:
    """What a place is given: a name, files (path: content), and a folder to be seen at another path."""

    hostname: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, str] | None = None


class Lines:
    """For threads that may change their namespaces. Made in one that is at `home`, where the platform's ends of lines are."""

    def __init__(self, block: Block, home: Namespaces) -> None:
        self._block = block
        self._home = home
        self._route = Conversation(netlink.NETLINK_ROUTE)
        self._rules = Conversation(netlink.NETLINK_NETFILTER)

    def open(self, rules: Sequence[Message]) -> None:
        """The rules stay as long as this does. Raises OSError."""
        self._rules.do(rules)
        if _FORWARDING.read_text().strip() == "0":
            _FORWARDING.write_text("1\n")

    def build(self, address: IPv4Address) -> Namespaces:
        """The calling thread is in the new namespaces from the first line on. Raises OSError."""
        inside = namespaces.make(self._block.files, self._block.folder, self._home)
        try:
            name = f"{self._block.name}x{int(address) - int(self._block.net[0]):x}"
            namespaces.enter(self._home)
            self._route.do([netlink.new_veth(name, POD_SIDE, inside.net)])
            ours = socket.if_nametoindex(name)
            allow_loopback(name)
            self._route.do(
                [
                    netlink.new_address(ours, self._block.gateway, address),
                    netlink.link_up(ours),
                ]
            )
            namespaces.enter(inside)
            self._furnish(address)
        except OSError:
            inside.close()
            raise
        return inside

    def dress(self, dress: Dress) -> None:
        """Inside. Raises OSError."""
        if dress.hostname:
            socket.sethostname(dress.hostname)
        for target in self._block.files.keys() & dress.files.keys():
            Path(target).write_text(dress.files[target])
        if dress.shown is not None:
            folder, target = dress.shown
            namespaces.show(Path(folder), Path(target))

    def close(self) -> None:
        self._route.close()
        self._rules.close()

    def _furnish(self, address: IPv4Address) -> None:
        """The pod's side of its network."""
        theirs = socket.if_nametoindex(POD_SIDE)
        allow_loopback(POD_SIDE)
        gateway = self._block.gateway
        with contextlib.closing(Conversation(netlink.NETLINK_ROUTE)) as route:
            route.do(
                [
                    netlink.link_up(socket.if_nametoindex("lo")),
                    netlink.new_address(theirs, address, gateway),
                    netlink.link_up(theirs),
                    netlink.new_default_route(theirs, gateway),
                ]
            )
        with contextlib.closing(Conversation(netlink.NETLINK_NETFILTER)) as rules:
            rules.do(netlink.pod_rules("tanebi"))


def allow_loopback(interface: str) -> None:
    """Packets that rules send on to 127.0.0.1 may come in here."""
    Path(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet").write_text("1\n")

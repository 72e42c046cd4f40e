"""The hands that make places for pods where we are not root: a keeper's, which owns a user namespace (tanebi.kubelet.netkeeper).

The keeper's open files are the places, and `nsenter` (util-linux) enters them: to whom a user namespace belongs may do that, also
from outside. It costs a start one more exec. Caller: tanebi.kubelet.podnet. Made by tanebi.up.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio

from tanebi.base.log import get_logger
from tanebi.http.ways import receive_files
from tanebi.kubelet import netlink
from tanebi.kubelet.lines import Block, Dress
from tanebi.kubelet.namespaces import Conversation, Namespaces
from tanebi.kubelet.netkeeper import DNS_PORT, MESSAGE_MAX
from tanebi.kubelet.netlink import TCP, Forwarded
from tanebi.kubelet.runtime import Enter
from tanebi.kubelet.tokens import MOUNT_PATH

ANSWER_S: Final = 10.0
END_S: Final = 5.0
FILES_MAX: Final = 3

T = TypeVar("T")

_log = get_logger("network")


def door_name(folder: Path) -> str:
    """By which this data directory's keeper is found in the abstract socket space, by its user's programs."""
    return f"tanebi-keeper-{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:24]}"


class KeptHands:
    """Implements tanebi.kubelet.podnet.Hands. `lost` is called when the keeper has ended and was not asked to."""

    def __init__(
        self,
        block: Block,
        *,
        door: str,
        services: IPv4Network,
        lost: Callable[[], None],
        through: Sequence[str] = (),
    ) -> None:
        """`services` are addresses that have rules of their own (tanebi.kubelet.serviceproxy). `through`: a program, with its
        arguments, that runs what follows in a user namespace that is not ours. Raises OSError.
        """
        nsenter = shutil.which("nsenter", path=os.defpath) or shutil.which("nsenter")
        if nsenter is None:
            raise OSError("no program nsenter (util-linux)")
        self._nsenter = nsenter
        self._block = block
        self._door = door
        self._services = services
        self._through = through
        self._pid = 0
        self._lost = lost
        self._lock = anyio.Lock()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._line: socket.socket | None = None
        self.dns: tuple[socket.socket, ...] = ()  # UDP and TCP, at the gateway's address
        self._rules: socket.socket | None = None
        self.can_show = Path(MOUNT_PATH).is_dir()
        # nsenter starts the program: it comes after the view, and needs the rights that a view takes away.
        self.no_views = "pods' networks are those of an ordinary user"

    async def start(self, forwarded: Sequence[Forwarded]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._line = ours
        with theirs:
            self._keeper = keeper = _start(theirs, self._through)
        self._pidfd = os.pidfd_open(keeper.pid)
        targets = {
            one.port: (str(one.to[0]), one.to[1])
            for one in forwarded
            if one.protocol == TCP and one.port != DNS_PORT
        }
        told, files = await self._ask(
            {
                "net": str(self._block.net),
                "name": self._block.name,
                "folder": str(self._block.folder),
                "files": dict(self._block.files),
                "targets": targets,
                "door": self._door,
                "services": str(self._services),
            }
        )
        self._pid = int(told["pid"])
        *dns, self._rules = (socket.socket(fileno=fd) for fd in files)
        self.dns = tuple(dns)
        for sock in self.dns:
            sock.setblocking(False)
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)

    async def make(self, address: IPv4Address) -> Namespaces:
        (net, mnt, uts), _ = await self._ask({"do": "make", "address": str(address)})
        return Namespaces(net, mnt, uts)

    async def visit(self, inside: Namespaces, dress: Dress | None, work: Callable[[Enter], T]) -> T:
        if dress is not None:
            wish = {"do": "dress", **_at(inside), "hostname": dress.hostname}
            await self._ask({**wish, "files": dict(dress.files), "shown": dress.shown})
        return work(self._enter(inside))

    def drop(self, inside: Namespaces) -> None:
        if self._line is not None:
            try:
                self._line.send(json.dumps({"do": "drop", **_at(inside)}).encode())
            except OSError as error:  # then it is kept until the keeper ends
                _log.info("place not dropped", why=error.strerror)

    def let_in(self, address: IPv4Address) -> None:
        """An engine's networks are not the enclosure's."""

    def rules(self) -> Conversation:
        sock, self._rules = self._rules, None
        if sock is None:
            raise OSError("the rules of the pods' network have been taken")
        return Conversation(netlink.NETLINK_NETFILTER, sock)

    def path(self, inside: Namespaces) -> str:
        return f"/proc/{self._pid}/fd/{inside.net}"

    def close(self) -> None:
        keeper, self._keeper = self._keeper, None
        if self._line is not None:
            self._line.close()  # which ends it
            self._line = None
        if keeper is None:
            return
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        try:
            keeper.wait(END_S)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()
        for sock in (*self.dns, *((self._rules,) if self._rules is not None else ())):
            sock.close()

    def _enter(self, inside: Namespaces) -> Enter:
        keeper = f"/proc/{self._pid}"

        def enter(argv: Sequence[str], cwd: Path) -> Sequence[str]:
            return (
                self._nsenter,
                "--preserve-credentials",
                f"--user={keeper}/ns/user",
                f"--net={keeper}/fd/{inside.net}",
                f"--mount={keeper}/fd/{inside.mnt}",
                f"--uts={keeper}/fd/{inside.uts}",
                f"--wdns={cwd}",
                "--",
                *argv,
            )

        return enter

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        if self._keeper is not None:
            _log.error("the keeper of the pods' network has ended", code=self._keeper.poll())
            self._lost()

    async def _ask(self, wish: Mapping[str, Any]) -> tuple[Any, list[int]]:
        """What it answers, and files. Raises OSError."""
        async with self._lock:
            if self._line is None:
                raise OSError("the keeper of the pods' network has ended")
            with anyio.CancelScope(
                shield=True
            ):  # an answer left unread would be taken for the next one's
                self._line.send(json.dumps(wish).encode())
                with anyio.move_on_after(ANSWER_S) as scope:
                    await anyio.wait_readable(self._line)
                if scope.cancelled_caught:
                    self._line.close()
                    self._line = None
                    raise OSError(f"the keeper of the pods' network is silent for {ANSWER_S:g} s")
                message, files = receive_files(self._line, MESSAGE_MAX, FILES_MAX)
        if not message:
            raise OSError("the keeper of the pods' network has ended")
        told = json.loads(message)
        if isinstance(told, dict) and "errno" in told:
            raise OSError(told["errno"], told["why"])
        return told, files


def _start(control: socket.socket, through: Sequence[str]) -> subprocess.Popen[bytes]:
    argv = [*through, sys.executable, "-m", "tanebi.kubelet.netkeeper"]
    if not through:
        argv.append(str(os.getpid()))
    return subprocess.Popen(argv, stdin=control.fileno(), start_new_session=True)


def _at(inside: Namespaces) -> dict[str, list[int]]:
    return {"at": [inside.net, inside.mnt, inside.uts]}

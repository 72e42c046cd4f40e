"""Lines in a network of the test's own: what a place is given. Their ends and rules: tests/tanebi/kubelet/test_podnet.py."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from tanebi.kubelet import namespaces
from tanebi.kubelet.lines import POD_SIDE, Block, Dress, Lines
from tanebi.kubelet.namespaces import Visitor
from tanebi.testing.network import network_missing

pytestmark = [pytest.mark.anyio, network_missing()]

HOSTS = "/etc/hosts"
NAME = f"tnb{os.getpid():x}"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[tuple[Visitor, Lines]]:
    block = Block(IPv4Network("10.201.0.0/22"), NAME, tmp_path, {HOSTS: "as it was\n"})
    before = namespaces.current()
    finding = Visitor("finding", before)
    home = await finding.at_home(namespaces.apart)
    visitor = Visitor("lines", home)
    lines = await visitor.at_home(partial(Lines, block, home))
    yield visitor, lines
    lines.close()
    for part in (visitor, finding, home, before):
        part.close()


def read(path: str) -> Callable[[], str]:
    return Path(path).read_text


async def test_a_place_is_joined_and_dressed(made: tuple[Visitor, Lines], tmp_path: Path) -> None:
    visitor, lines = made
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "file").write_text("seen")
    (tmp_path / "place").mkdir()
    inside = await visitor.at_home(partial(lines.build, IPv4Address("10.201.0.2")))
    with contextlib.closing(inside):
        assert await visitor.run(inside, read(HOSTS)) == "as it was\n"
        shown = (str(tmp_path / "shown"), str(tmp_path / "place"))
        dress = Dress("named", {HOSTS: "as it is\n", "/etc/passwd": "no"}, shown)
        await visitor.run(inside, partial(lines.dress, dress))
        assert await visitor.run(inside, socket.gethostname) == "named"
        assert await visitor.run(inside, read(HOSTS)) == "as it is\n"
        assert await visitor.run(inside, read(str(tmp_path / "place" / "file"))) == "seen"
        assert await visitor.run(inside, partial(socket.if_nametoindex, POD_SIDE))
        assert await visitor.at_home(partial(socket.if_nametoindex, f"{NAME}x2"))
        assert Path(HOSTS).read_text() != "as it is\n"
        assert "root" in Path("/etc/passwd").read_text(), "only what was foreseen is written"


async def test_a_place_that_cannot_be_joined_is_closed(made: tuple[Visitor, Lines]) -> None:
    visitor, lines = made
    inside = await visitor.at_home(partial(lines.build, IPv4Address("10.201.0.3")))
    with contextlib.closing(inside), pytest.raises(OSError, match="File exists"):
        await visitor.at_home(partial(lines.build, IPv4Address("10.201.0.3")))

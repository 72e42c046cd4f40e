"""The hands of who is root. What they make: tests/tanebi/kubelet/test_podnet.py."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from tanebi.kubelet import hands as module
from tanebi.kubelet.hands import LocalHands, made_to_show
from tanebi.kubelet.lines import Block, Dress
from tanebi.kubelet.runtime import as_it_is
from tanebi.testing.network import network_missing

pytestmark = [pytest.mark.anyio, network_missing()]


@asynccontextmanager
async def hands(folder: Path) -> AsyncIterator[LocalHands]:
    made = LocalHands(Block(IPv4Network("10.201.252.0/22"), f"tnb{os.getpid():x}", folder))
    try:
        await made.start([])
        yield made
    finally:
        made.close()


async def test_a_visitor_is_inside_and_starts_programs_as_they_are(tmp_path: Path) -> None:
    async with hands(tmp_path) as made:
        inside = await made.make(IPv4Address("10.201.252.3"))
        namespace = Path("/proc/thread-self/ns/net")
        enter, there = await made.visit(
            inside, Dress("named"), lambda enter: (enter, namespace.readlink())
        )
        assert enter is as_it_is
        assert there != namespace.readlink()
        made.drop(inside)
        with pytest.raises(OSError, match="Bad file descriptor"):
            await made.visit(inside, None, lambda enter: None)


async def test_an_interface_is_let_in_once_and_not_for_ever(tmp_path: Path) -> None:
    setting = Path("/proc/sys/net/ipv4/conf/lo/route_localnet")
    before = setting.read_text()
    async with hands(tmp_path) as made:
        made.let_in(IPv4Address("203.0.113.1"))  # by the default route at most
        await made.make(IPv4Address("10.201.252.2"))
        made.let_in(IPv4Address("10.201.252.2"))
        made.let_in(IPv4Address("10.201.252.2"))
    assert setting.read_text() == before


def test_a_place_for_service_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOUNT_PATH", str(tmp_path / "a" / "b"))
    assert made_to_show()
    assert made_to_show()
    (tmp_path / "file").touch()
    monkeypatch.setattr(module, "MOUNT_PATH", str(tmp_path / "file" / "b"))
    assert not made_to_show()

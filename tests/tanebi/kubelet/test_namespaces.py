from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tanebi.kubelet import namespaces, netlink
from tanebi.kubelet.namespaces import Conversation, Namespaces, Visitor
from tanebi.testing.network import network_missing

pytestmark = [pytest.mark.anyio, network_missing()]


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    home = namespaces.current()
    opened = Visitor("test", home)
    yield opened
    opened.close()
    home.close()


def who() -> tuple[str, ...]:
    return tuple(os.readlink(f"/proc/thread-self/ns/{name}") for name in ("net", "mnt", "uts"))


async def make(visitor: Visitor, folder: Path) -> Namespaces:
    home = namespaces.current()
    try:
        return await visitor.at_home(
            lambda: namespaces.make({"/etc/hosts": "10.0.0.9 nowhere\n"}, folder, home)
        )
    finally:
        home.close()


async def test_a_visit_is_elsewhere_and_ends_at_home(visitor: Visitor, tmp_path: Path) -> None:
    made = await make(visitor, tmp_path)
    there = await visitor.run(made, who)
    assert all(a != b for a, b in zip(there, who(), strict=True))
    assert await visitor.at_home(who) == who()
    assert await visitor.run(made, lambda: Path("/etc/hosts").read_text()) == "10.0.0.9 nowhere\n"
    assert Path("/etc/hosts").read_text() != "10.0.0.9 nowhere\n"
    assert list(tmp_path.iterdir()) == [], "the files are nobody's but the pod's"
    made.close()


async def test_what_a_visit_raises_comes_out_and_the_visitor_goes_on(
    visitor: Visitor, tmp_path: Path
) -> None:
    made = await make(visitor, tmp_path)
    with pytest.raises(ZeroDivisionError):
        await visitor.run(made, lambda: 1 // 0)
    assert await visitor.at_home(who) == who()
    made.close()
    with pytest.raises(OSError, match="setns"):
        await visitor.run(made, who)
    assert await visitor.at_home(who) == who()


async def test_a_host_name_of_its_own(visitor: Visitor, tmp_path: Path) -> None:
    made = await make(visitor, tmp_path)
    await visitor.run(made, lambda: socket.sethostname("inside"))
    assert await visitor.run(made, socket.gethostname) == "inside"
    assert socket.gethostname() != "inside"
    made.close()


async def test_what_cannot_be_mounted_is_told(visitor: Visitor, tmp_path: Path) -> None:
    home = namespaces.current()
    with pytest.raises(OSError, match="mount"):
        await visitor.at_home(
            lambda: namespaces.make({str(tmp_path / "not/there"): "x"}, tmp_path, home)
        )
    home.close()


async def test_the_kernel_says_what_it_refuses(visitor: Visitor, tmp_path: Path) -> None:
    made = await make(visitor, tmp_path)

    def talk() -> int:
        route = Conversation(netlink.NETLINK_ROUTE)
        route.do([netlink.link_up(socket.if_nametoindex("lo"))])
        try:
            route.do([netlink.link_up(9999)])
        except OSError as error:
            return error.errno
        finally:
            route.close()
        return 0

    assert await visitor.run(made, talk) == 19  # ENODEV
    made.close()

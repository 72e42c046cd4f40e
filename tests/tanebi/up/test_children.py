"""Ports are taken first, processes wait at the gate, and what is handed over stays open."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path

import pytest

from tanebi.base.settings import DataDir
from tanebi.testing.clock import FakeClock
from tanebi.up.children import Children, ensure_token
from tanebi.up.options import UpOptions


def children(folder: Path, count: int) -> Children:
    options = UpOptions(folder, gateway_port=0, activators=count)
    return Children(options, DataDir(folder), FakeClock())


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_port_is_taken_at_once_by_a_socket_for_each(tmp_path: Path, count: int) -> None:
    made = children(tmp_path, count)
    try:
        assert {sock.getsockname()[1] for sock in made.sockets} == {made.port}
        assert len(made.sockets) == len(made.names) == max(1, count)
        assert (made.supervisor is not None) == (count > 0)
        assert set(made.inner) == ({"hub", "own"} if count else set())
    finally:
        made.close()
    assert all(sock.fileno() == -1 for sock in made.sockets)


def test_the_gate_is_open_for_all_who_come_later_too(tmp_path: Path) -> None:
    made = children(tmp_path, 2)
    try:
        spec = made._spec(0, made._gate or -1)
        gate = int(spec.argv[spec.argv.index("--gate-fd") + 1])
        assert gate in spec.fds
        assert select.select([gate], [], [], 0)[0] == []
        made.open_gate()
        made.open_gate()
        assert select.select([gate], [], [], 0)[0] == [gate]
        assert os.read(gate, 1) == b""
        assert os.read(gate, 1) == b""
    finally:
        made.close()


def test_what_is_released_stays_open_and_is_told(tmp_path: Path) -> None:
    made = children(tmp_path, 1)
    made.release()
    made.close()
    assert set(made.kept.sockets) == {"gateway", "hub", "own"}
    assert made.kept.children == {}
    for each in made.kept.sockets.values():
        for sock in each:
            assert sock.fileno() >= 0
            sock.close()


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = ensure_token(path)
    assert len(token) >= 16
    assert ensure_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

"""The keeper as a process: it ends with whoever holds the other end of its socket, and says why when it cannot begin."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tanebi.http.ways import BATCH, receive_files
from tanebi.kubelet.netkeeper import MESSAGE_MAX
from tanebi.testing.network import user_namespaces_missing

pytestmark = user_namespaces_missing()

DEADLINE_S = 20.0


def config(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "net": "10.201.0.0/22",
        "name": "tnbtest",
        "folder": str(folder),
        "files": {},
        "targets": {},
        "door": f"tanebi-test-{os.getpid()}-{folder.name}",
        "services": "10.96.0.0/12",
    } | changes


@contextmanager
def keeper() -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(DEADLINE_S)
    argv = [sys.executable, "-m", "tanebi.kubelet.netkeeper", str(os.getpid())]
    with ours, subprocess.Popen(argv, stdin=theirs.fileno()) as process:
        theirs.close()
        yield process, ours
        ours.close()
        assert process.wait(DEADLINE_S) == 0, "it ends with us"


def ask(line: socket.socket, wish: dict[str, Any]) -> Any:
    line.send(json.dumps(wish).encode())
    message, files = receive_files(line, MESSAGE_MAX, 3)
    for file in files:
        os.close(file)
    return json.loads(message)


def test_places_and_sockets_until_nobody_asks_any_more(tmp_path: Path) -> None:
    wanted = config(tmp_path)
    with keeper() as (process, line):
        assert ask(line, wanted) == {"pid": process.pid}
        at = ask(line, {"do": "make", "address": "10.201.0.2"})
        assert len(at) == 3
        again = ask(line, {"do": "make", "address": "10.201.0.2"})
        assert "File exists" in again["why"], "the line is there"
        dress = {"do": "dress", "at": at, "hostname": "p", "files": {}, "shown": None}
        assert ask(line, dress) == {}
        line.send(json.dumps({"do": "drop", "at": at}).encode())
        gone = ask(line, dress)
        assert "Bad file descriptor" in gone["why"]
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.settimeout(DEADLINE_S)
            door.connect(f"\0{wanted['door']}")
            assert json.loads(door.recv(99)) == {"net": wanted["net"]}
            door.send(bytes([255]))
            said, files = receive_files(door, 16, 255)
            assert (said[0], len(files)) == (BATCH, BATCH), "no more than that at a time"
            for file in files:
                os.close(file)
        assert process.poll() is None


@pytest.mark.parametrize(
    ("change", "why"),
    [({"door": "d" * 120}, "too long"), ({"name": "n" * 300}, "out of range|too long|Invalid")],
)
def test_what_is_refused_is_told(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    with keeper() as (_, line):
        told = ask(line, config(tmp_path, **change))
        assert re.search(why, told["why"])

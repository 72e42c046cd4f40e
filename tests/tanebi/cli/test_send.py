from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tanebi.base.settings import DataDir
from tests.tanebi.cli.driving import Shell


@contextmanager
def broker(home: DataDir, status: int = 202, says: bytes = b"") -> Iterator[list[dict[str, Any]]]:
    """A gateway that takes one kind of answer, and what it received."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.append({"path": self.path, "headers": headers, "body": body})
            self.send_response(status)
            self.send_header("Content-Length", str(len(says)))
            self.end_headers()
            self.wfile.write(says)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    home.root.mkdir(parents=True, exist_ok=True)
    announced = {"gateway": f"http://127.0.0.1:{server.server_port}"}
    home.endpoints.write_text(json.dumps(announced))
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_everything_that_can_be_said(nowhere: Shell) -> None:
    with broker(nowhere.home) as received:
        said = nowhere.good(
            "send", "--broker", "b", "-n", "ns", "-t", "order.created", "-s", "/shop", "--subject", "s 1",
            "--id", "42", "-e", "color=red", "-d", '{"a": 1}',
        )  # fmt: skip
    assert said == "202 accepted by broker ns/b\nid 42\n"
    (sent,) = received
    assert sent["path"] == "/ns/b"
    assert sent["body"] == b'{"a": 1}'
    headers = sent["headers"]
    assert headers["ce-id"] == "42"
    assert headers["ce-type"] == "order.created"
    assert headers["ce-source"] == "/shop"
    assert headers["ce-subject"] == "s%201"
    assert headers["ce-color"] == "red"
    assert headers["content-type"] == "application/json"
    assert headers["ce-time"].endswith("Z")


@pytest.mark.parametrize(
    ("data", "want", "body"),
    [
        ("plain words", "text/plain", b"plain words"),
        ("[1, 2]", "application/json", b"[1, 2]"),
        ("@{file}", "application/octet-stream", b"\x00\xff"),
        ("@{json}", "application/json", b"{}"),
    ],
)
def test_data_and_its_type(
    nowhere: Shell, tmp_path: Path, data: str, want: str, body: bytes
) -> None:
    (tmp_path / "f").write_bytes(b"\x00\xff")
    (tmp_path / "f.json").write_bytes(b"{}")
    with broker(nowhere.home) as received:
        given = data.format(file=tmp_path / "f", json=tmp_path / "f.json") if "@" in data else data
        nowhere.good("send", "-t", "x", "-d", given)
        nowhere.good("send", "-t", "x", "-d", given, "--content-type", "application/x")
    assert [r["headers"]["content-type"] for r in received] == [want, "application/x"]
    assert received[0]["body"] == body


def test_no_data_has_no_type_and_ids_differ(nowhere: Shell) -> None:
    with broker(nowhere.home) as received:
        nowhere.good("send", "-t", "x")
        nowhere.good("send", "-t", "x")
    assert "content-type" not in received[0]["headers"]
    assert received[0]["headers"]["ce-id"] != received[1]["headers"]["ce-id"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-t", "x", "-e", "color"], "write NAME=VALUE"),
        (["-t", "x", "-e", "Color=red"], "'Color' is no extension name"),
        (["-t", ""], "non-empty type"),
        (["-t", "x", "-d", "@/no/such"], "cannot read /no/such"),
    ],
)
def test_bad_input_sends_nothing(nowhere: Shell, words: list[str], says: str) -> None:
    with broker(nowhere.home) as received:
        called = nowhere("send", *words)
    assert (called.code, received) == (1, [])
    assert says in called.err


def test_a_refusal_is_told(nowhere: Shell) -> None:
    with broker(nowhere.home, 404):
        called = nowhere("send", "--broker", "nope", "-t", "x")
    assert (called.code, "there is no broker 'nope'" in called.err) == (1, True)
    with broker(nowhere.home, 400, b"bad event"):
        called = nowhere("send", "-t", "x")
    assert (called.code, "answered 400: bad event" in called.err) == (1, True)


def test_nothing_runs(nowhere: Shell) -> None:
    assert "no platform is running" in nowhere("send", "-t", "x").err
    nowhere.home.root.mkdir()
    nowhere.home.endpoints.write_text('{"gateway": "http://127.0.0.1:1"}')
    called = nowhere("send", "-t", "x")
    assert (called.code, "no platform is running" in called.err) == (1, True)

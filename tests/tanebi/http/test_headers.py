"""What header names mean, and how heads are written."""

from __future__ import annotations

import pytest

from tanebi.http import headers as h


@pytest.mark.parametrize(("name", "meaning"), sorted(h.MEANINGS.items()))
def test_every_name_is_known_in_any_case(name: bytes, meaning: int) -> None:
    for spelled in (name, name.upper(), name.title()):
        assert h.MEANING[spelled] == meaning


def test_strange_names_mean_nothing_and_the_memory_is_bounded() -> None:
    for i in range(h.NAMES_REMEMBERED_MAX + 100):
        assert h.MEANING[b"x-%d" % i] == 0
    assert len(h.MEANING) <= h.NAMES_REMEMBERED_MAX
    assert h.MEANING[b"hOsT"] == h.HOST


def test_connection_names_headers_of_this_hop() -> None:
    fields = [(b"Connection", b"close, X-A"), (b"x-a", b"1"), (b"X-B", b"2"), (b"TE", b"trailers")]
    assert h.named_by_connection(fields) == {b"x-a"}
    assert h.end_to_end(fields, h.CONNECTION | h.HOP_BY_HOP) == [(b"X-B", b"2")]


def test_blocks_and_status_lines() -> None:
    assert h.block([(b"A", b"1"), (b"b", b"")]) == b"A: 1\r\nb: \r\n"
    assert h.status_line(404) == b"HTTP/1.1 404 Not Found\r\n"
    assert h.status_line(599) == b"HTTP/1.1 599 Status\r\n"


@pytest.mark.parametrize(
    ("status", "expected"), [(100, True), (200, False), (204, True), (205, False), (304, True)]
)
def test_bodiless(status: int, expected: bool) -> None:
    assert h.bodiless(status) is expected


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        (b"Example.COM", "example.com"),
        (b"example.com:8080", "example.com"),
        (b"example.com.", "example.com"),
        (b"[::1]:8080", "[::1]"),
        (b" a ", "a"),
        (b"", ""),
        (b"\xff:1", "\xff"),
    ],
)
def test_normal_host(host: bytes, normal: str) -> None:
    assert h.normal_host(host) == normal


@pytest.mark.parametrize(
    ("target", "split"),
    [
        (b"/a?b", (None, b"/a?b")),
        (b"*", (None, b"*")),
        (b"http://h:1/a?b", (b"h:1", b"/a?b")),
        (b"HTTP://user@h", (b"user@h", b"/")),
        (b"http://h?q=1", (b"h", b"/?q=1")),
        (b"ftp://h/", (None, b"ftp://h/")),
        (b"h:80", (None, b"h:80")),
    ],
)
def test_split_target(target: bytes, split: tuple[bytes | None, bytes]) -> None:
    assert h.split_target(target) == split


def test_tokens() -> None:
    assert h.tokens(b" Close ,, keep-Alive") == [b"close", b"keep-alive"]


@pytest.mark.parametrize(
    ("fields", "asks"),
    [
        ([(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket")], True),
        ([(b"connection", b"UPGRADE"), (b"UPGRADE", b"foo/2, bar")], True),
        ([(b"Upgrade", b"websocket")], False),
        ([(b"Connection", b"upgrade")], False),
        ([(b"Connection", b"upgrade"), (b"Upgrade", b"websocket, h2c")], False),
    ],
)
def test_who_asks_for_an_upgrade(fields: list[tuple[bytes, bytes]], asks: bool) -> None:
    assert h.asks_upgrade(fields) is asks


def test_a_grant_names_what_was_asked_for_and_nothing_else() -> None:
    asked = [(b"Connection", b"upgrade"), (b"Upgrade", b"WebSocket, foo")]
    assert h.grants_upgrade([(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")], asked)
    assert not h.grants_upgrade([(b"Connection", b"Upgrade"), (b"Upgrade", b"bar")], asked)
    assert not h.grants_upgrade([(b"Upgrade", b"websocket")], asked)
    assert not h.grants_upgrade([(b"Connection", b"Upgrade")], asked)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (b"a", True),
        (b"a_b.example.:080", True),
        (b"127.0.0.1:65535", True),
        (b"[::1]:80", True),
        (b"[::ffff:1.2.3.4]", True),
        (b"xn--bcher-kva.example", True),
        (b"", False),
        (b":80", False),
        (b"a:65536", False),
        (b"a:b", False),
        (b"u@a", False),
        (b"a b", False),
        (b"a,b", False),
        (b"a;b", False),
        (b"a/", False),
        (b"[::1", False),
        (b"[x]", False),
        (b"a\xe9", False),
    ],
)
def test_hosts(value: bytes, good: bool) -> None:
    assert h.is_host(value) == good


def test_keep_alive_and_nothing_else() -> None:
    assert [
        h.says_keep_alive(v) for v in (b"keep-alive", b"Keep-Alive", b"keep-alive, x", b"")
    ] == [
        True,
        True,
        False,
        False,
    ]

"""Bytes that are nearly HTTP/1.1: built by a grammar that prefers what parsers disagree on, then damaged."""

from __future__ import annotations

import random

METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"OPTIONS",
    b"DELETE",
    b"FOO",
    b"get",
    b"CONNECT",
    b"PRI",
    b"",
]
TARGETS = [
    b"/",
    b"/a?b=c",
    b"/%20",
    b"*",
    b"http://h/x",
    b"https://h:1/",
    b"http://u@h/",
    b"h:80",
    b"/a b",
    b"/\xe9",
    b"/#f",
    b"",
]
VERSIONS = [b"HTTP/1.1"] * 12 + [
    b"HTTP/1.0",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/1.2",
    b"http/1.1",
    b"HTTP/1",
    b"HTTP/0.9",
]
NAMES = [
    b"X-A",
    b"X-B",
    b"Cookie",
    b"User-Agent",
    b"Connection",
    b"Upgrade",
    b"TE",
    b"Trailer",
    b"Expect",
    b"Keep-Alive",
    b"X y",
    b"",
    b"X\xe9",
]
VALUES = [
    b"a",
    b"",
    b"close",
    b"keep-alive",
    b"Upgrade",
    b"upgrade, x",
    b"websocket",
    b"h2c",
    b"trailers",
    b"100-continue",
    b"a\tb",
    b"\xff",
    b"a\x00",
    b"a\x01",
    b" a ",
    b"a\r\n b",
    b"a\nb",
    b"a\rb",
    b'"q"',
]
LENGTHS = [
    b"0",
    b"3",
    b"03",
    b"3 ",
    b"+3",
    b"-3",
    b"3, 3",
    b"3;",
    b"0x3",
    b"",
    b"99999999999999999999",
    b"1_0",
    b"\xb2",
]
CODINGS = [
    b"chunked",
    b"Chunked",
    b"chunked ",
    b"\tchunked",
    b"gzip, chunked",
    b"chunked, chunked",
    b"chunked, gzip",
    b"identity",
    b"xchunked",
    b"chunked,",
    b",chunked",
    b"chunked;q",
    b"\x0bchunked",
    b"",
]
SIZES = [
    b"3",
    b"03",
    b"3 ",
    b" 3",
    b"3;a",
    b"3;a=b",
    b'3;a="b;c"',
    b"3;\n",
    b"3\n",
    b"0x3",
    b"+3",
    b"-1",
    b"",
    b"g",
    b"fffffffffffffffff",
    b"10000000000000003",
    b"2",
    b"4",
]
STATUSES = [
    b"200 OK",
    b"204 No Content",
    b"304 Not Modified",
    b"404 Not Found",
    b"100 Continue",
    b"103 Early Hints",
    b"101 Switching Protocols",
    b"200",
    b"099 X",
    b"1000 X",
    b"20 X",
    b"abc X",
    b"500 a\rb",
]
EOLS = [b"\r\n"] * 30 + [b"\n", b"\r", b"\r\r\n", b"\r\n "]


def _headers(rng: random.Random) -> bytes:
    out = b""
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        colon = rng.choice([b": "] * 10 + [b":", b" : ", b"\t:", b":\t", b""])
        out += rng.choice(NAMES) + colon + rng.choice(VALUES) + rng.choice(EOLS)
    return out


def _chunks(rng: random.Random) -> bytes:
    out = b""
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        size = rng.choice(SIZES) if rng.random() < 0.25 else b"3"
        out += size + rng.choice(EOLS) + b"abc" + rng.choice(EOLS)
    trailers = b"X-T: 1\r\n" if rng.random() < 0.2 else _headers(rng) if rng.random() < 0.1 else b""
    return (
        out
        + rng.choice([b"0", b"0", b"0", b"00", b"0;x", b""])
        + rng.choice(EOLS)
        + trailers
        + rng.choice(EOLS)
    )


def _framed(rng: random.Random) -> tuple[bytes, bytes]:
    """Framing headers and the body that follows the head."""
    what = rng.randrange(10)
    if what < 4:
        return b"", b""
    if what < 6:
        return b"Content-Length: 3\r\n", b"abc"
    if what < 8:
        return b"Transfer-Encoding: chunked\r\n", _chunks(rng)
    lines = b""
    for _ in range(rng.choice([1, 1, 2])):
        if rng.random() < 0.5:
            lines += b"Content-Length: " + rng.choice(LENGTHS) + rng.choice(EOLS)
        else:
            lines += b"Transfer-Encoding: " + rng.choice(CODINGS) + rng.choice(EOLS)
    return lines, rng.choice([b"", b"abc", _chunks(rng)])


def _wild(rng: random.Random, usual: bytes, others: list[bytes], chance: float = 0.15) -> bytes:
    return rng.choice(others) if rng.random() < chance else usual


def request(rng: random.Random) -> bytes:
    framing, body = _framed(rng)
    lines = [b"Host: h\r\n", _headers(rng), framing]
    if rng.random() < 0.1:
        lines.append(
            b"Host: " + rng.choice([b"h", b"", b"a b", b"h:99999", b"u@h", b"[::1]"]) + b"\r\n"
        )
    if rng.random() < 0.05:
        lines.pop(0)
    rng.shuffle(lines)
    method, target = _wild(rng, rng.choice([b"GET", b"POST"]), METHODS), _wild(rng, b"/x", TARGETS)
    blank = rng.choice([b" "] * 20 + [b"  ", b"\t"])
    start = method + blank + target + b" " + rng.choice(VERSIONS) + rng.choice(EOLS)
    return start + b"".join(lines) + rng.choice(EOLS) + body


def answer(rng: random.Random) -> bytes:
    framing, body = _framed(rng)
    lines = [_headers(rng), framing]
    rng.shuffle(lines)
    start = rng.choice(VERSIONS) + b" " + _wild(rng, b"200 OK", STATUSES, 0.3) + rng.choice(EOLS)
    return start + b"".join(lines) + rng.choice(EOLS) + body


GOOD_NAMES = [b"X-A", b"cookie", b"User-Agent", b"Accept", b"x!#$%&'*+-.^_`|~9"]
GOOD_VALUES = [b"a", b"", b"a b\tc", b'"q, \\""', b"\x80\xff", b"a:b,c;d=e"]


def good_request(rng: random.Random) -> bytes:
    """What no server may refuse."""
    fields = [(rng.choice(GOOD_NAMES), rng.choice(GOOD_VALUES)) for _ in range(rng.randrange(5))]
    lines = [
        n + rng.choice([b":", b": ", b":\t "]) + v + rng.choice([b"", b" "]) for n, v in fields
    ]
    lines.append(b"Host: " + rng.choice([b"h", b"a-b.example:8080", b"[::1]", b"127.0.0.1:1"]))
    body, framing = b"", rng.randrange(3)
    if framing == 1:
        body = rng.randbytes(rng.randrange(20))
        lines.append(b"Content-Length: %d" % len(body))
    elif framing == 2:
        lines.append(b"Transfer-Encoding: " + rng.choice([b"chunked", b"Chunked"]))
        for _ in range(rng.randrange(4)):
            piece = rng.randbytes(rng.randrange(1, 20))
            size = rng.choice([b"%x", b"%X", b"0%x"]) % len(piece)
            body += (
                size + rng.choice([b"", b";a", b";a=b", b';a="b c"']) + b"\r\n" + piece + b"\r\n"
            )
        body += b"0\r\n" + rng.choice([b"", b"X-Sum: 1\r\n", b"a: b\r\nc: d\r\n"]) + b"\r\n"
    rng.shuffle(lines)
    method = rng.choice([b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD"])
    target = rng.choice([b"/", b"/a/b?c=d&e", b"/%C3%A9", b"http://h/x?y", b"/~!$&'()*+,;=:@"])
    return method + b" " + target + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + body


def damaged(rng: random.Random, data: bytes) -> bytes:
    """With bytes changed, doubled, moved or gone; as it was about as often."""
    out = bytearray(data)
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 4])):
        if not out:
            break
        at, what = rng.randrange(len(out)), rng.randrange(6)
        if what == 0:
            out[at] = rng.randrange(256)
        elif what == 1:
            del out[at : at + rng.randrange(1, 4)]
        elif what == 2:
            out[at:at] = rng.choice([b"\r\n", b"\n", b"\r", b" ", b"\0", b":", b"0", b","])
        elif what == 3:
            out[at:at] = out[at : at + rng.randrange(1, 30)]
        elif what == 4:
            out[at] ^= 1 << rng.randrange(8)
        else:
            del out[at:]
    return bytes(out)


def pieces(rng: random.Random, data: bytes) -> list[bytes]:
    """`data` as the reads of a socket may bring it."""
    how = rng.randrange(4)
    if how == 0 or len(data) < 2:
        return [data] if data else []
    if how == 1:
        return [data[i : i + 1] for i in range(len(data))]
    cuts = sorted(rng.sample(range(1, len(data)), min(len(data) - 1, rng.randrange(1, 6))))
    return [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]

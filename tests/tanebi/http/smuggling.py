"""Bytes that two readers could read differently: one table, made into requests and into answers.

Each case is what stands behind the start line. None may be accepted in either direction, whole or byte by byte.
"""

from __future__ import annotations

from typing import Final

CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n"
END: Final = b"0\r\n\r\n"

# The head is refused: nothing of the message is ever handed on.
BAD_HEADS: Final[dict[str, bytes]] = {
    "two lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length twice": b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": b"Content-Length: 1, 1\r\n\r\na",
    "length and chunks": b"Content-Length: 5\r\n" + CHUNKED + END,
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END,
    "chunked twice in two lines": b"Transfer-Encoding: chunked\r\n" + CHUNKED + END,
    "chunked twice in one": b"Transfer-Encoding: chunked, chunked\r\n\r\n" + END,
    "another coding before chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "another coding behind chunked": b"Transfer-Encoding: chunked, gzip\r\n\r\n" + END,
    "identity": b"Transfer-Encoding: identity\r\n\r\n" + END,
    "chunked with a parameter": b"Transfer-Encoding: chunked;q=1\r\n\r\n" + END,
    "chunked in quotes": b'Transfer-Encoding: "chunked"\r\n\r\n' + END,
    "an empty member": b"Transfer-Encoding: chunked,\r\n\r\n" + END,
    "almost chunked": b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END,
    "no coding": b"Transfer-Encoding:\r\n\r\n" + END,
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a signed length": b"Content-Length: +1\r\n\r\na",
    "a hexadecimal length": b"Content-Length: 0x1\r\n\r\na",
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\naaaaaaaaaa",
    "a length with a blank": b"Content-Length: 1 1\r\n\r\na",
    "no length": b"Content-Length:\r\n\r\n",
    "a length beyond 64 bits": b"Content-Length: 18446744073709551617\r\n\r\na",
    "a blank before the colon": b"Content-Length : 1\r\n\r\na",
    "a tab before the colon": b"Transfer-Encoding\t: chunked\r\n\r\n" + END,
    "a blank before the name": b" Content-Length: 1\r\n\r\na",
    "a folded line": b"X: a\r\n b\r\n\r\n",
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + END,
    "a bare LF behind a header": b"X: a\nContent-Length: 1\r\n\r\na",
    "a bare LF at the end": b"X: a\r\n\nGET /evil HTTP/1.1\r\n\r\n",
    "a bare CR in a value": b"X: a\rContent-Length: 1\r\n\r\na",
    "a bare CR behind a header": b"X: a\r\r\n\r\n",
    "NUL in a value": b"X: a\0b\r\n\r\n",
    "NUL in a name": b"X\0: a\r\n\r\n",
    "a control character in a value": b"X: a\x01b\r\n\r\n",
    "DEL in a value": b"X: a\x7fb\r\n\r\n",
    "a name that is no token": b"X(y): a\r\n\r\n",
    "a name of eight bits": b"X\xe9: a\r\n\r\n",
    "no name": b": a\r\n\r\n",
    "no colon": b"X\r\n\r\n",
}

# The head is acceptable, the body is not: the connection must end, and nothing may follow.
BAD_BODIES: Final[dict[str, bytes]] = {
    "a size that is no number": CHUNKED + b"x\r\nabc\r\n" + END,
    "a negative size": CHUNKED + b"-1\r\nabc\r\n" + END,
    "a signed size": CHUNKED + b"+3\r\nabc\r\n" + END,
    "a prefixed size": CHUNKED + b"0x3\r\nabc\r\n" + END,
    "a size beyond 64 bits": CHUNKED + b"10000000000000003\r\nabc\r\n" + END,
    "no size": CHUNKED + b"\r\nabc\r\n" + END,
    "a blank before the size": CHUNKED + b" 3\r\nabc\r\n" + END,
    "a blank behind the size": CHUNKED + b"3 \r\nabc\r\n" + END,
    "a bare LF behind the size": CHUNKED + b"3\nabc\r\n" + END,
    "a bare CR behind the size": CHUNKED + b"3\rabc\r\n" + END,
    "a bare LF in an extension": CHUNKED + b"3;a\nb\r\nabc\r\n" + END,
    "a bare CR in an extension": CHUNKED + b"3;a\rb\r\nabc\r\n" + END,
    "a chunk that is longer than it says": CHUNKED + b"3\r\nabcd\r\n" + END,
    "no end of the chunk": CHUNKED + b"3\r\nabc" + END,
    "a bare LF behind the chunk": CHUNKED + b"3\r\nabc\n" + END,
    "a folded trailer": CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n",
    "a trailer with a bare LF": CHUNKED + b"0\r\nX: a\nY: b\r\n\r\n",
    "a length among the trailers": CHUNKED + b"0\r\nContent-Length: 1\r\n\r\n",
    "too many trailers": CHUNKED + b"0\r\n" + b"X: y\r\n" * 201 + b"\r\n",
    "trailers that are too large": CHUNKED
    + b"0\r\n"
    + (b"X: " + b"y" * 9000 + b"\r\n") * 8
    + b"\r\n",
}

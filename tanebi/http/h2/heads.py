"""Heads between HTTP/2's form and ours: pseudo-headers, lower-case names, and what may not be in a message.

Pure. Read strictly, for what comes here may leave as HTTP/1.1: a name or a value that could be read as more than one header is
refused. Rules: RFC 9113 §8.2, §8.3; RFC 9110 §5. Callers: tanebi.http.h2.server, tanebi.http.h2.upstream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tanebi.http.h2.fields import Block, Field
from tanebi.http.h2.frames import Code, StreamBroken
from tanebi.http.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    FORBIDDEN_IN_TRAILERS,
    HOP_BY_HOP,
    HOST,
    MEANING,
    NAMES_REMEMBERED_MAX,
    TRACEPARENT,
    TRANSFER_ENCODING,
    UPGRADE,
    is_host,
)
from tanebi.http.heads import Head
from tanebi.http.messages import Headers

_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(rb"(?![ \t])[^\x00\r\n]*(?<![ \t])")
_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(rb"[^\x00-\x20\x7f]+")

_OTHER_VERSIONS: Final = CONNECTION | TRANSFER_ENCODING | UPGRADE  # and some of HOP_BY_HOP
_NOT_ONWARD: Final = _OTHER_VERSIONS | HOP_BY_HOP | HOST
_ODD: Final = _OTHER_VERSIONS | HOP_BY_HOP | HOST | CONTENT_LENGTH
TE: Final = (b"te", b"trailers")


@dataclass(slots=True)
class RequestHead:
    """What a request's header block says. Shared by the requests that come with the same block: `headers` is not changed."""

    method: bytes = b""
    target: bytes = b""
    scheme: bytes = b""
    host: bytes = b""
    headers: list[Field] = field(default_factory=list)
    seen: int = 0  # bits of tanebi.http.headers
    length: int = -1  # the Content-Length


def malformed(text: str) -> StreamBroken:
    return StreamBroken(Code.PROTOCOL_ERROR, text)


def request_head(block: Block) -> RequestHead:
    """Raises StreamBroken for a message that is malformed (RFC 9113 §8.1.1)."""
    if isinstance(block.meaning, RequestHead):
        return block.meaning
    pseudo, fields = _split(block)
    head = RequestHead()
    head.method = pseudo.pop(b":method", b"")
    head.scheme = pseudo.pop(b":scheme", b"")
    head.target = pseudo.pop(b":path", b"")
    authority = pseudo.pop(b":authority", b"")
    if pseudo:
        raise malformed("a pseudo-header that is not known")
    if not _METHOD.fullmatch(head.method):
        raise malformed("no method, or a malformed one")
    if head.method == b"CONNECT" or not head.scheme or not _TARGET.fullmatch(head.target):
        raise malformed("no scheme or no path")
    if head.target[:1] != b"/" and not (head.target == b"*" and head.method == b"OPTIONS"):
        raise malformed("the path does not begin with a slash")
    _read_fields(head, fields)
    if authority and head.host and authority != head.host:
        raise malformed("Host and :authority differ")
    head.host = authority or head.host
    if head.host and not is_host(head.host):
        raise malformed("a malformed authority")
    block.meaning = head
    return head


def _read_fields(head: RequestHead, fields: list[Field]) -> None:
    kept: list[Field] = []
    crumbs: list[bytes] = []
    for each in fields:
        name, value = each
        meaning = MEANING[name]
        head.seen |= meaning
        if meaning & _ODD:
            if meaning & HOST:
                if head.host:
                    raise malformed("more than one Host")
                head.host = value
                continue
            if meaning & CONTENT_LENGTH:
                head.length = _length(value, head.length)
            else:
                _check_hop(name, value)
        elif name == b"cookie":
            crumbs.append(value)
            continue
        kept.append(each)
    if crumbs:
        kept.append((b"cookie", b"; ".join(crumbs)))  # RFC 9113 §8.2.3
    head.headers = kept


def _check_hop(name: bytes, value: bytes) -> None:
    if name == b"te":
        if value.lower() != b"trailers":
            raise malformed("TE with more than trailers")
    elif name not in (b"proxy-authorization", b"proxy-authenticate", b"http2-settings"):
        raise malformed("a header of HTTP/1.1 connections")


def _length(value: bytes, known: int) -> int:
    if not value.isdigit() or len(value) > 18 or known not in (-1, int(value)):
        raise malformed("a malformed Content-Length")
    return int(value)


@dataclass(slots=True)
class AnswerHead:
    status: int
    headers: list[Field]
    seen: int
    length: int = -1


def answer_head(block: Block) -> AnswerHead:
    """Of an answer, interim ones too. Raises StreamBroken."""
    pseudo, fields = _split(block)
    status = pseudo.pop(b":status", b"")
    if pseudo or len(status) != 3 or not status.isdigit() or status < b"100" or status == b"101":
        raise malformed("no status, or a malformed one")
    seen, length = 0, -1
    for name, value in fields:
        meaning = MEANING[name]
        seen |= meaning
        if meaning & CONTENT_LENGTH:
            length = _length(value, length)
        elif meaning & (_OTHER_VERSIONS | HOP_BY_HOP):
            _check_hop(name, value)
    return AnswerHead(int(status), fields, seen, length)


def trailers(block: Block) -> list[Field]:
    """Raises StreamBroken for pseudo-headers among them; what may not be a trailer is left out."""
    pseudo, fields = _split(block)
    if pseudo:
        raise malformed("a pseudo-header among trailers")
    return [(n, v) for n, v in fields if not MEANING[n] & FORBIDDEN_IN_TRAILERS]


def _split(block: Block) -> tuple[dict[bytes, bytes], list[Field]]:
    """Pseudo-headers, and the other fields in order, all checked."""
    pseudo: dict[bytes, bytes] = {}
    fields: list[Field] = []
    for each in block.fields:
        name, value = each
        if name[:1] == b":":
            if fields or name in pseudo:
                raise malformed("pseudo-headers come first, and once")
            pseudo[name] = value
        else:
            if name not in _GOOD_NAMES:
                _check_name(name)
            fields.append(each)
        if not _VALUE.fullmatch(value):
            raise malformed("a malformed header value")
    return pseudo, fields


_GOOD_NAMES: Final[set[bytes]] = set()


def _check_name(name: bytes) -> None:
    if not _NAME.fullmatch(name):
        raise malformed("a malformed header name")
    if len(_GOOD_NAMES) < NAMES_REMEMBERED_MAX:
        _GOOD_NAMES.add(name)


# --- what leaves -------------------------------------------------------------------------------


class _Lower(dict[bytes, bytes]):
    def __missing__(self, name: bytes) -> bytes:
        lower = name.lower()
        if len(self) < NAMES_REMEMBERED_MAX:
            self[name] = lower
        return lower


_LOWER: Final = _Lower()
_STATUS: Final = {s: (b":status", b"%d" % s) for s in range(100, 600)}


def lowered(headers: Iterable[Field]) -> list[Field]:
    """Names in lower case. A field that has it already stays the one that came, never-indexed mark and all."""
    found = []
    for each in headers:
        lower = _LOWER[each[0]]
        found.append(each if lower == each[0] else (lower, each[1]))
    return found


def answer_fields(status: int, headers: Headers) -> list[Field]:
    """`headers`: end to end ones."""
    return [_STATUS.get(status) or (b":status", b"%d" % status), *lowered(headers)]


def request_fields(head: Head) -> list[Field]:
    """The next hop is a pod: plain http."""
    fields = [
        (b":method", head.method),
        (b":scheme", b"http"),
        (b":authority", head.host),
        (b":path", head.target),
    ]
    fields += lowered(head.headers)
    for line in head.tail.split(b"\r\n")[:-1]:
        fields.append(_LINES[line])
    if head.trailers_wanted:
        fields.append(TE)
    return fields


class _Lines(dict[bytes, Field]):
    """Header lines as fields. The same ones come with every request of a connection to one host, but for the trace's."""

    def __missing__(self, line: bytes) -> Field:
        name, _, value = line.partition(b": ")
        field = (_LOWER[name], value)
        if len(self) < NAMES_REMEMBERED_MAX and not MEANING[name] & TRACEPARENT:
            self[line] = field
        return field


_LINES: Final = _Lines()

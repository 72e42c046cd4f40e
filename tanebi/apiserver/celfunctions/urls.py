"""CEL's library of URLs. Pure. Behaviour: k8s.io/apiserver pkg/cel/library urls.go, by Go's net/url ParseRequestURI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote

from tanebi.apiserver.celfunctions.marks import Function, mark, opened

_KIND: Final = "url"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%\w]+\]|[^\s\[\]<>\"\\^`{|}/?#:]*)(:\d*)?")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT_IN_PATHS: Final = "/%$&+,:;=@!'()*~"


@dataclass(frozen=True, slots=True)
class Parts:
    scheme: str
    host: str
    path: str
    query: str


def parts(text: str) -> Parts:
    """Raises ValueError."""
    if not text or any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise ValueError(f"URL parse error during conversion from string: {text!r}")
    found = _SCHEME.match(text)
    scheme, rest = (found[1].lower(), text[found.end() :]) if found else ("", text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if not scheme:
            raise ValueError(f"invalid URI for request: {text!r}")
        return Parts(scheme, "", "", query)
    host = ""
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        host, rest = authority.rpartition("@")[2], slash + path
        if not _HOST.fullmatch(host):
            raise ValueError(f"invalid character in host name: {text!r}")
    if _BAD_ESCAPE.search(rest):
        raise ValueError(f"invalid URL escape: {text!r}")
    return Parts(scheme, host, rest, query)


def is_url(text: str) -> bool:
    try:
        parts(text)
    except ValueError:
        return False
    return True


def _url(text: str) -> dict[str, Any]:
    parts(text)
    return mark(_KIND, text)


def _of(value: Any) -> Parts:
    return parts(opened(value, _KIND))


def _port(host: str) -> str:
    found = re.search(r":(\d*)$", host)
    return found[1] if found and not host.endswith("]") else ""


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host[1 : host.index("]")]
    return host.partition(":")[0]


FUNCTIONS: Final[Mapping[str, Function]] = {
    "url": _url,
    "isURL": is_url,
    "getScheme": lambda value: _of(value).scheme,
    "getHost": lambda value: _of(value).host,
    "getHostname": lambda value: _hostname(_of(value).host),
    "getPort": lambda value: _port(_of(value).host),
    "getEscapedPath": lambda value: quote(_of(value).path, safe=_KEPT_IN_PATHS),
    "getQuery": lambda value: parse_qs(_of(value).query, keep_blank_values=True),
}

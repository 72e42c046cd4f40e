"""String formats of OpenAPI that the API server checks. Pure. Unknown formats are fine, as in Kubernetes.

Source: k8s.io/apiextensions-apiserver pkg/apiserver/validation formats. Caller: tanebi.apiserver.structural.validate.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from tanebi.api.meta import parse_time

_HOST_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.?[^@\s]*\Z")
_DURATION: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_MAC: Final = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})\Z")
_HEX_COLOUR: Final = re.compile(r"#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})\Z")
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")


def fits(format_: str, text: str) -> bool:
    """True when `text` has the format, or nobody knows the format."""
    check = _CHECKS.get(format_)
    if check is None:
        return True
    try:
        return check(text)
    except (ValueError, binascii.Error):
        return False


def _hostname(text: str) -> bool:
    return len(text) <= 253 and all(map(_HOST_LABEL.match, text.removesuffix(".").split(".")))


def _duration(text: str) -> bool:
    if text in ("0", "+0", "-0"):
        return True
    return bool(text) and _DURATION.sub("", text.lstrip("+-")) == ""


def _uri(text: str) -> bool:
    found = urlsplit(text)
    return bool(found.scheme and (found.netloc or found.path)) or text.startswith("/")


def _base64(text: str) -> bool:
    base64.b64decode(text, validate=True)
    return True


_CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "date-time": lambda text: bool(parse_time(text)),
    "datetime": lambda text: bool(parse_time(text)),
    "date": lambda text: bool(date.fromisoformat(text)) and len(text) == len("2026-01-01"),
    "uuid": lambda text: bool(uuid.UUID(text)),
    "uuid3": lambda text: uuid.UUID(text).version == 3,
    "uuid4": lambda text: uuid.UUID(text).version == 4,
    "uuid5": lambda text: uuid.UUID(text).version == 5,
    "ipv4": lambda text: bool(ipaddress.IPv4Address(text)),
    "ipv6": lambda text: bool(ipaddress.IPv6Address(text)),
    "cidr": lambda text: "/" in text and bool(ipaddress.ip_interface(text)),
    "mac": lambda text: bool(_MAC.match(text)),
    "email": lambda text: bool(_EMAIL.match(text)),
    "hostname": _hostname,
    "uri": _uri,
    "byte": _base64,
    "duration": _duration,
    "hexcolor": lambda text: bool(_HEX_COLOUR.match(text)),
    "k8s-short-name": lambda text: bool(_DNS_LABEL.match(text)),
    "k8s-long-name": lambda text: len(text) <= 253 and all(map(_DNS_LABEL.match, text.split("."))),
}

"""CEL's libraries of IP addresses and of CIDRs. Pure. Behaviour: k8s.io/apiserver pkg/cel/library ip.go, cidr.go."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from tanebi.apiserver.celfunctions.marks import Function, is_namespace, kind_of, mark, opened

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_IP: Final = "ip"
_CIDR: Final = "cidr"
_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")
_LOCAL_GROUPS: Final = ipaddress.IPv4Network("224.0.0.0/24")


def _address(text: Any) -> Address:
    """Raises ValueError: also for zones, and for IPv4 in IPv6, which Kubernetes does not take."""
    if kind_of(text) == _IP:
        text = text["value"]
    if not isinstance(text, str) or "%" in text:
        raise ValueError(f"IP Address {text!r} parse error during conversion from string")
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise ValueError(f"IPv4-mapped IPv6 address {text!r} is not allowed")
    return found


def _interface(text: Any) -> Interface:
    if kind_of(text) == _CIDR:
        text = text["value"]
    address, slash, length = str(text).partition("/")
    if not slash or not length.isascii() or not length.isdigit() or length != str(int(length)):
        raise ValueError(f"network address parse error during conversion from string: {text!r}")
    _address(address)
    return ipaddress.ip_interface(str(text))


def _ip(value: Any) -> dict[str, Any]:
    """`ip('…')`, and `cidr('…').ip()`."""
    if kind_of(value) == _CIDR:
        return mark(_IP, str(_interface(value).ip))
    return mark(_IP, str(_address(value)))


def _cidr(text: Any) -> dict[str, Any]:
    found = _interface(text)
    return mark(_CIDR, f"{found.ip}/{found.network.prefixlen}")


def _masked(value: Any) -> dict[str, Any]:
    return mark(_CIDR, str(_interface(opened(value, _CIDR)).network))


def _can(read: Callable[[Any], object]) -> Callable[[Any], bool]:
    def holds(text: Any) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return holds


def _is_canonical(namespace: Any, text: str) -> bool:
    if not is_namespace(namespace, "ip"):
        raise TypeError("no such overload: isCanonical")
    return str(_address(text)) == text


def _is_link_local_multicast(value: Any) -> bool:
    found = _address(value)
    if isinstance(found, ipaddress.IPv4Address):
        return found in _LOCAL_GROUPS
    first, second = found.packed[:2]
    return first == 0xFF and second & 0x0F == 0x02


def _is_global_unicast(value: Any) -> bool:
    found = _address(value)
    special = found.is_unspecified or found.is_loopback or found.is_multicast or found.is_link_local
    return not special and found != _BROADCAST


def _contains_ip(network: Any, address: Any) -> bool:
    within, found = _interface(opened(network, _CIDR)).network, _address(address)
    return within.version == found.version and found in within


def _contains_cidr(network: Any, other: Any) -> bool:
    within, found = _interface(opened(network, _CIDR)).network, _interface(other)
    if within.version != found.version:
        return False
    return found.ip in within and within.prefixlen <= found.network.prefixlen


FUNCTIONS: Final[Mapping[str, Function]] = {
    "ip": _ip,
    "isIP": _can(_address),
    "isCanonical": _is_canonical,
    "family": lambda value: _address(opened(value, _IP)).version,
    "isUnspecified": lambda value: _address(opened(value, _IP)).is_unspecified,
    "isLoopback": lambda value: _address(opened(value, _IP)).is_loopback,
    "isLinkLocalMulticast": lambda value: _is_link_local_multicast(value),
    "isLinkLocalUnicast": lambda value: _address(opened(value, _IP)).is_link_local,
    "isGlobalUnicast": lambda value: _is_global_unicast(value),
    "cidr": _cidr,
    "isCIDR": _can(_interface),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "masked": _masked,
    "prefixLength": lambda value: _interface(opened(value, _CIDR)).network.prefixlen,
}

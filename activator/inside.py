"""Who is inside the cluster, told by the address of ours that a client has connected to.

Pure. The machine is the cluster's node: whoever uses its loopback is inside, and pods reach the gateway there too, by a rule of
the network (tanebi.up.network). Everybody else comes from outside. Only a gateway that listens at every address can tell them
apart: one that listens at a single one has no loopback for pods. Callers: tanebi.up.plane, tanebi.up.activator.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address


def can_tell(host: str) -> bool:
    """Whether a gateway that listens at `host` listens at every address of the machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return not host


@lru_cache(maxsize=256)
def is_inside(address: str) -> bool:
    """What is no address (a socket of another kind) is of this machine."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback

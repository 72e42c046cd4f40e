"""Addresses and node ports of Services: given at admission, kept for the Service's life, never given twice.

The address of a Service follows from its name, so that it is the same whenever nobody else has it meanwhile. No packet is sent
to it by this part: tanebi.kubelet.serviceproxy makes it route, where pods have a network.
Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any, Final

from tanebi.api.core.kinds import NAMESPACE, SERVICE
from tanebi.api.core.refusals import GoValue, invalid
from tanebi.api.fielderrors import FieldError
from tanebi.api.meta import Key, Obj, key_of
from tanebi.apiserver.store import Store

NETWORK: Final = ipaddress.IPv4Network("10.96.0.0/12")
RESERVED: Final = 256  # the first ones are given by name only: 10.96.0.1 is the API's
NODE_PORTS: Final = range(30000, 32768)
HEADLESS: Final = "None"
NODE_PORT_TYPES: Final = ("NodePort", "LoadBalancer")


class Addresses:
    """What is given out is remembered here, and counts as long as a Service holds it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._holders: dict[str, Key] = {}  # address, or node port with its protocol
        self._loaded = False

    def assign(self, obj: Obj, old: Obj | None, *, own: bool = False) -> list[FieldError]:
        """Complete a Service in place. Returns what is wrong with what it asks for.

        `own`: the platform's own Services, whose node ports are those that the gateway listens on, several to one port.
        """
        self._load()
        spec = obj.setdefault("spec", {})
        before = (old or {}).get("spec") or {}
        if spec.get("type") == "ExternalName":
            for name in ("clusterIP", "clusterIPs"):
                spec.pop(name, None)
            return []
        errors = self._address(key_of(obj), spec, before)
        if spec.get("type") in NODE_PORT_TYPES and not own:
            errors += self._node_ports(key_of(obj), spec, before)
        return errors

    def _address(self, key: Key, spec: Obj, before: Obj) -> list[FieldError]:
        kept = before.get("clusterIP") or ""
        asked = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if kept and asked and asked != kept:
            return [invalid("spec.clusterIPs[0]", _go_list(asked), "may not change once set")]
        chosen = asked or kept or self._free_address(key)
        if chosen != HEADLESS:
            if why := self._refused(chosen, key, kept):
                if not _is_address(chosen):
                    return [invalid("spec.clusterIPs[0]", chosen, why)]
                return [invalid("spec.clusterIPs", _go_list(chosen), why)]
            self._holders[chosen] = key
        spec["clusterIP"], spec["clusterIPs"] = chosen, [chosen]
        return []

    def _refused(self, address: str, key: Key, kept: str) -> str:
        try:
            inside = ipaddress.ip_address(address) in NETWORK
        except ValueError:
            return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        if not inside and address != kept:
            return f"failed to allocate IP {address}: the provided network does not match the current range"
        if self._holder(address) not in (None, key):
            return f"failed to allocate IP {address}: provided IP is already allocated"
        return ""

    def _free_address(self, key: Key) -> str:
        size = NETWORK.num_addresses - RESERVED - 1
        at = int.from_bytes(hashlib.sha256(f"{self._salt()}{key}".encode()).digest()[:8])
        while True:
            found = str(NETWORK[RESERVED + at % size])
            if self._holder(found) in (None, key):
                return found
            at += 1

    def _salt(self) -> str:
        """Other platforms on this machine give other addresses: packets to them are everybody's."""
        entry = self._store.newest(NAMESPACE.resource, Key("", "kube-system"))
        return str(entry.obj["metadata"]["uid"]) if entry is not None else ""

    def _node_ports(self, key: Key, spec: Obj, before: Obj) -> list[FieldError]:
        had = {
            (p.get("port"), p.get("protocol")): p.get("nodePort") for p in before.get("ports") or ()
        }
        errors = []
        for i, port in enumerate(spec.get("ports") or ()):
            protocol = port.get("protocol", "TCP")
            asked = port.get("nodePort") or had.get((port.get("port"), protocol))
            chosen = asked or self._free_port(key, protocol, i)
            path = f"spec.ports[{i}].nodePort"
            if chosen not in NODE_PORTS:
                detail = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                errors.append(invalid(path, chosen, detail))
            elif self._holder(f"{chosen}/{protocol}") not in (None, key):
                errors.append(invalid(path, chosen, "provided port is already allocated"))
            else:
                port["nodePort"] = chosen
                self._holders[f"{chosen}/{protocol}"] = key
        return errors

    def _free_port(self, key: Key, protocol: str, index: int) -> int:
        at = int.from_bytes(hashlib.sha256(f"{key}/{index}".encode()).digest()[:4])
        for step in range(len(NODE_PORTS)):
            found = NODE_PORTS[(at + step) % len(NODE_PORTS)]
            if self._holder(f"{found}/{protocol}") is None:
                return found
        return 0

    def _holder(self, name: str) -> Key | None:
        """Who has it, if the Service is still there and still has it."""
        key = self._holders.get(name)
        entry = self._store.newest(SERVICE.resource, key) if key is not None else None
        if entry is None or name not in _held(entry.obj.get("spec") or {}):
            return None
        return key

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for entry in self._store.list(SERVICE.resource, None):
            for name in _held(entry.obj.get("spec") or {}):
                self._holders[name] = key_of(entry.obj)


def _go_list(address: str) -> GoValue:
    return GoValue(f'[]string{{"{address}"}}')


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _held(spec: dict[str, Any]) -> set[str]:
    ports = {
        f"{p['nodePort']}/{p.get('protocol', 'TCP')}"
        for p in spec.get("ports") or ()
        if p.get("nodePort")
    }
    return ports | {ip for ip in (spec.get("clusterIP"),) if ip and ip != HEADLESS}

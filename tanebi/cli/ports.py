"""The ports of `tanebi port-forward`: `LOCAL:REMOTE`, by number or by name, of a pod or through a Service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tanebi.base.errors import UserError
from tanebi.cli.objects import dig

Obj = dict[str, Any]
PORT_MAX: Final = 65535
USAGE: Final = "write PORT, LOCAL:REMOTE, or :REMOTE for any free local port"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`local` 0: any free port; None: the same number as the remote one. `remote`: a number or a name."""

    local: int | None
    remote: str


@dataclass(frozen=True, slots=True)
class Forward:
    """`local` 0: any free port. `remote` is a container's."""

    local: int
    remote: int


def parse_port(text: str) -> Wanted:
    """Raises UserError."""
    local, colon, remote = text.rpartition(":")
    if not remote or (remote.isdigit() and _number(remote) is None):
        raise _bad(text)
    if not colon:
        return Wanted(None, remote)
    if not local:
        return Wanted(0, remote)
    number = 0 if local == "0" else _number(local)
    if number is None:
        raise _bad(text)
    return Wanted(number, remote)


def _number(text: str) -> int | None:
    good = text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= PORT_MAX
    return int(text) if good else None


def _bad(text: str) -> UserError:
    return UserError("usage", f"{text!r} names no ports", hint=USAGE)


def resolve(wanted: Wanted, pod: Obj, service: Obj | None) -> Forward:
    """`service`: a core Service that the pod was found by; its ports are meant then. Raises UserError."""
    number = _number(wanted.remote)
    if service is None:
        remote = number or _named(wanted.remote, pod)
        return Forward(remote if wanted.local is None else wanted.local, remote)
    port = _port_of(service, wanted.remote, number)
    remote = _target(service, port, pod)
    return Forward(int(port["port"]) if wanted.local is None else wanted.local, remote)


def _port_of(service: Obj, name: str, number: int | None) -> Obj:
    ports: list[Obj] = dig(service, "spec", "ports") or []
    for port in ports:
        if port.get("port") == number or (number is None and port.get("name") == name):
            return port
    known = [str(p["port"]) + (f" ({p['name']})" if p.get("name") else "") for p in ports]
    raise UserError(
        "no-stream",
        f"Service {service['metadata']['name']} does not have a service port {name}",
        hint=f"it has: {', '.join(known)}" if known else "it has no ports",
    )


def _target(service: Obj, port: Obj, pod: Obj) -> int:
    """The container's port behind a Service's. A headless Service has none in between."""
    target = port.get("targetPort")
    if dig(service, "spec", "clusterIP") == "None" or target in (None, 0, ""):
        return int(port["port"])
    return int(target) if isinstance(target, int) else _number(target) or _named(target, pod)


def _named(name: str, pod: Obj) -> int:
    declared: list[Obj] = [
        port
        for container in dig(pod, "spec", "containers") or ()
        for port in container.get("ports") or ()
    ]
    for port in declared:
        if port.get("name") == name:
            return int(port["containerPort"])
    known = [
        str(p["containerPort"]) + (f" ({p['name']})" if p.get("name") else "") for p in declared
    ]
    raise UserError(
        "no-stream",
        f"pod {pod['metadata']['name']} does not have a port named {name!r}",
        hint=f"it has: {', '.join(known)}" if known else "it declares no ports",
    )

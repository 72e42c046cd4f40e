"""Where a request through `/proxy` goes, and what it and its answer become on the way. Pure.

Behaviour: k8s.io/kubernetes pkg/registry/core pod and service ResourceLocation, k8s.io/apimachinery util/proxy transport.
Caller: tanebi.apiserver.proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tanebi.api.meta import Obj
from tanebi.kube.errors import BadRequest, ServiceUnavailable

# What belongs to one connection, and what was meant for this server alone.
_NOT_PASSED_ON: Final = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_LINK: Final = re.compile(
    rb"""(<[^>]*?\s(?:action|cite|data|href|icon|longdesc|manifest|poster|src|usemap)\s*=\s*["'])(/[^"'/][^"']*|/)(?=["'])""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """`[scheme:]name[:port]` in a path. The port is a number, a name, or empty."""

    scheme: str
    name: str
    port: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def read_name(text: str) -> Named:
    """Raises BadRequest."""
    match text.split(":"):
        case [name]:
            found = Named("http", name)
        case [name, port]:
            found = Named("http", name, port)
        case [scheme, name, port]:
            found = Named(scheme or "http", name, port)
        case _:
            found = Named("", "")
    if not found.name or found.scheme not in ("http", "https"):
        raise BadRequest(f'invalid name in a proxy request "{text}"')
    return found


def pod_place(named: Named, pod: Obj) -> Place:
    """Raises BadRequest."""
    address = (pod.get("status") or {}).get("podIP")
    if not address:
        raise BadRequest("address not allowed")  # Kubernetes' words for a pod without one
    port = named.port
    if not port:
        containers = (pod.get("spec") or {}).get("containers") or ()
        ports = [p["containerPort"] for c in containers for p in c.get("ports") or ()]
        port = str(ports[0]) if ports else ("443" if named.scheme == "https" else "80")
    if not port.isdigit():
        raise BadRequest(f'invalid port "{port}" of pod "{named.name}"')
    return Place(named.scheme, str(address), int(port))


def service_place(named: Named, service: Obj, slices: Iterable[Obj]) -> Place:
    """A ready endpoint of the service. Raises ServiceUnavailable."""
    wanted = named.port
    if wanted.isdigit():
        ports = (service.get("spec") or {}).get("ports") or ()
        named_port = next((p for p in ports if str(p.get("port")) == wanted), None)
        if named_port is None:
            raise ServiceUnavailable(f'no service port {wanted} found for service "{named.name}"')
        wanted = str(named_port.get("name") or "")
    for one in slices:
        here = [p for p in one.get("ports") or () if (p.get("name") or "") == wanted]
        for endpoint in one.get("endpoints") or ():
            ready = (endpoint.get("conditions") or {}).get("ready") is not False
            if here and ready and endpoint.get("addresses"):
                return Place(named.scheme, str(endpoint["addresses"][0]), int(here[0]["port"]))
    raise ServiceUnavailable(f'no endpoints available for service "{named.name}:{named.port}"')


def request_headers(headers: Mapping[str, str], *, prefix: str) -> dict[str, str]:
    """Those that go on. `prefix`: the path that stands for the peer's root."""
    kept = {name: value for name, value in headers.items() if name not in _NOT_PASSED_ON}
    return {
        **kept,
        "x-forwarded-uri": prefix,
        "x-forwarded-host": headers.get("host", ""),
        "x-forwarded-proto": "https",
    }


def answer_headers(headers: Iterable[tuple[str, str]], place: Place, prefix: str) -> dict[str, str]:
    """Those that come back; a redirection to the peer itself leads through the proxy again."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _NOT_PASSED_ON and lower != "content-length":
            continue
        shown = _redirected(value, place, prefix) if lower == "location" else value
        found[lower] = f"{found[lower]}, {shown}" if lower in found else shown
    return found


def _redirected(location: str, place: Place, prefix: str) -> str:
    to = urlsplit(location)
    own = f"{to.scheme}://{to.netloc}" == place.origin
    if to.netloc and not own:
        return location
    if not to.path.startswith("/"):
        return location
    query = f"?{to.query}" if to.query else ""
    return f"{prefix.rstrip('/')}{to.path}{query}"


def rewritten(page: bytes, prefix: str) -> bytes:
    """A page of HTML whose links from the root lead through the proxy."""
    root = prefix.rstrip("/").encode()
    return _LINK.sub(lambda found: found[1] + root + found[2], page)

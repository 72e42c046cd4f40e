"""Everything a host can lead to: handlers in the process, the table's revisions, and plain Services by their own names.

Synchronous and without I/O; chance is passed in. What a host leads to is looked up once and remembered until anything changes.
Callers: activator.feed tells what exists; activator.gateway, activator.capacity and activator.courier ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from activator.backend import Backend, Hooks, Share
from activator.facts import EndpointFacts, ProbeSpec, RevisionFacts
from activator.table import Path, Table, service_of_host
from activator.throttler import Chance
from tanebi.api.meta import Key
from tanebi.http.headers import normal_host
from tanebi.http.messages import Headers, HttpHandler
from tanebi.http.pool import Address

REMEMBERED_MAX: Final = 4096
REWRITES_MAX: Final = 4  # hosts that lead on to hosts: more is a circle
HTTP_PORT: Final = 80
ANY_ADDRESS: Final = "localhost"
ELSEWHERE: Final = Key("knative-serving", "control")


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests for one host go: exactly one of these is set."""

    handler: HttpHandler | None = None
    hit: Hit | None = None  # the same for every target
    host: str = ""  # ask the table for each request
    redirect: bool = False  # plain requests are sent to https, where that is served
    local: bool = False  # for clients inside the cluster alone


@dataclass(frozen=True, slots=True)
class Hit:
    """A destination: its backend, the Host to show it (empty: the client's own), and the route's header lines. `version`: see
    activator.fingerprint."""

    backend: Backend
    host: bytes = b""
    lines: bytes = b""
    version: bytes = b""


class Router:
    """Knows all destinations of one gateway."""

    def __init__(
        self,
        hooks: Hooks,
        chance: Chance,
        *,
        cluster_domain: str = "cluster.local",
        divided: bool = False,
    ) -> None:
        """`divided`: pods with containerConcurrency are ours only where `set_share` says so."""
        self.table = Table()
        self.https_port: int | None = None  # where clients outside find https
        self.revisions: dict[Key, Backend] = {}
        self.services: dict[Key, dict[int, Backend]] = {}
        self._port_names: dict[Key, dict[str, int]] = {}
        self._hooks = hooks
        self._chance = chance
        self._cluster_domain = cluster_domain
        self._mounted: dict[str, Route] = {}
        self._divided = divided
        self._shares: dict[Key, Share] = {}
        self._remembered: dict[bytes, Route] = {}
        self._listeners: set[Callable[[], None]] = set()

    # --- what exists ---------------------------------------------------------------------------

    def mount(self, hosts: Iterable[str], handler: HttpHandler) -> None:
        """`localhost` stands for every bare IP address too."""
        self._mounted.update((host.lower(), Route(handler=handler)) for host in hosts)
        self._changed()

    def mount_elsewhere(self, hosts: Iterable[str], address: Address) -> None:
        """Requests for `hosts` are sent on to `address`, which answers them itself."""
        facts = RevisionFacts(timeout_s=0.0, probe=ProbeSpec("kubelet"))
        backend = Backend(ELSEWHERE, facts, chance=self._chance, hooks=self._hooks, metered=False)
        backend.set_endpoints({address: EndpointFacts(address, ready=True, terminating=False)})
        self._mounted.update((host.lower(), Route(hit=Hit(backend))) for host in hosts)
        self._changed()

    @property
    def mounted(self) -> Iterable[str]:
        """The hosts of `mount` and `mount_elsewhere`."""
        return self._mounted

    def set_table(self, table: Table) -> None:
        self.table = table
        self._changed()

    def set_revision(self, key: Key, facts: RevisionFacts) -> Backend:
        """The revision exists. Told again, only its times may differ: a revision is immutable."""
        backend = self.revisions.get(key)
        if backend is None:
            backend = Backend(key, facts, chance=self._chance, hooks=self._hooks)
            self.revisions[key] = backend
            if self._divided:
                backend.set_share(self._shares.get(key, Share()))
            self._changed()
        backend.facts = facts
        return backend

    def remove_revision(self, key: Key) -> None:
        self._shares.pop(key, None)
        backend = self.revisions.pop(key, None)
        if backend is not None:
            backend.close()
            self._changed()

    def set_share(self, key: Key, share: Share) -> None:
        """Which of the revision's pods are ours. May be told before the revision is."""
        if share == Share():
            self._shares.pop(key, None)
        else:
            self._shares[key] = share
        backend = self.revisions.get(key)
        if backend is not None:
            backend.set_share(share)

    def undrain(self) -> None:
        """Whoever asked to drain is gone. See Backend.undrain."""
        for backend in self.backends():
            backend.undrain()

    def set_service(self, key: Key, ports: Mapping[int, str]) -> dict[int, Backend]:
        """A plain Service: requests go straight to its endpoints, unmetered. `ports`: number to name. Returns its backends by
        port."""
        wanted = set(ports)
        self._port_names[key] = {name: number for number, name in ports.items() if name}
        backends = self.services.setdefault(key, {})
        for port in set(backends) - wanted:
            backends.pop(port).close()
        for port in wanted - set(backends):
            facts = RevisionFacts(timeout_s=0.0, probe=ProbeSpec("kubelet"))
            backends[port] = Backend(
                key, facts, chance=self._chance, hooks=self._hooks, metered=False
            )
        if not backends:
            del self.services[key], self._port_names[key]
        self._changed()
        return backends

    def backends(self) -> Iterator[Backend]:
        yield from self.revisions.values()
        for by_port in self.services.values():
            yield from by_port.values()

    def at(self, address: Address) -> list[Backend]:
        """Every backend that sends, or has sent and not finished, requests to `address`."""
        return [backend for backend in self.backends() if backend.knows(address)]

    @contextmanager
    def listening(self, callback: Callable[[], None]) -> Iterator[None]:
        """`callback` is called after each change of what exists, within the context."""
        self._listeners.add(callback)
        try:
            yield
        finally:
            self._listeners.discard(callback)

    def _changed(self) -> None:
        self._remembered.clear()
        for callback in tuple(self._listeners):
            callback()

    # --- who asks ------------------------------------------------------------------------------

    def route(self, host: bytes) -> Route | None:
        """Where `host`, as a client spelled it, leads. None: nowhere."""
        found = self._remembered.get(host)
        if found is None:
            found = self._find(host)
            if found is not None and len(self._remembered) < REMEMBERED_MAX:
                self._remembered[host] = found
        return found

    def is_cluster_local(self, host: bytes) -> bool:
        """A name that only this platform gives, whether it leads anywhere now or not."""
        return normal_host(host).endswith(f".svc.{self._cluster_domain}")

    def choose(self, route: Route, target: bytes, headers: Headers) -> Hit | None:
        """The destination of one request; None: no path covers it, or what it leads to does not exist."""
        if route.hit is not None:
            return route.hit
        return self._matched(route.host, target, headers)

    def _matched(self, host: str, target: bytes, headers: Headers, depth: int = 0) -> Hit | None:
        """A path may lead on to another host: the app is then shown the host that the client used."""
        path = self.table.match(host, target.decode("latin-1"), headers)
        if path is None:
            return None
        hit = self._hit(path)
        if hit is not None or not path.rewrite_host or depth >= REWRITES_MAX:
            return hit
        on = normal_host(path.rewrite_host.encode())
        if on in self.table.hosts:
            return self._matched(on, target, headers, depth + 1)
        backend = self._by_own_name(on, HTTP_PORT)
        if backend is None:
            return None
        return Hit(backend, lines=path.splits[0].lines, version=path.version)

    def _find(self, host: bytes) -> Route | None:
        name = normal_host(host)
        mounted = self._mounted.get(name)
        if mounted is None and is_address(name):
            mounted = self._mounted.get(ANY_ADDRESS)
        if mounted is not None:
            return mounted
        paths = self.table.hosts.get(name)
        if paths:
            return self._table_route(name, paths)
        backend = self._by_own_name(name, _port(host))
        return Route(hit=Hit(backend), local=True) if backend is not None else None

    def _table_route(self, name: str, paths: tuple[Path, ...]) -> Route:
        """One path for everything and one split: the answer is always the same."""
        redirect, local = name in self.table.redirected, name in self.table.local
        only = paths[0]
        if len(paths) == 1 and not only.prefix and not only.wanted and len(only.splits) == 1:
            hit = self._hit(only)
            if hit is not None:
                return Route(hit=hit, redirect=redirect, local=local)
        return Route(host=name, redirect=redirect, local=local)

    def _hit(self, path: Path) -> Hit | None:
        split = path.choose(self._chance.random())
        backend = self.revisions.get(split.service) or self._service(split.service, split.port)
        if backend is None:
            return None
        return Hit(backend, path.rewrite_host.encode(), split.lines, path.version)

    def _service(self, key: Key, port: int | str) -> Backend | None:
        number = self._port_names.get(key, {}).get(port) if isinstance(port, str) else port
        return self.services.get(key, {}).get(number or 0)

    def _by_own_name(self, name: str, port: int) -> Backend | None:
        key = service_of_host(name, cluster_domain=self._cluster_domain)
        if key is None:
            return None
        if key in self.revisions:
            return self.revisions[key]
        ports = self.services.get(key, {})
        return ports.get(port) or (next(iter(ports.values())) if len(ports) == 1 else None)


def is_address(name: str) -> bool:
    """A bare IPv4 or IPv6 address, as in a Host header without its port."""
    return name.startswith("[") or (name[:1].isdigit() and name.replace(".", "").isdigit())


def _port(host: bytes) -> int:
    _, colon, port = host.rpartition(b":")
    return int(port) if colon and port.isdigit() and len(port) <= 5 else HTTP_PORT

"""Where a request goes: host, then path and headers, then a Service by weight: a revision's, or any other.

Pure: built from Ingress views, chance is passed in. An Ingress is compiled once and kept until its generation moves; a table is
never changed, only merged anew, and remembers which generations it contains, so that an Ingress's status can say when it is in
effect. Hosts are compared exactly, in lower case, without port.
Callers: activator.feed builds, activator.router matches, activator.reconcile.ingress asks for generations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from activator.api.ingress import (
    VISIBILITY_LOCAL,
    HttpIngressPath,
    Ingress,
    IngressBackendSplit,
)
from activator.fingerprint import fingerprint
from tanebi.api.meta import Key
from tanebi.http.headers import MEANING, PLATFORM, block
from tanebi.http.messages import Headers, header

REDIRECTED: Final = "Redirected"  # an Ingress's httpOption


@dataclass(frozen=True, slots=True)
class Split:
    """A share of the traffic. `upto` is the sum of the shares up to and with this one."""

    service: Key  # a revision has a Service of its own name
    upto: int
    lines: bytes = b""  # header lines that the route sets for the app
    port: int | str = (
        0  # the Service's, by number or name; a revision has but one that takes requests
    )


@dataclass(frozen=True, slots=True)
class Path:
    """A prefix, the headers that must be there too (names in lower case), and the splits. `total` sums the percentages."""

    prefix: str
    splits: tuple[Split, ...]
    total: int
    rewrite_host: str = ""
    wanted: tuple[tuple[bytes, bytes], ...] = ()
    version: bytes = b""  # the Ingress's fingerprint

    def choose(self, chance: float) -> Split:
        """The split at `chance`, which is at least 0 and below 1."""
        if len(self.splits) == 1:
            return self.splits[0]
        return self.splits[bisect_right(self.splits, chance * self.total, key=lambda s: s.upto)]

    def covers(self, target: str, headers: Headers) -> bool:
        """Prefixes end at path elements: `/a` covers `/a` and `/a/b` but not `/ab`."""
        if self.prefix:
            path = target.partition("?")[0]
            below = self.prefix if self.prefix.endswith("/") else f"{self.prefix}/"
            if path != self.prefix and not path.startswith(below):
                return False
        return all(header(headers, name) == value for name, value in self.wanted)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one Ingress contributes. The older Ingress keeps a host that two claim (among equals the first by name)."""

    key: Key
    uid: str
    generation: int
    created: str
    hosts: Mapping[str, tuple[Path, ...]]
    redirected: frozenset[str] = frozenset()  # hosts whose plain requests are sent to https
    secrets: Mapping[str, Key] = field(default_factory=dict)  # hosts whose certificates are there
    local: frozenset[str] = frozenset()  # hosts that are for clients inside the cluster alone


@dataclass(frozen=True, slots=True)
class Table:
    """Hosts and their paths, the most specific first."""

    hosts: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    loaded: Mapping[Key, tuple[str, int]] = field(default_factory=dict)
    redirected: frozenset[str] = frozenset()
    secrets: Mapping[str, Key] = field(default_factory=dict)
    local: frozenset[str] = frozenset()

    def match(self, host: str, target: str, headers: Headers = ()) -> Path | None:
        """The path that serves `target` (origin form) at `host` (normal form); None: nobody does."""
        for path in self.hosts.get(host, ()):
            if path.covers(target, headers):
                return path
        return None

    def holds(self, ingress: Ingress) -> bool:
        """Whether this generation of `ingress` is in effect."""
        meta = ingress.metadata
        uid, generation = self.loaded.get(meta.key, ("", -1))
        return uid == meta.uid and generation >= meta.generation


def merge(compiled: Iterable[Compiled]) -> Table:
    """One table of all Ingresses."""
    hosts: dict[str, tuple[Path, ...]] = {}
    loaded: dict[Key, tuple[str, int]] = {}
    redirected: set[str] = set()
    local: set[str] = set()
    secrets: dict[str, Key] = {}
    for each in sorted(compiled, key=lambda c: (c.created, c.key)):
        for host, paths in each.hosts.items():
            if hosts.setdefault(host, paths) is not paths:
                continue
            if host in each.redirected:
                redirected.add(host)
            if host in each.local:
                local.add(host)
        for host, secret in each.secrets.items():
            secrets.setdefault(host, secret)
        loaded[each.key] = (each.uid, each.generation)
    return Table(hosts, loaded, frozenset(redirected), secrets, frozenset(local))


def compile_ingress(ingress: Ingress) -> Compiled:
    """The part of the table that `ingress` asks for."""
    own: dict[str, list[Path]] = {}
    redirected: set[str] = set()
    public: set[str] = set()
    spec, meta = ingress.spec, ingress.metadata
    version = fingerprint(ingress)
    for rule in spec.rules:
        names = [_host(host) for host in rule.hosts]
        paths = [p for path in rule.http.paths if (p := _path(path, ingress, version)) is not None]
        for host in names:
            own.setdefault(host, []).extend(paths)
        if rule.visibility != VISIBILITY_LOCAL:
            public.update(names)
            if spec.http_option == REDIRECTED:
                redirected.update(names)
    hosts = {host: tuple(sorted(paths, key=_specificity)) for host, paths in own.items()}
    secrets = {
        _host(host): Key(tls.secret_namespace or meta.namespace, tls.secret_name)
        for tls in spec.tls
        for host in tls.hosts
        if tls.secret_name
    }
    created = meta.creation_timestamp or ""
    return Compiled(
        meta.key,
        meta.uid,
        meta.generation,
        created,
        hosts,
        frozenset(redirected),
        secrets,
        frozenset(hosts) - public,
    )


def _host(name: str) -> str:
    return name.lower().rstrip(".")


def _specificity(path: Path) -> tuple[int, int]:
    return (-len(path.prefix), -len(path.wanted))


def _path(path: HttpIngressPath, ingress: Ingress, version: bytes) -> Path | None:
    """None when no split has a share. A single split takes everything, whatever its percentage says."""
    shares = path.splits if len(path.splits) == 1 else [s for s in path.splits if s.percent > 0]
    if not shares:
        return None
    sums = list(accumulate(s.percent or 100 for s in shares))
    splits = tuple(_split(s, upto, path, ingress) for s, upto in zip(shares, sums, strict=True))
    wanted = tuple((n.lower().encode(), m.exact.encode()) for n, m in sorted(path.headers.items()))
    return Path(path.path, splits, sums[-1], path.rewrite_host, wanted, version)


def _split(split: IngressBackendSplit, upto: int, path: HttpIngressPath, ingress: Ingress) -> Split:
    namespace = split.service_namespace or ingress.metadata.namespace
    added = _lines({**path.append_headers, **split.append_headers})
    return Split(Key(namespace, split.service_name), upto, added, split.service_port)


def _lines(headers: Mapping[str, str]) -> bytes:
    """Knative's routing headers tell its activator the revision; here the table does, and the app must not see them.

    Nor K-Original-Host: a host that leads on to another one is shown as the client spelled it.
    """
    pairs = [(name.encode(), value.encode()) for name, value in sorted(headers.items())]
    return block([pair for pair in pairs if not MEANING[pair[0]] & PLATFORM])


def service_of_host(host: str, *, cluster_domain: str = "cluster.local") -> Key | None:
    """The Service that a cluster-local name means: `name.ns`, `name.ns.svc`, `name.ns.svc.<cluster domain>`."""
    short = host.removesuffix(f".svc.{cluster_domain}").removesuffix(".svc")
    name, dot, namespace = short.partition(".")
    if not dot or not name or not namespace or "." in namespace:
        return None
    return Key(namespace, name)

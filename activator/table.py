"""Where a request goes: host, then path, then a revision by weight.

Pure: built from Ingress views, chance is passed in. A table is never changed, only replaced; what it was built from is remembered
by generation, so that an Ingress's status can say when it is in effect. Hosts are compared exactly, in lower case, without port.
Callers: activator.feed builds, activator.gateway matches, activator.reconcile.ingress asks for generations.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from activator.api.ingress import HttpIngressPath, Ingress, IngressBackendSplit
from tanebi.api.meta import Key


@dataclass(frozen=True, slots=True)
class Split:
    """A share of the traffic. `upto` is the sum of the shares up to and with this one."""

    revision: Key
    upto: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """A prefix and its splits. `total` is the sum of the percentages."""

    prefix: str
    splits: tuple[Split, ...]
    total: int
    rewrite_host: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def choose(self, chance: float) -> Split:
        """The split at `chance`, which is at least 0 and below 1."""
        if len(self.splits) == 1:
            return self.splits[0]
        return self.splits[bisect_right(self.splits, chance * self.total, key=lambda s: s.upto)]


@dataclass(frozen=True, slots=True)
class Table:
    """Hosts and their paths, the longest prefix first. `loaded` are the generations of the Ingresses inside."""

    hosts: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    loaded: Mapping[Key, tuple[str, int]] = field(default_factory=dict)

    def match(self, host: str, target: str) -> Path | None:
        """The path that serves `target` (origin form) at `host` (normal form); None: nobody does."""
        paths = self.hosts.get(host)
        if paths is None:
            return None
        for path in paths:
            if not path.prefix or _covers(path.prefix, target):
                return path
        return None

    def holds(self, ingress: Ingress) -> bool:
        """Whether this generation of `ingress` is in effect."""
        meta = ingress.metadata
        uid, generation = self.loaded.get(meta.key, ("", -1))
        return uid == meta.uid and generation >= meta.generation


def _covers(prefix: str, target: str) -> bool:
    """Prefixes end at path elements: `/a` covers `/a` and `/a/b` but not `/ab`."""
    path = target.partition("?")[0]
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def compile_table(ingresses: Iterable[Ingress]) -> Table:
    """One table of all Ingresses. When two claim a host, the older one keeps it (and among equals the first by name)."""
    hosts: dict[str, tuple[Path, ...]] = {}
    loaded: dict[Key, tuple[str, int]] = {}
    for ingress in sorted(ingresses, key=_seniority):
        if ingress.deleting:
            continue
        own: dict[str, list[Path]] = {}
        for rule in ingress.spec.rules:
            paths = [p for path in rule.http.paths if (p := _path(path, ingress)) is not None]
            for host in rule.hosts:
                own.setdefault(host.lower().rstrip("."), []).extend(paths)
        for host, found in own.items():
            hosts.setdefault(host, tuple(sorted(found, key=lambda p: -len(p.prefix))))
        loaded[ingress.key] = (ingress.metadata.uid, ingress.metadata.generation)
    return Table(hosts, loaded)


def _seniority(ingress: Ingress) -> tuple[str, str, str]:
    meta = ingress.metadata
    return (meta.creation_timestamp or "", meta.namespace, meta.name)


def _path(path: HttpIngressPath, ingress: Ingress) -> Path | None:
    if path.headers:
        return None  # routes by header are behind a feature flag that does not exist here yet
    shares = [s for s in path.splits if s.percent > 0] or (
        path.splits if len(path.splits) == 1 else []
    )
    if not shares:
        return None
    sums = list(accumulate(s.percent or 100 for s in shares))
    splits = tuple(_split(s, upto, ingress) for s, upto in zip(shares, sums, strict=True))
    return Path(path.path, splits, sums[-1], path.rewrite_host, _pairs(path.append_headers))


def _split(split: IngressBackendSplit, upto: int, ingress: Ingress) -> Split:
    namespace = split.service_namespace or ingress.metadata.namespace
    return Split(Key(namespace, split.service_name), upto, _pairs(split.append_headers))


def _pairs(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in sorted(headers.items()))


def service_of_host(host: str, *, cluster_domain: str = "cluster.local") -> Key | None:
    """The Service that a cluster-local name means: `name.ns`, `name.ns.svc`, `name.ns.svc.<cluster domain>`."""
    short = host.removesuffix(f".svc.{cluster_domain}").removesuffix(".svc")
    name, dot, namespace = short.partition(".")
    if not dot or not name or not namespace or "." in namespace:
        return None
    return Key(namespace, name)
